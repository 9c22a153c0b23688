//! One run, from the first service to the last: start, serve, stop.

use std::{
    io::Write as _,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::{
    gpu::Gpu,
    password::Access,
    pipeline::{self, Assembly, Choice, Library, Player, Purpose, Variables},
    plan::{Display, Plan},
    plugin::Plugin,
    services::{Services, session},
    settings::{Saved, Settings},
    supervise::{Signals, become_subreaper, kill_all},
};

/// Stands for what is known only once the services run.
pub(crate) const LATER: &str = "(known once it runs)";

/// Everything that is decided before anything is started.
pub(crate) struct Desktop {
    pub(crate) settings: Settings,
    /// What viewers changed in earlier runs; it is kept up to date.
    pub(crate) saved: Saved,
    pub(crate) access: Access,
    pub(crate) library: Library,
    /// What is known before anything runs.
    pub(crate) variables: Variables,
    pub(crate) choice: Choice,
    pub(crate) plan: Plan,
    pub(crate) plugin: Plugin,
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
        if let Some(pipeline) = pipeline.take() {
            pipeline.stop().await;
        }
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

impl Desktop {
    /// Returns an error only: a desktop does not end by itself.
    async fn serve(
        &self,
        runtime: &Path,
        services: &mut Services,
        stop: &mut Option<pipeline::Handle>,
    ) -> anyhow::Error {
        let mut player = match self.start(runtime, services, stop).await {
            Ok(player) => player,
            Err(error) => return error,
        };
        let scale = services.scale(&self.plan);
        tokio::select! {
            error = player.watch(|dpi| scale.set(dpi)) => error,
            error = services.failed() => error,
        }
    }

    async fn start(
        &self,
        runtime: &Path,
        services: &mut Services,
        stop: &mut Option<pipeline::Handle>,
    ) -> anyhow::Result<Player> {
        let Self { settings, saved, access, library, variables, choice, plan, plugin } = self;
        if let Display::Private(programs) = &plan.display
            && programs.is_empty()
        {
            tracing::warn!("the screen stays empty: none of these is installed: {}", session::wanted());
        }
        if matches!(access, Access::Open) && !settings.listen.is_local() {
            tracing::warn!("whoever reaches {} controls this desktop: ENABLE_BASIC_AUTH is false", settings.listen);
        }

        let endpoints = services.start(plan, settings, runtime).await?;
        let mut variables = variables.clone();
        variables.set_display(&endpoints.display);
        variables.set_pulse_server(endpoints.pulse_server.as_deref().unwrap_or_default());
        variables.set_gamepads(plan.gamepads.backend(), &endpoints.gamepad_sockets);
        variables.set_notice(choice.notice.as_deref().unwrap_or_default());
        let assembly = Assembly::of(library, &choice.name, choice.chosen, &variables)?;
        let pipeline = pipeline::build(&assembly, Purpose::Run, &plugin.note())?;

        let mut player = Player::new(pipeline, assembly, Gpu::open(settings.gpu), saved.clone())?;
        *stop = Some(player.handle());
        let address = tokio::select! {
            started = player.start() => started?,
            error = services.failed() => return Err(error),
        };
        greet(settings, access, address.as_deref());
        Ok(player)
    }
}

/// The only thing on standard output.
fn greet(settings: &Settings, access: &Access, address: Option<&str>) {
    let text = greeting(settings, access, address);
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
    fn the_address_can_be_opened() {
        assert_eq!(url("https", "[::1]:8080"), "https://[::1]:8080/");
        assert_eq!(url("http", "unix:/run/desktop"), "unix:/run/desktop");
        assert_eq!(url("http", "wss://host/ws"), "joined wss://host/ws");
        assert!(url("http", "0.0.0.0:80").starts_with("http://localhost:80/ "));
        assert!(url("http", "[::]:80").starts_with("http://localhost:80/ "));
    }
}
