//! A private X server without a screen of its own.

use std::{
    fs,
    io::{self, Write as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::PermissionsExt as _,
    },
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use screen_resize::Wanted;
use tokio::{io::AsyncReadExt as _, net::unix::pipe};
use x11rb::{NONE, connection::Connection as _, protocol::xproto::ConnectionExt as _, wrapper::ConnectionExt as _};

use super::{READY_LIMIT, create_private, framebuffer::Framebuffer};
use crate::{
    settings::Screen,
    supervise::{Child, Spawner, Spec},
};

/// Known before the server runs, because XAUTHORITY must be in our own environment before we have a second thread.
pub(crate) fn authority_path(runtime: &Path) -> PathBuf {
    runtime.join("Xauthority")
}

/// Starts it as display `name`, as large as its framebuffer allows, and returns once its screen has the size that is
/// wanted.
pub(super) async fn start(
    spawner: &Spawner,
    screen: Screen,
    name: &str,
    framebuffer: &Framebuffer,
    runtime: &Path,
) -> anyhow::Result<Child> {
    make_socket_folder();
    let authority = authority_path(runtime);
    // That of the server before this one.
    match fs::remove_file(&authority) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context(authority.display().to_string());
        }
        Ok(()) | Err(_) => {}
    }
    write_authority(&authority).with_context(|| authority.display().to_string())?;

    let (reader, writer) = io::pipe().context("a pipe for the X server")?;
    let writer = OwnedFd::from(writer);
    let spec = Spec {
        name: "Xvfb",
        program: "Xvfb",
        arguments: arguments(screen, name, framebuffer, writer.as_raw_fd(), &authority),
        pass: vec![writer],
        environment: Vec::new(),
        package: "xvfb",
    };
    let child = spawner.spawn(spec)?;
    let mut reader = pipe::Receiver::from_owned_fd(reader.into())?;
    child
        .until_ready(READY_LIMIT, async {
            let mut text = String::new();
            // It writes the number when it accepts connections, and closes the pipe.
            (&mut reader).take(16).read_to_string(&mut text).await?;
            anyhow::ensure!(format!(":{}", text.trim()) == name, "it says that it is display \"{}\"", text.trim());
            Ok(())
        })
        .await?;
    let shrunk = shrink(name.to_owned(), screen);
    let (width, height) = tokio::task::spawn_blocking(shrunk).await?.context("the size of the screen")?;
    let (Screen { dpi, .. }, (most_width, most_height)) = (screen, framebuffer.largest);
    tracing::info!(
        child = "Xvfb",
        "X server: Xvfb {name}, {width} × {height} at {dpi} dpi, at most {most_width} × {most_height}"
    );
    Ok(child)
}

/// Gives the screen the size that was asked for, before any client sees another one.
fn shrink(display: String, screen: Screen) -> impl FnOnce() -> anyhow::Result<(u16, u16)> {
    move || {
        let (connection, number) = x11rb::connect(Some(&display))?;
        let root = connection.setup().roots[number].root;
        let Screen { width, height, dpi, refresh, .. } = screen;
        let size =
            screen_resize::resize(&connection, root, Wanted { size: (width, height), refresh, dpi: dpi.into() })?;
        // It was in the middle of the largest size, and is in the corner now, where panels show what would be pointed at.
        connection.warp_pointer(NONE, root, 0, 0, 0, 0, (size.0 / 2).cast_signed(), (size.1 / 2).cast_signed())?;
        connection.sync()?;
        Ok(size)
    }
}

fn arguments(
    screen: Screen,
    display: &str,
    framebuffer: &Framebuffer,
    display_fd: i32,
    authority: &Path,
) -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<std::ffi::OsString> = vec![
        display.into(),
        "-displayfd".into(),
        display_fd.to_string().into(),
        "-screen".into(),
        "0".into(),
        format!("{}x{}x{}", framebuffer.largest.0, framebuffer.largest.1, screen.depth).into(),
        "-dpi".into(),
        screen.dpi.to_string().into(),
        // What programs that wait for the screen's refresh are told.
        "-fakescreenfps".into(),
        screen.refresh.to_string().into(),
        "-auth".into(),
        authority.into(),
        "-nolisten".into(),
        "tcp".into(),
        // Without it, the server starts anew when its last client leaves, and whoever connects just then fails.
        "-noreset".into(),
        // The pointer goes to the browser apart, and must not be in the picture as well.
        "-nocursor".into(),
        // No screen saver: nobody sits in front of it.
        "-s".into(),
        "0".into(),
        "-dpms".into(),
    ];
    if let Some(folder) = &framebuffer.folder {
        arguments.extend(["-fbdir".into(), folder.path().into()]);
    }
    for extension in ["COMPOSITE", "DAMAGE", "GLX", "MIT-SHM", "RANDR", "RENDER", "XFIXES", "XTEST"] {
        arguments.extend(["+extension".into(), extension.into()]);
    }
    arguments
}

/// An X server that is not root's does not make this folder, and a container often lacks it.
fn make_socket_folder() {
    let path = Path::new("/tmp/.X11-unix");
    let made = fs::create_dir(path).and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o1777)));
    match made {
        Ok(()) => tracing::debug!("made {}", path.display()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => tracing::warn!("{} cannot be made: {error}", path.display()),
    }
}

fn write_authority(path: &Path) -> anyhow::Result<()> {
    let mut cookie = [0; 16];
    getrandom::fill(&mut cookie).context("the system's random number generator failed")?;
    create_private(path)?.write_all(&authority(&cookie))?;
    Ok(())
}

/// One entry of an Xauthority file: numbers are big endian, and a length comes before every field.
fn authority(cookie: &[u8; 16]) -> Vec<u8> {
    /// Any address and, with an empty number, any display: the number is known only once the server runs.
    const FAMILY_WILD: u16 = 0xffff;
    const NAME: &[u8] = b"MIT-MAGIC-COOKIE-1";

    let mut entry = Vec::with_capacity(64);
    entry.extend(FAMILY_WILD.to_be_bytes());
    entry.extend([0, 0]); // address
    entry.extend([0, 0]); // display number
    entry.extend([0, NAME.len() as u8]);
    entry.extend(NAME);
    entry.extend([0, cookie.len() as u8]);
    entry.extend(cookie);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_entry_has_the_bytes_xau_expects() {
        let entry = authority(b"0123456789abcdef");
        assert_eq!(entry, b"\xff\xff\0\0\0\0\0\x12MIT-MAGIC-COOKIE-1\0\x100123456789abcdef");
    }

    #[test]
    fn only_we_can_read_the_cookie_and_it_never_overwrites_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = authority_path(folder.path());
        write_authority(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_authority(&path).is_err());
    }

    #[test]
    fn the_settings_reach_the_command_line() {
        let screen = Screen { width: 1280, height: 720, depth: 24, dpi: 120, refresh: 75 };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let framebuffer = Framebuffer { folder: Some(folder), largest: (3840, 2160) };
        let arguments = arguments(screen, ":23", &framebuffer, 7, Path::new("/run/x/Xauthority"));
        let line: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let line = line.join(" ");
        for part in [
            ":23 -displayfd 7",
            "-screen 0 3840x2160x24",
            "-dpi 120",
            "-fakescreenfps 75",
            "-auth /run/x/Xauthority",
            &format!("-fbdir {path}"),
        ] {
            assert!(line.contains(part), "{line}");
        }
    }
}
