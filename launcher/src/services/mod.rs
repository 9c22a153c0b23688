//! What a desktop consists of, besides the pipeline: X server, message bus, sound server, session.

mod dbus;
mod display_number;
mod framebuffer;
mod identity;
mod mate;
mod pulseaudio;
mod scale;
pub(crate) mod session;
pub(crate) mod virtualgl;
pub(crate) mod x11vnc;
pub(crate) mod xvfb;

use std::{io, path::Path, time::Duration};

use anyhow::{Context as _, anyhow};
use tokio::sync::mpsc;

use framebuffer::Framebuffer;
use scale::Scale;

use crate::{
    plan::{Display, Plan, Sound},
    settings::{Screen, table},
    supervise::{Child, Keeper, Spawner, reap_forever, terminate_all, terminate_strays},
};

/// The longest any of them may take to get ready.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// The longest any of them may take to end when asked to.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// What the session has left behind gets this long to end.
const STRAYS_LIMIT: Duration = Duration::from_secs(1);

/// The running services. Each stands on those before it.
pub(crate) struct Services {
    spawner: Spawner,
    display: Option<PrivateDisplay>,
    bus: Option<Child>,
    sound: Option<Keeper>,
    /// The programs of the session, and what shows the screen by VNC.
    programs: Vec<Keeper>,
    failures: (mpsc::UnboundedSender<Failure>, mpsc::UnboundedReceiver<Failure>),
}

/// An X server, its number and the folder of its framebuffer, which go when the server has ended.
struct PrivateDisplay {
    server: Child,
    _number: display_number::DisplayNumber,
    _framebuffer: Framebuffer,
}

