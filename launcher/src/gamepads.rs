//! How programs come to see the gamepads of browsers: as devices of the kernel, or through a library that is preloaded into
//! the session.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::settings::Settings;

/// Our library.
const FILE: &str = "libegldesktop_interposer.so";

/// What there will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gamepads {
    Off,
    /// Devices of the kernel: nothing has to be done in the session.
    Uinput,
    /// Sockets, and a library in the session that turns them into devices.
    Interposer {
        /// `interposer` or `interposer-v1`, as the element calls it.
        protocol: &'static str,
        /// What to preload; none in a session that is not ours, or where there is no library.
        library: Option<PathBuf>,
        /// The folder of the sockets that is named; else it is one of ours for our own library, and Selkies' for others.
        folder: Option<PathBuf>,
    },
}

/// What the machine has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine<'a> {
    /// Whether it lets us make devices.
    pub(crate) uinput: bool,
    /// Whether the session is ours to preload things into.
    pub(crate) session: bool,
    pub(crate) executable: &'a Path,
}

impl Gamepads {
    pub(crate) fn of(settings: &Settings, machine: Machine<'_>) -> Self {
        let named = settings.interposer.clone();
        let interposer = |protocol| {
            let library = named.clone().or_else(|| ours(machine.executable)).filter(|_| machine.session);
            Self::Interposer { protocol, library, folder: settings.js_socket_path.clone() }
        };
        match settings.gamepads.as_str() {
            "none" => Self::Off,
            "uinput" => Self::Uinput,
            "auto" if machine.uinput => Self::Uinput,
            "interposer-v1" => interposer("interposer-v1"),
            _ => interposer("interposer"),
        }
    }

    /// Value of the property `gamepads` of the element.
    pub(crate) fn backend(&self) -> &'static str {
        match self {
            Self::Off => "none",
            Self::Uinput => "uinput",
            Self::Interposer { protocol, .. } => protocol,
        }
    }

    /// The folder of the sockets; empty where that is the element's own choice.
    pub(crate) fn folder(&self, runtime: &Path) -> PathBuf {
        match self {
            Self::Interposer { folder: Some(folder), .. } => folder.clone(),
            // Other libraries may know only Selkies' own folder.
            Self::Interposer { library: Some(library), .. } if library.ends_with(FILE) => runtime.to_owned(),
            _ => PathBuf::new(),
        }
    }

    /// The variables of the session's programs.
    pub(crate) fn environment(&self, runtime: &Path) -> Vec<(&'static str, OsString)> {
        if self.preloaded().is_none() {
            return Vec::new();
        }
        // SDL looks in /dev/input where it must not ask udev, which knows nothing of these devices.
        let mut variables = vec![("SDL_JOYSTICK_DISABLE_UDEV", OsString::from("1"))];
        let folder = self.folder(runtime);
        if !folder.as_os_str().is_empty() {
            variables.push(("SELKIES_JS_SOCKET_PATH", folder.into()));
        }
        variables
    }

    /// The library that programs of the session have to load.
    pub(crate) fn preloaded(&self) -> Option<&Path> {
        match self {
            Self::Interposer { library, .. } => library.as_deref(),
            Self::Off | Self::Uinput => None,
        }
    }
}

/// Whether this machine lets us make devices.
pub(crate) fn has_uinput() -> bool {
    std::fs::OpenOptions::new().write(true).open("/dev/uinput").is_ok()
}

impl std::fmt::Display for Gamepads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("none, because EGLDESKTOP_GAMEPADS is none"),
            Self::Uinput => f.write_str("devices of the kernel, made by /dev/uinput"),
            Self::Interposer { protocol, library: Some(library), .. } => {
                write!(f, "{protocol}: {} in the programs of the session", library.display())
            }
            Self::Interposer { protocol, .. } => {
                write!(f, "{protocol}: sockets for programs that are started with a joystick interposer")
            }
        }
    }
}

/// Our library, beside the program or where a package puts it.
fn ours(executable: &Path) -> Option<PathBuf> {
    let folder = executable.parent()?;
    let lib = folder.parent().unwrap_or(folder).join("lib");
    let triplet = format!("{}-linux-gnu", env::consts::ARCH);
    let candidates =
        [folder.join(FILE), lib.join("egldesktop").join(FILE), lib.join(triplet).join("egldesktop").join(FILE)];
    candidates.into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn gamepads<const N: usize>(pairs: [(&str, &str); N], machine: Machine<'_>) -> Gamepads {
        Gamepads::of(&Settings::read(&Environment::from(pairs)).unwrap(), machine)
    }

    #[test]
    fn the_kernels_devices_come_first_and_then_our_library() {
        let folder = tempfile::tempdir().unwrap();
        let executable = folder.path().join("egldesktop");
        let library = folder.path().join(FILE);
        std::fs::write(&library, "").unwrap();
        let machine = Machine { uinput: false, session: true, executable: &executable };
        assert_eq!(gamepads([], Machine { uinput: true, ..machine }), Gamepads::Uinput);
        assert_eq!(gamepads([("EGLDESKTOP_GAMEPADS", "none")], machine).backend(), "none");

        let runtime = Path::new("/run/x");
        let ours = gamepads([], machine);
        assert_eq!((ours.backend(), ours.folder(runtime).as_path()), ("interposer", runtime));
        let variables = ours.environment(runtime);
        assert_eq!(ours.preloaded(), Some(library.as_path()));
        assert!(variables.contains(&("SELKIES_JS_SOCKET_PATH", "/run/x".into())));

        // A session that is somebody else's: they preload it, or not.
        let sockets = gamepads([("SELKIES_JS_SOCKET_PATH", "/x")], Machine { session: false, ..machine });
        assert_eq!((sockets.folder(runtime).as_path(), sockets.environment(runtime)), (Path::new("/x"), vec![]));
    }

    #[test]
    fn selkies_own_library_finds_the_sockets_where_it_looks() {
        let machine = Machine { uinput: false, session: true, executable: Path::new("/nowhere/egldesktop") };
        let selkies = [("SELKIES_INTERPOSER", "/usr/$LIB/selkies.so"), ("EGLDESKTOP_GAMEPADS", "interposer-v1")];
        let selkies = gamepads(selkies, machine);
        assert_eq!((selkies.backend(), selkies.folder(Path::new("/run/x"))), ("interposer-v1", PathBuf::new()));
        let variables = selkies.environment(Path::new("/run/x"));
        assert_eq!(selkies.preloaded(), Some(Path::new("/usr/$LIB/selkies.so")));
        assert!(!variables.iter().any(|(name, _)| *name == "SELKIES_JS_SOCKET_PATH"));
        assert_eq!(gamepads([], machine).environment(Path::new("/run/x")), []);
    }
}
