//! What runs on the private screen: a desktop, or at least a window manager and a terminal.

use std::{
    env,
    ffi::OsStr,
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::virtualgl::VirtualGl;
use crate::supervise::{Backoff, Keeper, Spawner, Spec, Stopped};

/// Enough for programs to save what they save on SIGTERM. mate-session itself does not end on one, so this is also what
/// every stop of a MATE desktop takes.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Something to start on the screen, and to start again when it ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) program: &'static str,
    /// What XDG_CURRENT_DESKTOP says, for programs that adapt to the desktop they run in.
    desktop: Option<&'static str>,
    /// A whole desktop brings its own terminal; a window manager does not.
    complete: bool,
}

const fn desktop(program: &'static str, name: &'static str) -> Program {
    Program { program, desktop: Some(name), complete: true }
}

const fn bare(program: &'static str) -> Program {
    Program { program, desktop: None, complete: false }
}

/// The first one that is installed is used: the desktop of the old container, then the lightest there is.
static SESSIONS: &[Program] = &[
    desktop("mate-session", "MATE"),
    bare("openbox"),
    bare("fluxbox"),
    bare("icewm"),
    bare("marco"),
    bare("xfwm4"),
    bare("metacity"),
    bare("twm"),
    bare("x-window-manager"),
];

static TERMINALS: &[Program] =
    &[bare("mate-terminal"), bare("xfce4-terminal"), bare("lxterminal"), bare("xterm"), bare("x-terminal-emulator")];

/// What to start here: nothing, when nothing is installed.
pub(crate) fn choose() -> Vec<&'static Program> {
    choose_from(in_path)
}

/// Whether there is such a program.
pub(super) fn in_path(program: &str) -> bool {
    is_installed(program, &env::var_os("PATH").unwrap_or_default())
}

fn choose_from(installed: impl Fn(&str) -> bool) -> Vec<&'static Program> {
    let first = |programs: &'static [Program]| programs.iter().find(|it| installed(it.program));
    let session = first(SESSIONS);
    let terminal = if session.is_some_and(|session| session.complete) { None } else { first(TERMINALS) };
    session.into_iter().chain(terminal).collect()
}

/// What `choose` looks for, for a message.
pub(crate) fn wanted() -> String {
    let names: Vec<_> = SESSIONS.iter().map(|session| session.program).collect();
    names.join(", ")
}

fn is_installed(program: &str, path: &OsStr) -> bool {
    env::split_paths(path).any(|folder| {
        let file = folder.join(program).metadata();
        file.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    })
}

/// Starts a program, and keeps it running.
pub(super) fn start(mut spawner: Spawner, program: &'static Program, gl: Option<VirtualGl>) -> Keeper {
    if let Some(gl) = &gl {
        gl.prepare(&mut spawner.environment);
    }
    if let Some(desktop) = program.desktop {
        spawner.environment.set("XDG_CURRENT_DESKTOP", desktop);
        spawner.environment.set("XDG_MENU_PREFIX", format!("{}-", desktop.to_lowercase()));
        spawner.environment.set("DESKTOP_SESSION", desktop.to_lowercase());
    }
    Keeper::start(program.program, |stopped| keep_running(spawner, program, gl, stopped))
}

async fn keep_running(spawner: Spawner, program: &'static Program, gl: Option<VirtualGl>, mut stopped: Stopped) {
    let name = program.program;
    let mut backoff = Backoff::new();
    loop {
        let began = Instant::now();
        let spec = Spec {
            name,
            program: name,
            arguments: Vec::new(),
            pass: Vec::new(),
            environment: Vec::new(),
            package: name,
        };
        let spec = match &gl {
            Some(gl) => gl.wrap(spec),
            None => spec,
        };
        let child = match spawner.spawn(spec) {
            Ok(child) => child,
            Err(error) => return tracing::error!(child = name, "{error:#}"),
        };
        match &gl {
            Some(gl) => tracing::info!(child = name, "desktop session: {name}, drawn by {}", gl.device),
            None => tracing::info!(child = name, "desktop session: {name}"),
        }
        let status = tokio::select! {
            status = child.wait() => status,
            () = stopped.wait() => return child.stop(STOP_LIMIT).await,
        };
        child.end_group();
        let wait = backoff.after(began.elapsed());
        match status {
            Ok(status) if status.success() => {
                tracing::info!(child = name, "{name} ended; starting it again in {wait:?}")
            }
            Ok(status) => tracing::warn!(child = name, "{name} ended ({status}); starting it again in {wait:?}"),
            Err(error) => return tracing::error!(child = name, "{error:#}"),
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = stopped.wait() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose_of(installed: &[&str]) -> Vec<&'static str> {
        choose_from(|program| installed.contains(&program)).iter().map(|it| it.program).collect()
    }

    #[test]
    fn a_desktop_comes_before_a_window_manager_and_brings_its_own_terminal() {
        assert_eq!(choose_of(&["openbox", "mate-session", "xterm"]), ["mate-session"]);
        assert_eq!(choose_of(&["twm", "openbox", "xterm"]), ["openbox", "xterm"]);
        assert_eq!(choose_of(&["twm"]), ["twm"]);
        assert_eq!(choose_of(&["xterm"]), ["xterm"]);
        assert!(choose_of(&[]).is_empty());
    }

    #[test]
    fn only_what_can_be_executed_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tool");
        std::fs::write(&file, "").unwrap();
        assert!(!is_installed("tool", folder.path().as_os_str()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_installed("tool", folder.path().as_os_str()));
        assert!(!is_installed("other", folder.path().as_os_str()));
    }
}