/// The end of a service that others stand on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// All programs on the screen have ended with it.
    Display(anyhow::Error),
    /// The screen is still there.
    Bus(anyhow::Error),
    /// Nothing that can be started again.
    Ours(anyhow::Error),
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
        table::secrets().for_each(|name| spawner.environment.unset(name));
        Self {
            spawner,
            display: None,
            bus: None,
            sound: None,
            programs: Vec::new(),
            failures: mpsc::unbounded_channel(),
        }
    }

    /// Starts what the plan asks for, each once the one before is ready.
    pub(crate) async fn start(&mut self, plan: &Plan, screen: Screen, runtime: &Path) -> anyhow::Result<Endpoints> {
        let owned = self.spawner.owned.clone();
        let failures = self.failures.0.clone();
        tokio::spawn(async move {
            if let Err(error) = reap_forever(owned).await {
                let _ = failures.send(Failure::Ours(anyhow!("orphans cannot be reaped: {error}")));
            }
        });
        let pulse_server = match &plan.sound {
            Sound::Off => None,
            Sound::Existing { server, .. } => Some(server.clone()),
            Sound::Private(_) => Some(pulseaudio::address(runtime)),
        };
        if let Some(server) = &pulse_server {
            self.spawner.environment.set("PULSE_SERVER", server);
        }
        let display = match &plan.display {
            Display::Existing(name) => name.clone(),
            Display::Private(_) => {
                self.set_up_environment(runtime);
                self.start_display(screen, runtime).await?
            }
        };
        // The bus starts programs, too.
        for (name, value) in plan.gamepads.environment(runtime) {
            self.spawner.environment.set(name, value);
        }
        if let Some(library) = plan.gamepads.preloaded() {
            self.spawner.environment.preload(library);
        }
        // The bus comes before whoever would start one of its own if there were none.
        self.start_bus(plan, runtime).await?;
        if let Sound::Private(devices) = plan.sound {
            self.sound = Some(pulseaudio::start(self.spawner.clone(), runtime.to_owned(), devices).await);
        }
        self.start_programs(plan, runtime);
        let gamepad_sockets = plan.gamepads.folder(runtime).display().to_string();
        Ok(Endpoints { display, pulse_server, gamepad_sockets })
    }

    /// Starts the screen anew, and what stands on it; the sound goes on. Returns the display.
    pub(crate) async fn restart_display(
        &mut self,
        plan: &Plan,
        screen: Screen,
        runtime: &Path,
    ) -> anyhow::Result<String> {
        self.stop_programs().await;
        self.stop_bus().await;
        self.stop_display().await;
        terminate_strays(&self.spawner.owned, STRAYS_LIMIT).await;
        self.forget_failures()?;
        let display = self.start_display(screen, runtime).await?;
        self.start_bus(plan, runtime).await?;
        self.start_programs(plan, runtime);
        Ok(display)
    }

    /// Starts the message bus anew, and the session, which cannot do without it.
    pub(crate) async fn restart_bus(&mut self, plan: &Plan, runtime: &Path) -> anyhow::Result<()> {
        self.stop_programs().await;
        self.stop_bus().await;
        self.start_bus(plan, runtime).await?;
        self.start_programs(plan, runtime);
        Ok(())
    }

    /// How large the session draws; once it was started.
    pub(crate) fn scale(&self, plan: &Plan) -> Scale {
        Scale::new(&self.spawner, plan)
    }

    /// Returns when a service on which others stand has ended.
    pub(crate) async fn failed(&mut self) -> Failure {
        // We hold a sender ourselves, so the channel never closes.
        let failure = self.failures.1.recv().await;
        failure.unwrap_or_else(|| Failure::Ours(anyhow!("nobody watches the services any more")))
    }

    /// Stops them, the last one first, and then whatever else there still is below us.
    pub(crate) async fn stop(&mut self) {
        self.stop_programs().await;
        if let Some(sound) = self.sound.take() {
            sound.stop().await;
        }
        self.stop_bus().await;
        self.stop_display().await;
        terminate_all(&self.spawner.owned, Duration::from_secs(2)).await;
    }

    fn set_up_environment(&mut self, runtime: &Path) {
        let environment = &mut self.spawner.environment;
        environment.set("XAUTHORITY", xvfb::authority_path(runtime));
        // A runtime folder of their own keeps the session's sockets apart from those of whoever started us.
        environment.set("XDG_RUNTIME_DIR", runtime);
        environment.set("XDG_SESSION_TYPE", "x11");
        environment.set("DBUS_SESSION_BUS_ADDRESS", dbus::address(runtime));
        match mate::data_dirs(runtime) {
            Ok(None) => {}
            Ok(Some(dirs)) => environment.set("XDG_DATA_DIRS", dirs),
            Err(error) => tracing::warn!("MATE's wallpaper and icons will be late: {error}"),
        }
        if let Err(error) = identity::give_name(environment, runtime) {
            tracing::warn!("this user stays without a name: {error}");
        }
        // The display and the session manager of whoever started us.
        for name in ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "SESSION_MANAGER", "XDG_SESSION_ID", "XDG_SEAT", "XDG_VTNR"] {
            environment.unset(name);
        }
    }

    async fn start_display(&mut self, screen: Screen, runtime: &Path) -> anyhow::Result<String> {
        let number = display_number::DisplayNumber::reserve().context("no display number")?;
        let display = format!(":{}", number.number);
        let framebuffer = Framebuffer::make(screen, &[runtime, Path::new("/dev/shm")]);
        let server = xvfb::start(&self.spawner, screen, &display, &framebuffer, runtime).await?;
        self.watch(&server, Failure::Display);
        self.display = Some(PrivateDisplay { server, _number: number, _framebuffer: framebuffer });
        self.spawner.environment.set("DISPLAY", &display);
        Ok(display)
    }

    async fn start_bus(&mut self, plan: &Plan, runtime: &Path) -> anyhow::Result<()> {
        if let Display::Private(_) = &plan.display {
            let bus = dbus::start(&self.spawner, runtime).await?;
            self.watch(&bus, Failure::Bus);
            self.bus = Some(bus);
        }
        Ok(())
    }

    fn start_programs(&mut self, plan: &Plan, runtime: &Path) {
        if let Display::Private(programs) = &plan.display {
            let start = |program: &&'static _| session::start(self.spawner.clone(), program, plan.gl.clone());
            self.programs.extend(programs.iter().map(start));
        }
        if let Some(passwords) = &plan.vnc {
            self.programs.push(x11vnc::start(self.spawner.clone(), passwords.clone(), runtime.to_owned()));
        }
    }

    async fn stop_programs(&mut self) {
        while let Some(program) = self.programs.pop() {
            program.stop().await;
        }
    }

    async fn stop_bus(&mut self) {
        if let Some(bus) = self.bus.take() {
            bus.stop(STOP_LIMIT).await;
        }
    }

    async fn stop_display(&mut self) {
        if let Some(display) = self.display.take() {
            display.server.stop(STOP_LIMIT).await;
        }
    }

    /// Tells of its end when nobody asked for that.
    fn watch(&self, child: &Child, failure: fn(anyhow::Error) -> Failure) {
        let (watched, failures) = (child.clone(), self.failures.0.clone());
        tokio::spawn(async move {
            if let Some(error) = watched.unexpected_end().await {
                // Nobody listens any more once we are stopping.
                let _ = failures.send(failure(error));
            }
        });
    }

    /// What has ended along with something else that is started anew is no news.
    fn forget_failures(&mut self) -> anyhow::Result<()> {
        while let Ok(failure) = self.failures.1.try_recv() {
            if let Failure::Ours(error) = failure {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// A file that only we can read, and that nobody has put there before us.
fn create_private(path: &Path) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
