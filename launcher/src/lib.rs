//! egldesktop: a Linux desktop in a browser tab. The environment says what is wanted, a pipeline file says how it is
//! done, and this program brings the two together and keeps the result running.

mod app;
mod explain;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod gamepads;
mod gpu;
mod health;
mod log;
mod password;
mod pipeline;
mod plan;
mod plugin;
mod privacy;
mod services;
mod settings;
mod supervise;

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Parser;

use password::Access;
use pipeline::{AssembleError, Assembly, Choice, ChooseError, Chooser, Encoders, Library, Rejection, Variables};
use plan::Plan;
use plugin::Plugin;
use settings::{Environment, Saved, SettingError, Settings, help};

/// A Linux desktop in a browser tab. Everything is set by environment variables.
#[derive(Debug, Parser)]
#[command(name = "egldesktop", version, after_help = help::plain())]
struct Arguments {
    /// Print what would run, and why, and end
    #[arg(long, group = "action")]
    explain: bool,
    /// How --explain prints
    #[arg(long, value_enum, default_value_t, requires = "explain")]
    format: explain::Format,
    /// Print the names that WEBRTC_ENCODER takes, and end
    #[arg(long, group = "action")]
    list_encoders: bool,
    /// Ask the desktop that runs with these variables whether it is well, and end: 0 when it is
    #[arg(long, group = "action")]
    check_health: bool,
    /// Print the table of variables as Markdown, and end
    #[arg(long, group = "action")]
    print_variables_markdown: bool,
    /// Encode one frame with this pipeline file and element, NAME:NUMBER, and end: what this program asks of itself
    #[arg(long = pipeline::ATTEMPT, group = "action", hide = true, value_parser = attempt)]
    try_encoder: Option<(String, usize)>,
}

fn attempt(text: &str) -> Result<(String, usize), String> {
    let (name, number) = text.split_once(':').ok_or("NAME:NUMBER")?;
    Ok((name.to_owned(), number.parse().map_err(|_| "NAME:NUMBER")?))
}

/// The program: reads its arguments and the environment, and runs until the desktop ends.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("egldesktop: error: {error:#}");
            // What the user has to change before another try makes sense is told apart from what went wrong.
            let usage = error.is::<SettingError>() || error.is::<AssembleError>() || error.is::<ChooseError>();
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.print_variables_markdown {
        return print(&help::markdown());
    }
    let environment = Environment::capture()?;
    privacy::withdraw_secrets()?;
    log::init(&environment)?;
    let (environment, saved) = with_saved(environment, arguments.try_encoder.is_none())?;
    let settings = Settings::read(&environment)?;
    if arguments.check_health {
        return health::check(&settings).map(|()| ExitCode::SUCCESS);
    }
    let library = Library::new(settings.pipelines.clone());
    if arguments.list_encoders {
        return print(&library.descriptions()?);
    }

    let access = Access::of(&settings)?;
    let mut variables = Variables::new(&environment, &settings, &access, app::LATER);
    let executable = std::env::current_exe().context("the path of this program")?;
    if let Some((name, chosen)) = &arguments.try_encoder {
        gst::init().context("GStreamer")?;
        Plugin::load(&executable);
        return try_encoder(&Assembly::of(&library, name, *chosen, &variables)?);
    }

    if arguments.explain {
        gst::init().context("GStreamer")?;
        let plugin = Plugin::load(&executable);
        let choice = match choose(&settings, &library, &variables, &plugin) {
            Err(ChooseError::Unusable { rejected, others }) => {
                return refuse(&settings, &rejected, &others, arguments.format);
            }
            Err(ChooseError::None(rejected)) => return refuse(&settings, &rejected, &[], arguments.format),
            choice => choice?,
        };
        let plan = Plan::of(&settings, &access, &executable)?;
        plan.tell(&mut variables, app::LATER);
        variables.set_notice(choice.notice.as_deref().unwrap_or_default());
        let assembly = Assembly::of(&library, &choice.name, choice.chosen, &variables)?;
        let explanation = explain::Explanation::new(&settings, &plan, choice, &assembly, &plugin, &executable)?;
        return print(&explanation.print(arguments.format)?);
    }

    let runtime = plan::runtime_dir(&settings)?;
    if settings.display.is_none() {
        use_authority(services::xvfb::authority_path(runtime.path()));
    }
    gst::init().context("GStreamer")?;
    let plugin = Plugin::load(&executable);
    tracing::debug!("plug-in: {plugin}");
    // Before anything is started: what cannot work ends here.
    let choice = choose(&settings, &library, &variables, &plugin)?;
    let plan = Plan::of(&settings, &access, &executable)?;
    let log = log::Format::of(&environment)?;
    let first = (choice.name.clone(), choice.chosen);
    let encoders = Arc::new(Encoders::new(library, plugin.note(), settings.encoders.clone(), first));
    let notice = choice.notice;
    let desktop = app::Desktop { settings, saved, log, access, encoders, variables, notice, plan };
    // One thread, this one, runs everything that is asynchronous; see `Spawner` for why.
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().context("tokio")?;
    let outcome = tokio.block_on(app::run(desktop, runtime.path()));
    // A pipeline that hangs must not keep us from ending.
    tokio.shutdown_background();
    outcome
}

/// Explains why nothing would run; the status is that of the start that would fail.
fn refuse(
    settings: &Settings,
    rejected: &[Rejection],
    would_work: &[String],
    format: explain::Format,
) -> anyhow::Result<ExitCode> {
    print(&explain::Refusal { encoder: &settings.encoder, rejected, would_work }.print(format)?)?;
    Ok(ExitCode::from(2))
}

/// The environment, with what viewers changed in earlier runs where it says nothing.
fn with_saved(environment: Environment, tell: bool) -> Result<(Environment, Saved), SettingError> {
    let (saved, wrong) = Saved::read(&environment)?;
    let (values, unfit) = saved.values();
    for warning in wrong.into_iter().chain(unfit).filter(|_| tell) {
        tracing::warn!("{warning}");
    }
    Ok((environment.with_saved(values), saved))
}

fn choose(
    settings: &Settings,
    library: &Library,
    variables: &Variables,
    plugin: &Plugin,
) -> Result<Choice, ChooseError> {
    let (plugin_note, trial) = (&plugin.note(), &pipeline::run_in_child);
    let chooser = Chooser { library, variables, plugin_note, trial };
    let mut choice = chooser.choose(&settings.encoder, settings.encoder_fallback);
    if settings.encoder_is_saved
        && let Err(error) = &choice
    {
        // Another machine, or another version: nobody who is here has asked for it.
        tracing::warn!("the saved encoder cannot be used, so the best that works is: {error}");
        choice = chooser.choose("auto", settings.encoder_fallback);
    }
    let choice = choice?;
    match &choice.notice {
        Some(notice) => tracing::warn!("{notice}"),
        None => tracing::info!("the encoder is {}", choice.name),
    }
    Ok(choice)
}

/// The reason goes to standard output: drivers write whatever they like to the other.
fn try_encoder(assembly: &Assembly) -> anyhow::Result<ExitCode> {
    let outcome = pipeline::try_here(assembly);
    print(&pipeline::report(&outcome))?;
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Capture and input connect to the private X server from inside this process, and find its cookie by XAUTHORITY.
fn use_authority(path: PathBuf) {
    // SAFETY: this process has one thread here: GStreamer and tokio start theirs later, and nothing before this starts any.
    unsafe {
        std::env::set_var("XAUTHORITY", path);
    }
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // `| head` has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => written.map(|()| ExitCode::SUCCESS).context("standard output"),
    }
}
