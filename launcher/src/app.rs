//! One run, from the first service to the last: start, serve, stop.

use std::{
    convert::Infallible,
    io::Write as _,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::time::{sleep, timeout};

use crate::{
    gpu::Gpu,
    log::Format,
    password::Access,
    pipeline::{self, Encoders, Player, Variables},
    plan::{Display, Plan},
    services::{Failure, Services, session, x11vnc},
    settings::{Saved, Settings, table},
    supervise::{Backoff, Limit, Signals, become_subreaper, kill_all},
};

/// How long the end of a pipeline waits for news of why it came.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Stands for what is known only once the services run.
pub(crate) const LATER: &str = "(known once it runs)";

/// Everything that is decided before anything is started.
pub(crate) struct Desktop {
    pub(crate) settings: Settings,
    /// What viewers changed in earlier runs; it is kept up to date.
    pub(crate) saved: Saved,
    pub(crate) log: Format,
    pub(crate) access: Access,
    pub(crate) encoders: Arc<Encoders>,
    /// What is known before anything runs.
    pub(crate) variables: Variables,
    /// What viewers have to know of the choice of the encoder.
    pub(crate) notice: Option<String>,
    pub(crate) plan: Plan,
}

/// Runs until a signal comes (success) or something ends that must not (an error).
pub(crate) async fn run(desktop: Desktop, runtime: &Path) -> anyhow::Result<ExitCode> {
    become_subreaper().context("PR_SET_CHILD_SUBREAPER")?;
    let mut signals = Signals::new().context("signal handlers")?;
    let mut services = Services::new();
    let mut pipeline = None;

    let outcome = tokio::select! {
        signal = signals.next() => {
            tracing::info!("{signal}: stopping");
            Ok(ExitCode::SUCCESS)
        }
        error = desktop.serve(runtime, &mut services, &mut pipeline) => Err(error),
    };
    if let Err(error) = &outcome {
        tracing::debug!("stopping because of: {error:#}");
    }

    let stop = async {
        stop_pipeline(&mut pipeline).await;
        services.stop().await;
    };
    // One Ctrl-C can come twice: from the terminal, and from a program between it and us, such as timeout.
    let impatience = async {
        let echo = Instant::now() + Duration::from_millis(500);
        loop {
            let signal = signals.next().await;
            if Instant::now() >= echo {
                return signal;
            }
        }
    };
    tokio::select! {
        () = stop => outcome,
        signal = impatience => {
            tracing::warn!("{signal} again: killing everything");
            kill_all();
            outcome.map(|_| ExitCode::FAILURE)
        }
    }
}

/// Why a pipeline plays no longer.
enum Lost {
    Service(Failure),
    Pipeline(anyhow::Error),
}

impl Desktop {
    /// Returns an error only: a desktop does not end by itself.
    async fn serve(
        &self,
        runtime: &Path,
        services: &mut Services,
        stop: &mut Option<pipeline::Handle>,
    ) -> anyhow::Error {
        match self.keep_serving(runtime, services, stop).await {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    /// Starts everything, and again what has ended.
    async fn keep_serving(
        &self,
        runtime: &Path,
        services: &mut Services,
        stop: &mut Option<pipeline::Handle>,
    ) -> anyhow::Result<Infallible> {
        let Self { settings, plan, .. } = self;
        self.warn();
        let endpoints = services.start(plan, settings.screen, runtime).await?;
        let mut variables = self.variables.clone();
        variables.set_display(&endpoints.display);
        variables.set_pulse_server(endpoints.pulse_server.as_deref().unwrap_or_default());
        variables.set_microphone(plan.sound.has_microphone());
        variables.set_gamepads(plan.gamepads.backend(), &endpoints.gamepad_sockets);
        variables.set_notice(self.notice.as_deref().unwrap_or_default());
        if let (Some(root), Some(_)) = (&settings.novnc, &plan.vnc) {
            variables.set_vnc(&x11vnc::socket(runtime), root);
        }

        // What does not work the first time needs somebody who looks at it, and not another try.
        let played = self.play(&variables, services, stop).await;
        let (mut player, address) = played.map_err(Lost::into_error)?;
        greet(self, address.as_deref());
        // The port that was free is the desktop's from now on: browsers come back to it.
        if let Some(address) = &address {
            variables.set_listen(address);
        }
        let (mut limit, mut backoff) = (Limit::default(), Backoff::new());
        loop {
            let began = Instant::now();
            let mut lost = self.watch(&mut player, services, stop).await;
            let mut wait = backoff.after(began.elapsed());
            // A screen that was fine until now needs no pause.
            let mut pause = matches!(lost, Lost::Pipeline(_));
            loop {
                if let Lost::Service(Failure::Ours(error)) = lost {
                    return Err(error);
                }
                if !limit.allows(Instant::now()) {
                    return Err(lost.into_error().context("this happens again and again"));
                }
                lost.tell(if pause { wait } else { Duration::ZERO });
                if pause {
                    sleep(wait).await;
                }
                match self.bring_back(lost, &mut variables, (runtime, &mut *services, &mut *stop)).await {
                    Ok(Some(other)) => player = other,
                    Ok(None) => {}
                    Err(again) => {
                        stop_pipeline(stop).await;
                        (lost, wait, pause) = (again, backoff.after(Duration::ZERO), true);
                        continue;
                    }
                }
                break;
            }
        }
    }

    /// Starts again what was lost, and what stands on it. Returns the new pipeline, or none where the old one plays on.
    async fn bring_back(
        &self,
        lost: Lost,
        variables: &mut Variables,
        (runtime, services, stop): (&Path, &mut Services, &mut Option<pipeline::Handle>),
    ) -> Result<Option<Player>, Lost> {
        // Whatever does not come back by itself may do so with a new screen.
        let failed = |error| Lost::Service(Failure::Display(error));
        match lost {
            Lost::Service(Failure::Bus(_)) => {
                services.restart_bus(&self.plan, runtime).await.map_err(failed)?;
                if stop.is_some() {
                    return Ok(None);
                }
            }
            Lost::Service(_) => {
                stop_pipeline(stop).await;
                let display = services.restart_display(&self.plan, self.settings.screen, runtime).await;
                variables.set_display(&display.map_err(failed)?);
            }
            Lost::Pipeline(_) => {}
        }
        let (player, _) = self.play(variables, services, stop).await?;
        Ok(Some(player))
    }

    /// Returns when the pipeline plays no longer, or something under it has ended.
    async fn watch(&self, player: &mut Player, services: &mut Services, stop: &mut Option<pipeline::Handle>) -> Lost {
        let scale = services.scale(&self.plan);
        let error = tokio::select! {
            error = player.watch(|dpi| scale.set(dpi)) => error,
            failure = services.failed() => return Lost::Service(failure),
        };
        stop_pipeline(stop).await;
        // It ends with the X server, and is often the first to know.
        match timeout(LAST_WORDS, services.failed()).await {
            Ok(failure) => Lost::Service(failure),
            Err(_) => {
                self.encoders.pipeline_failed();
                Lost::Pipeline(error)
            }
        }
    }

    /// Starts a pipeline; returns the address where it is served, if it is.
    async fn play(
        &self,
        variables: &Variables,
        services: &mut Services,
        stop: &mut Option<pipeline::Handle>,
    ) -> Result<(Player, Option<String>), Lost> {
        let mut player = self.build(variables).map_err(Lost::Pipeline)?;
        *stop = Some(player.handle());
        let address = tokio::select! {
            started = player.start() => started.map_err(Lost::Pipeline)?,
            failure = services.failed() => return Err(Lost::Service(failure)),
        };
        Ok((player, address))
    }

    fn build(&self, variables: &Variables) -> anyhow::Result<Player> {
        let Self { settings, saved, encoders, .. } = self;
        let (name, chosen) = encoders.current();
        let mut variables = variables.clone();
        variables.set_encoder(&name);
        let (pipeline, assembly) = encoders.build(&name, chosen, &variables)?;
        Player::new(pipeline, assembly, Gpu::open(settings.gpu), saved.clone(), encoders.clone())
    }

    /// About what is unusual.
    fn warn(&self) {
        let Self { settings, access, plan, .. } = self;
        if let Display::Private(programs) = &plan.display
            && programs.is_empty()
        {
            tracing::warn!("the screen stays empty: none of these is installed: {}", session::wanted());
        }
        if settings.microphone && !plan.sound.has_microphone() {
            let name = table::MICROPHONE.name;
            tracing::warn!("no microphone, though {name} is true: that needs the private sound server; see --explain");
        }
        if settings.video_loss > 0 {
            let name = table::VIDEO_LOSS.name;
            tracing::warn!(
                "{name} has no effect: lost packets are sent again, and error correction beside that breaks the picture"
            );
        }
        if matches!(access, Access::Open) && !settings.listen.is_local() {
            tracing::warn!("whoever reaches {} controls this desktop: ENABLE_BASIC_AUTH is false", settings.listen);
        }
    }
}

impl Lost {
    fn tell(&self, wait: Duration) {
        let when = if wait.is_zero() { "now".to_owned() } else { format!("in {wait:?}") };
        match self {
            Self::Service(Failure::Display(error)) => tracing::warn!("starting the screen again, {when}: {error:#}"),
            Self::Service(Failure::Bus(error)) => tracing::warn!("starting the session again, {when}: {error:#}"),
            Self::Service(Failure::Ours(error)) => tracing::error!("{error:#}"),
            Self::Pipeline(error) => tracing::warn!("starting the pipeline again, {when}: {error:#}"),
        }
    }

    fn into_error(self) -> anyhow::Error {
        match self {
            Self::Service(Failure::Display(error) | Failure::Bus(error) | Failure::Ours(error)) => error,
            Self::Pipeline(error) => error,
        }
    }
}

async fn stop_pipeline(stop: &mut Option<pipeline::Handle>) {
    if let Some(pipeline) = stop.take() {
        pipeline.stop().await;
    }
}

/// The only thing on standard output.
fn greet(desktop: &Desktop, address: Option<&str>) {
    let Desktop { settings, access, log, .. } = desktop;
    let text = match log {
        Format::Text => greeting(settings, access, address),
        Format::Json => greeting_for_programs(settings, access, address),
    };
    // Nobody has to read it: a closed standard output ends no desktop.
    let mut output = std::io::stdout().lock();
    if let Err(error) = output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        tracing::warn!("standard output: {error}");
    }
}

fn greeting(settings: &Settings, access: &Access, address: Option<&str>) -> String {
    let Some(address) = address else {
        return "\n  The pipeline is running.\n\n".to_owned();
    };
    let (user, password) = match access {
        Access::Open => ("(none)", "(none is asked: ENABLE_BASIC_AUTH is false)".to_owned()),
        Access::Set { variable, .. } => (settings.user.as_str(), format!("(that of {variable})")),
        Access::Random { password } => (
            settings.user.as_str(),
            format!("{}   (random; set BASIC_AUTH_PASSWORD or PASSWD to choose it)", password.expose()),
        ),
    };
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    format!("\n  Desktop   {}\n  User      {user}\n  Password  {password}\n\n", url(scheme, address))
}

/// The same as an object on one line. The password is in it only where it was made for this run.
fn greeting_for_programs(settings: &Settings, access: &Access, address: Option<&str>) -> String {
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let mut said = serde_json::json!({ "message": "the desktop is running" });
    if let Some(address) = address {
        said["address"] = address.into();
        said["scheme"] = scheme.into();
    }
    if !matches!(access, Access::Open) {
        said["user"] = settings.user.as_str().into();
    }
    if let Access::Random { password } = access {
        said["password"] = password.expose().into();
    }
    format!("{said}\n")
}

/// What to open in a browser on this machine: the unspecified address is one to listen on, not to connect to.
fn url(scheme: &str, bound: &str) -> String {
    match bound.parse::<std::net::SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => {
            format!("{scheme}://localhost:{}/   (and at every address of this machine)", address.port())
        }
        // Somebody else's page.
        _ if bound.contains("://") => format!("joined {bound}"),
        // For a proxy.
        _ if bound.starts_with("unix:") => bound.to_owned(),
        _ => format!("{scheme}://{bound}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn greet_with<const N: usize>(pairs: [(&str, &str); N]) -> String {
        let settings = Settings::read(&Environment::from(pairs)).unwrap();
        greeting(&settings, &Access::of(&settings).unwrap(), Some("127.0.0.1:8080"))
    }

    #[test]
    fn the_greeting_shows_a_random_password_but_never_a_chosen_one() {
        let random = greet_with([]);
        assert!(random.contains("http://127.0.0.1:8080/") && random.contains("(random;"), "{random}");
        let set = greet_with([("PASSWD", "hunter2"), ("BASIC_AUTH_USER", "ada")]);
        assert!(set.contains("(that of PASSWD)") && set.contains("ada") && !set.contains("hunter2"), "{set}");
        assert!(greet_with([("ENABLE_BASIC_AUTH", "false")]).contains("none is asked"));
    }

    #[test]
    fn programs_get_one_object_with_a_password_only_if_it_is_random() {
        let said = |pairs: [(&str, &str); 1]| {
            let settings = Settings::read(&Environment::from(pairs)).unwrap();
            let text = greeting_for_programs(&settings, &Access::of(&settings).unwrap(), Some("127.0.0.1:8080"));
            assert_eq!(text.lines().count(), 1);
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        };
        assert_eq!(said([("SIZEW", "640")])["password"].as_str().map(str::len), Some(20));
        let set = said([("PASSWD", "hunter2")]);
        assert_eq!((&set["address"], &set["user"]), (&"127.0.0.1:8080".into(), &"user".into()));
        assert_eq!(set.get("password"), None);
    }

    #[test]
    fn the_address_can_be_opened() {
        assert_eq!(url("https", "[::1]:8080"), "https://[::1]:8080/");
        assert_eq!(url("http", "unix:/run/desktop"), "unix:/run/desktop");
        assert_eq!(url("http", "wss://host/ws"), "joined wss://host/ws");
        assert!(url("http", "0.0.0.0:80").starts_with("http://localhost:80/ "));
        assert!(url("http", "[::]:80").starts_with("http://localhost:80/ "));
    }
}
