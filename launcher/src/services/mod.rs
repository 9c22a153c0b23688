//! What a desktop consists of, besides the pipeline: X server, message bus, sound server, session.

mod caja;
mod dbus;
mod display_number;
mod framebuffer;
mod pulseaudio;
mod scale;
pub(crate) mod session;
pub(crate) mod xvfb;

use std::{io, path::Path, time::Duration};

use anyhow::{Context as _, anyhow};
use tokio::sync::mpsc;

use framebuffer::Framebuffer;
use scale::Scale;

use crate::{
    plan::{Display, Plan, Sound},
    settings::{Settings, table},
    supervise::{Child, Keeper, Spawner, reap_forever, terminate_all},
};

/// The longest any of them may take to get ready.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// The longest any of them may take to end when asked to.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The running services, in the order in which they were started.
pub(crate) struct Services {
    spawner: Spawner,
    running: Vec<Running>,
    failures: (mpsc::UnboundedSender<anyhow::Error>, mpsc::UnboundedReceiver<anyhow::Error>),
}

enum Running {
    Child(Child),
    /// An X server, its number and the folder of its framebuffer, which go when the server has ended.
    Display(Child, display_number::DisplayNumber, Framebuffer),
    /// Sound server or session.
    Kept(Keeper),
}

/// What the pipeline has to know about them.
#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) display: String,
    pub(crate) pulse_server: Option<String>,
    /// Folder of the sockets of gamepads; empty where that is the element's own choice.
    pub(crate) gamepad_sockets: String,
}

impl Services {
    pub(crate) fn new() -> Self {
        let mut spawner = Spawner::default();
        for name in table::TABLE.iter().filter(|variable| variable.secret).flat_map(|variable| variable.names()) {
            spawner.environment.unset(name);
        }
        Self { spawner, running: Vec::new(), failures: mpsc::unbounded_channel() }
    }

    /// Starts what the plan asks for, each once the one before is ready.
    pub(crate) async fn start(
        &mut self,
        plan: &Plan,
        settings: &Settings,
        runtime: &Path,
    ) -> anyhow::Result<Endpoints> {
        let owned = self.spawner.owned.clone();
        let failures = self.failures.0.clone();
        tokio::spawn(async move {
            if let Err(error) = reap_forever(owned).await {
                let _ = failures.send(anyhow!("orphans cannot be reaped: {error}"));
            }
        });

        let display = match &plan.display {
            Display::Existing(name) => name.clone(),
            Display::Private(_) => self.private_display(settings, runtime).await?,
        };
        let pulse_server = match &plan.sound {
            Sound::Off => None,
            Sound::Existing { server, .. } => Some(server.clone()),
            Sound::Private => Some(pulseaudio::address(runtime)),
        };
        if let Some(server) = &pulse_server {
            self.spawner.environment.set("PULSE_SERVER", server);
        }
        // The bus starts programs, too.
        for (name, value) in plan.gamepads.environment(runtime) {
            self.spawner.environment.set(name, value);
        }
        // The bus comes before whoever would start one of its own if there were none.
        if let Display::Private(_) = &plan.display {
            let bus = dbus::start(&self.spawner, runtime).await?;
            self.running.push(Running::Child(self.essential(bus)));
        }
        if let Sound::Private = &plan.sound {
            let sound = pulseaudio::start(self.spawner.clone(), runtime.to_owned()).await;
            self.running.push(Running::Kept(sound));
        }
        if let Display::Private(programs) = &plan.display {
            for program in programs {
                self.running.push(Running::Kept(session::start(self.spawner.clone(), program)));
            }
        }
        let gamepad_sockets = plan.gamepads.folder(runtime).display().to_string();
        Ok(Endpoints { display, pulse_server, gamepad_sockets })
    }

    /// How large the session draws; once it was started.
    pub(crate) fn scale(&self, plan: &Plan) -> Scale {
        Scale::new(&self.spawner, plan)
    }

    /// Returns when a service without which there is no desktop has ended.
    pub(crate) async fn failed(&mut self) -> anyhow::Error {
        // We hold a sender ourselves, so the channel never closes.
        self.failures.1.recv().await.unwrap_or_else(|| anyhow!("nobody watches the services any more"))
    }

    /// Stops them, the last one first, and then whatever else there still is below us.
    pub(crate) async fn stop(&mut self) {
        while let Some(running) = self.running.pop() {
            match running {
                Running::Child(child) => child.stop(STOP_LIMIT).await,
                Running::Display(child, _number, _framebuffer) => child.stop(STOP_LIMIT).await,
                Running::Kept(keeper) => keeper.stop().await,
            }
        }
        terminate_all(&self.spawner.owned, Duration::from_secs(2)).await;
    }

    async fn private_display(&mut self, settings: &Settings, runtime: &Path) -> anyhow::Result<String> {
        let environment = &mut self.spawner.environment;
        environment.set("XAUTHORITY", xvfb::authority_path(runtime));
        // A runtime folder of their own keeps the session's sockets apart from those of whoever started us.
        environment.set("XDG_RUNTIME_DIR", runtime);
        environment.set("XDG_SESSION_TYPE", "x11");
        environment.set("DBUS_SESSION_BUS_ADDRESS", dbus::address(runtime));
        match caja::data_dirs_for_root(runtime) {
            Ok(None) => {}
            Ok(Some(dirs)) => environment.set("XDG_DATA_DIRS", dirs),
            Err(error) => tracing::warn!("MATE's file manager will not draw the desktop: {error}"),
        }
        // The display and the session manager of whoever started us.
        for name in ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "SESSION_MANAGER", "XDG_SESSION_ID", "XDG_SEAT", "XDG_VTNR"] {
            environment.unset(name);
        }
        let number = display_number::DisplayNumber::reserve().context("no display number")?;
        let display = format!(":{}", number.number);
        let framebuffer = Framebuffer::make(settings.screen, &[runtime, Path::new("/dev/shm")]);
        let child = xvfb::start(&self.spawner, settings.screen, &display, &framebuffer, runtime).await?;
        self.running.push(Running::Display(self.essential(child), number, framebuffer));
        self.spawner.environment.set("DISPLAY", &display);
        Ok(display)
    }

    /// Its end is the end of the desktop.
    fn essential(&self, child: Child) -> Child {
        let (watched, failures) = (child.clone(), self.failures.0.clone());
        tokio::spawn(async move {
            if let Some(error) = watched.unexpected_end().await {
                // Nobody listens any more once we are stopping.
                let _ = failures.send(error);
            }
        });
        child
    }
}

/// A file that only we can read, and that nobody has put there before us.
fn create_private(path: &Path) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
