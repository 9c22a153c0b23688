//! What there is to start, decided before anything is: so that `--explain` tells exactly what a run does.

use std::{os::unix::net::UnixStream, path::Path};

use anyhow::{Context as _, anyhow};

use crate::{
    gamepads::{self, Gamepads, Machine},
    password::Access,
    pipeline::Variables,
    services::{
        session::{self, Program},
        virtualgl::VirtualGl,
        x11vnc,
    },
    settings::Settings,
};

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) display: Display,
    /// What the programs of a private screen draw OpenGL with, other than the CPU.
    pub(crate) gl: Option<VirtualGl>,
    pub(crate) sound: Sound,
    pub(crate) gamepads: Gamepads,
    /// Who may come in by VNC, where that is wanted.
    pub(crate) vnc: Option<x11vnc::Passwords>,
}

#[derive(Debug)]
pub(crate) enum Display {
    /// The one of DISPLAY, which answers.
    Existing(String),
    /// A server of our own, with these programs on it.
    Private(Vec<&'static Program>),
}

#[derive(Debug)]
pub(crate) enum Sound {
    Off,
    Existing { server: String, why: &'static str },
    Private(Devices),
}

/// What a sound server of our own has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Devices {
    /// Whether programs can record what viewers say.
    pub(crate) microphone: bool,
    /// Of what programs play.
    pub(crate) channels: u32,
}

impl Sound {
    /// Whether programs can record what viewers say: in a server of others nothing is set up.
    pub(crate) fn has_microphone(&self) -> bool {
        matches!(self, Self::Private(Devices { microphone: true, .. }))
    }
}

impl Plan {
    /// Asks the display whether it is there, which can take as long as the network lets it.
    pub(crate) fn of(settings: &Settings, access: &Access, executable: &Path) -> anyhow::Result<Self> {
        let display = match &settings.display {
            Some(name) => {
                answers(name)?;
                Display::Existing(name.clone())
            }
            None => Display::Private(session::choose()),
        };
        let gl = match &display {
            Display::Existing(_) => None,
            Display::Private(_) => VirtualGl::choose(settings),
        };
        let sound = sound(settings, &display);
        let session = matches!(display, Display::Private(_));
        let gamepads = Gamepads::of(settings, Machine { uinput: gamepads::has_uinput(), session, executable });
        let vnc = settings.novnc.is_some().then(|| x11vnc::Passwords::of(settings, access));
        Ok(Self { display, gl, sound, vnc, gamepads })
    }

    /// What is known before anything runs; `later` stands for the folder that is made then.
    pub(crate) fn tell(&self, variables: &mut Variables, later: &str) {
        if let Display::Existing(name) = &self.display {
            variables.set_display(name);
        }
        variables.set_gamepads(self.gamepads.backend(), &self.gamepads.folder(Path::new(later)).display().to_string());
        variables.set_microphone(self.sound.has_microphone());
        match &self.sound {
            Sound::Off => variables.set_pulse_server(""),
            Sound::Existing { server, .. } => variables.set_pulse_server(server),
            Sound::Private(_) => {}
        }
    }
}

fn answers(display: &str) -> anyhow::Result<()> {
    x11rb::connect(Some(display)).map(drop).map_err(|error| anyhow!(error)).with_context(|| {
        format!("DISPLAY is {display}, but no X server lets us in there (unset DISPLAY to have a private one started)")
    })
}

fn sound(settings: &Settings, display: &Display) -> Sound {
    if !settings.audio {
        return Sound::Off;
    }
    if let Some(server) = &settings.pulse_server {
        return Sound::Existing { server: server.clone(), why: "PULSE_SERVER is set" };
    }
    // The programs of an existing display play where they play already: at its user's own server, when there is one.
    if let (Display::Existing(_), Some(folder)) = (display, &settings.runtime_dir) {
        let socket = folder.join("pulse/native");
        if UnixStream::connect(&socket).is_ok() {
            let server = format!("unix:{}", socket.display());
            return Sound::Existing { server, why: "the display's user has a sound server" };
        }
    }
    Sound::Private(Devices { microphone: settings.microphone, channels: settings.audio_channels })
}

/// Where sockets and cookies go: the user's own runtime folder when there is one, else the temporary folder.
pub(crate) fn runtime_dir(settings: &Settings) -> anyhow::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt as _;
    let temporary = std::env::temp_dir();
    let base = settings.runtime_dir.as_deref().filter(|folder| folder.is_dir()).unwrap_or(&temporary);
    let make = |base: &Path| {
        tempfile::Builder::new()
            .prefix("egldesktop-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(base)
    };
    make(base).with_context(|| format!("a runtime folder in {}", base.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn settings<const N: usize>(pairs: [(&str, &str); N]) -> Settings {
        Settings::read(&Environment::from(pairs)).unwrap()
    }

    fn plan<const N: usize>(pairs: [(&str, &str); N]) -> anyhow::Result<Plan> {
        let settings = settings(pairs);
        Plan::of(&settings, &Access::of(&settings)?, Path::new("/"))
    }

    #[test]
    fn a_display_that_does_not_answer_is_an_error_and_not_replaced() {
        let error = plan([("DISPLAY", ":4242")]).unwrap_err().to_string();
        assert!(error.contains("DISPLAY is :4242"), "{error}");
    }

    #[test]
    fn a_private_display_has_private_sound_unless_a_server_is_named() {
        let sound = |pairs: [(&str, &str); 1]| plan(pairs).unwrap().sound;
        assert!(matches!(sound([("SIZEW", "640")]), Sound::Private(Devices { microphone: false, channels: 2 })));
        assert!(sound([("SELKIES_MICROPHONE_ENABLED", "true")]).has_microphone());
        assert!(matches!(sound([("ENABLE_AUDIO", "false")]), Sound::Off));
        assert!(matches!(sound([("PULSE_SERVER", "unix:/x")]), Sound::Existing { server, .. } if server == "unix:/x"));
    }

    #[test]
    fn an_existing_display_uses_its_users_sound_server_when_that_answers() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("pulse")).unwrap();
        let path = folder.path().to_str().unwrap();
        let display = Display::Existing(":0".to_owned());
        assert!(matches!(sound(&settings([("XDG_RUNTIME_DIR", path)]), &display), Sound::Private(_)));
        let _listener = std::os::unix::net::UnixListener::bind(folder.path().join("pulse/native")).unwrap();
        assert!(matches!(sound(&settings([("XDG_RUNTIME_DIR", path)]), &display), Sound::Existing { .. }));
    }

    #[test]
    fn the_runtime_folder_is_ours_alone_and_goes_away() {
        use std::os::unix::fs::PermissionsExt as _;
        let base = tempfile::tempdir().unwrap();
        let runtime = runtime_dir(&settings([("XDG_RUNTIME_DIR", base.path().to_str().unwrap())])).unwrap();
        assert!(runtime.path().starts_with(base.path()));
        assert_eq!(std::fs::metadata(runtime.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let path = runtime.path().to_owned();
        drop(runtime);
        assert!(!path.exists());
    }
}
