//! A VNC server for the private screen, which noVNC in the browser talks to. The web server is the only way to it: it
//! listens on a socket in our runtime folder.

use std::{
    ffi::OsString,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context as _;
use tokio::{net::UnixStream, time::sleep};

use super::{READY_LIMIT, STOP_LIMIT, create_private};
use crate::{
    password::Access,
    settings::{Secret, Settings},
    supervise::{Backoff, Child, Keeper, Spawner, Spec, Stopped},
};

/// Between two looks at whether it listens already: it does not tell.
const POLL: std::time::Duration = std::time::Duration::from_millis(50);

/// Whom it lets in. VNC looks at the first eight bytes of a password only (RFC 6143 §7.2.2).
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    control: Option<Secret>,
    view: Option<Secret>,
}

impl Passwords {
    /// Where the web page asks for none, this asks for the one that is set, if one is.
    pub(crate) fn of(settings: &Settings, access: &Access) -> Self {
        let set = settings.password.as_ref().map(|(password, _)| password);
        Self { control: access.password().or(set).cloned(), view: settings.view_password.clone() }
    }

    /// As x11vnc's -passwdfile has it; empty where nobody is asked.
    fn file(&self) -> String {
        let Some(control) = &self.control else { return String::new() };
        let mut text = format!("{}\n", first_line(control));
        if let Some(view) = &self.view {
            text += &format!("__BEGIN_VIEWONLY__\n{}\n", first_line(view));
        }
        text
    }
}

/// A line of the file is a password.
fn first_line(secret: &Secret) -> &str {
    secret.expose().lines().next().unwrap_or_default()
}

/// Where it listens.
pub(crate) fn socket(runtime: &Path) -> PathBuf {
    runtime.join("vnc")
}

/// Starts it, and keeps it running.
pub(super) fn start(spawner: Spawner, passwords: Passwords, runtime: PathBuf) -> Keeper {
    Keeper::start("x11vnc", |stopped| keep_running(spawner, passwords, runtime, stopped))
}

async fn keep_running(spawner: Spawner, passwords: Passwords, runtime: PathBuf, mut stopped: Stopped) {
    let mut backoff = Backoff::new();
    loop {
        let began = Instant::now();
        let child = match spawn(&spawner, &passwords, &runtime) {
            Ok(child) => child,
            Err(error) => return tracing::error!(child = "x11vnc", "there is no VNC: {error:#}"),
        };
        let life = async {
            match child.until_ready(READY_LIMIT, listens(&socket(&runtime))).await {
                Ok(()) => tracing::info!(child = "x11vnc", "VNC server: x11vnc"),
                Err(error) => return Some(error),
            }
            child.unexpected_end().await
        };
        let ended = tokio::select! {
            ended = life => ended,
            () = stopped.wait() => return child.stop(STOP_LIMIT).await,
        };
        // The next one needs its place.
        child.stop(STOP_LIMIT).await;
        let Some(error) = ended else { return };
        let wait = backoff.after(began.elapsed());
        tracing::warn!(child = "x11vnc", "starting it again in {wait:?}: {error:#}");
        tokio::select! {
            () = sleep(wait) => {}
            () = stopped.wait() => return,
        }
    }
}

fn spawn(spawner: &Spawner, passwords: &Passwords, runtime: &Path) -> anyhow::Result<Child> {
    let (socket, file) = (socket(runtime), runtime.join("vnc-passwords"));
    for stale in [&socket, &file] {
        match fs::remove_file(stale) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).context(stale.display().to_string());
            }
            Ok(()) | Err(_) => {}
        }
    }
    let text = passwords.file();
    if !text.is_empty() {
        create_private(&file)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| file.display().to_string())?;
    }
    spawner.spawn(Spec {
        name: "x11vnc",
        program: "x11vnc",
        arguments: arguments(&socket, (!text.is_empty()).then_some(&file)),
        pass: Vec::new(),
        environment: Vec::new(),
        package: "x11vnc",
    })
}

fn arguments(socket: &Path, passwords: Option<&PathBuf>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["-unixsock".into(), socket.into()];
    // No TCP, IPv4 or IPv6; several at once, also one after the other; the layout's own keys, repeated as they come; the
    // screen may change its size; and nothing out of a file or from an X selection.
    for argument in "-rfbport 0 -rfbportv6 0 -no6 -noipv6 -shared -forever -repeat -xkb -xrandr resize -norc -noremote \
                     -nolookup -nobell -quiet"
        .split_ascii_whitespace()
    {
        arguments.push(argument.into());
    }
    match passwords {
        Some(file) => {
            let mut read_once = OsString::from("rm:");
            read_once.push(file);
            arguments.extend(["-passwdfile".into(), read_once]);
        }
        None => arguments.push("-nopw".into()),
    }
    arguments
}

async fn listens(socket: &Path) -> anyhow::Result<()> {
    while UnixStream::connect(socket).await.is_err() {
        sleep(POLL).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn passwords<const N: usize>(pairs: [(&str, &str); N]) -> Passwords {
        let settings = Settings::read(&Environment::from(pairs)).unwrap();
        Passwords::of(&settings, &Access::of(&settings).unwrap())
    }

    #[test]
    fn passwords_are_in_the_file_and_never_in_the_arguments() {
        let both = passwords([("PASSWD", "hunter2\nand more"), ("NOVNC_VIEWPASS", "watcher2")]);
        assert_eq!(both.file(), "hunter2\n__BEGIN_VIEWONLY__\nwatcher2\n");
        let line = arguments(Path::new("/run/x/vnc"), Some(&"/run/x/vnc-passwords".into()));
        assert!(line.contains(&"rm:/run/x/vnc-passwords".into()) && !line.contains(&"-nopw".into()));
        assert!(!format!("{both:?}{line:?}").contains("hunter2"));
    }

    #[test]
    fn a_password_is_left_out_only_where_none_is_set() {
        let open = ("ENABLE_BASIC_AUTH", "false");
        assert_eq!(passwords([open]).file(), "");
        assert_eq!(passwords([open, ("PASSWD", "hunter2")]).file(), "hunter2\n");
        assert!(passwords([]).file().len() > 10);
    }
}
