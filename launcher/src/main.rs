//! egldesktop: a Linux desktop in a browser tab. The environment says what is wanted, a pipeline file says how it is
//! done, and this program brings the two together and keeps the result running.

mod app;
mod explain;
mod log;
mod password;
mod pipeline;
mod plan;
mod plugin;
mod services;
mod settings;
mod supervise;

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;

use password::Access;
use pipeline::{AssembleError, Assembly, Library, Variables};
use plan::Plan;
use plugin::Plugin;
use settings::{Environment, SettingError, Settings, help};

/// A Linux desktop in a browser tab. Everything is set by environment variables.
#[derive(Debug, Parser)]
#[command(name = "egldesktop", version, after_help = help::plain())]
struct Arguments {
    /// Print what would run, and why, and end
    #[arg(long, group = "action")]
    explain: bool,
    /// Print the names that WEBRTC_ENCODER takes, and end
    #[arg(long, group = "action")]
    list_encoders: bool,
    /// Print the table of variables as Markdown, and end
    #[arg(long, group = "action")]
    print_variables_markdown: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("egldesktop: error: {error:#}");
            // What the user has to change before another try makes sense is told apart from what went wrong.
            let usage = error.is::<SettingError>() || error.is::<AssembleError>();
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.print_variables_markdown {
        return print(&help::markdown());
    }
    let environment = Environment::capture();
    log::init(&environment)?;
    let settings = Settings::read(&environment)?;
    let library = Library::new(settings.pipelines.clone());
    if arguments.list_encoders {
        return print(&library.descriptions()?);
    }

    // Checked before anything is started; put together again once the services run.
    let access = Access::of(&settings)?;
    let mut variables = Variables::new(&settings, &access, app::LATER);
    Assembly::of(&library, &settings.encoder, &variables)?;
    let executable = std::env::current_exe().context("the path of this program")?;

    if arguments.explain {
        gst::init().context("GStreamer")?;
        let plugin = Plugin::load(&executable);
        let plan = Plan::of(&settings)?;
        plan.tell(&mut variables);
        let assembly = Assembly::of(&library, &settings.encoder, &variables)?;
        return print(&explain::explain(&settings, &plan, &assembly, &plugin, &executable));
    }

    let runtime = plan::runtime_dir(&settings)?;
    if settings.display.is_none() {
        use_authority(services::xvfb::authority_path(runtime.path()));
    }
    gst::init().context("GStreamer")?;
    let plugin = Plugin::load(&executable);
    tracing::debug!("plug-in: {plugin}");
    let plan = Plan::of(&settings)?;
    let desktop = app::Desktop { settings, access, library, plan, plugin };
    // One thread, this one, runs everything that is asynchronous; see `Spawner` for why.
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().context("tokio")?;
    let outcome = tokio.block_on(app::run(desktop, runtime.path()));
    // A pipeline that hangs must not keep us from ending.
    tokio.shutdown_background();
    outcome
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
