//! Whether an encoder really works: it gets one frame, and has to give something back.
//!
//! That happens in a process of its own: a driver that crashes or hangs is then a reason to take another encoder, and not
//! the end of everything.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use gst::prelude::*;
use rustix::process::{Pid, setpriority_process};

use super::{
    assembly::{Assembly, Purpose},
    build::{build, check_expectations},
};
use crate::settings::table;

/// The longest a trial may take. Drivers compile their programs for a GPU that they see for the first time.
const LIMIT: Duration = Duration::from_secs(20);

/// `nice` of what nobody waits for.
const LEAST_PRIORITY: i32 = 19;

/// The hidden argument that makes this program try an encoder: `--try-encoder NAME:NUMBER`.
pub(crate) const ATTEMPT: &str = "try-encoder";

/// What the child says before the media type of what it has encoded. Its status does not say enough: while a desktop runs,
/// somebody else may be faster to ask for that.
const WORKS: &str = "encodes ";

/// Tries the encoder of the file `name`, the element at `chosen`, in a child process. An error is the reason.
pub(crate) fn run_in_child(name: &str, chosen: usize) -> Result<(), String> {
    run(name, chosen, false).map(drop)
}

/// The same, without taking much from what else runs. Returns the media type of what it makes, such as `video/x-h264`.
pub(super) fn run_in_background(name: &str, chosen: usize) -> Result<String, String> {
    run(name, chosen, true)
}

fn run(name: &str, chosen: usize, in_background: bool) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
    let mut command = Command::new(program);
    command
        .arg(format!("--{ATTEMPT}"))
        .arg(format!("{name}:{chosen}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // It needs no secrets.
    table::secrets().for_each(|name| _ = command.env_remove(name));
    let failed = |error: std::io::Error| format!("it cannot be tried: {error}");
    let mut child = command.spawn().map_err(failed)?;
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw).filter(|_| in_background)
        && let Err(error) = setpriority_process(Some(pid), LEAST_PRIORITY)
    {
        tracing::debug!("the priority of a trial: {error}");
    }
    let mut said = Vec::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_end(&mut said).map_err(failed)?;
    }
    let status = child.wait();
    let said = String::from_utf8_lossy(&said);
    if let Some(media_type) = said.lines().find_map(|line| line.strip_prefix(WORKS)) {
        return Ok(media_type.trim().to_owned());
    }
    match (said.trim(), status) {
        ("", Ok(status)) => Err(format!("it crashed while it was tried ({status})")),
        ("", Err(_)) => Err("it crashed while it was tried".to_owned()),
        (reason, _) => Err(reason.to_owned()),
    }
}

/// What [`run_in_child`] reads of a child.
pub(crate) fn report(outcome: &Result<String, String>) -> String {
    match outcome {
        Ok(media_type) => format!("{WORKS}{media_type}\n"),
        Err(reason) => reason.clone(),
    }
}

/// Tries it in this process, which ends if that takes too long. Returns the media type of what it makes.
pub(crate) fn try_here(assembly: &Assembly) -> Result<String, String> {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        // Nothing else can be done about a driver that does not come back.
        let _ = std::io::Write::write_all(&mut std::io::stdout(), b"it does nothing\n");
        std::process::exit(1);
    });
    encode_one_frame(assembly)
}

fn encode_one_frame(assembly: &Assembly) -> Result<String, String> {
    let pipeline = build(assembly, Purpose::Trial, "").map_err(|error| error.to_string())?;
    let encoded = Arc::new(OnceLock::new());
    for sink in pipeline.iterate_sinks() {
        let pad = sink.map_err(|error| error.to_string())?.static_pad("sink");
        let encoded = encoded.clone();
        pad.ok_or("the trial has a sink without a pad")?.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
            let caps = pad.current_caps();
            let media_type = caps.as_ref().and_then(|caps| Some(caps.structure(0)?.name().to_string()));
            let _ = encoded.set(media_type.unwrap_or_default());
            gst::PadProbeReturn::Ok
        });
    }
    let bus = pipeline.bus().ok_or("the trial has no bus")?;
    // A refusal comes with an error on the bus, which tells more; an element that does not say why is not waited for.
    let refused = pipeline.set_state(gst::State::Playing).is_err();
    let patience = refused.then_some(gst::ClockTime::SECOND);
    let message = bus.timed_pop_filtered(patience, &[gst::MessageType::Error, gst::MessageType::Eos]);
    let outcome = match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Error(error)) => Err(reason(error)),
        Some(_) => match encoded.get() {
            Some(media_type) => {
                check_expectations(assembly, &pipeline).map(|()| media_type.clone()).map_err(|error| error.to_string())
            }
            None => Err("it encodes nothing".to_owned()),
        },
        None => Err("it does not start".to_owned()),
    };
    // Ends with the process anyway, and a driver that failed may well not stop.
    if outcome.is_ok() && pipeline.set_state(gst::State::Null).is_err() {
        return Err("it does not stop".to_owned());
    }
    outcome
}

/// One line.
fn reason(error: &gst::message::Error) -> String {
    let source = error.src().map(|source| source.name().to_string()).unwrap_or_default();
    let detail = error.debug().map(|debug| debug.lines().last().unwrap_or_default().trim().to_owned());
    match detail.filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("{source}: {} ({detail})", error.error()),
        None => format!("{source}: {}", error.error()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{expand::Variables, library::Library};
    use super::*;
    use crate::{
        password::Access,
        settings::{Environment, Settings},
    };

    fn attempt(text: &str) -> Result<String, String> {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), format!("description='a'\n{text}")).unwrap();
        let environment = Environment::from([]);
        let settings = Settings::read(&environment).unwrap();
        let variables = Variables::new(&environment, &settings, &Access::of(&settings).unwrap(), "");
        let library = Library::new(Some(folder.path().to_owned()));
        encode_one_frame(&Assembly::of(&library, "a", 0, &variables).unwrap())
    }

    #[test]
    fn what_gives_something_back_works() {
        let text = "launch=''\ntrial='videotestsrc num-buffers=1 ! identity ! fakesink'";
        assert_eq!(attempt(text), Ok("video/x-raw".to_owned()));
    }

    #[test]
    fn what_does_not_says_why() {
        let nothing = attempt("launch=''\ntrial='fakesrc num-buffers=1 ! identity drop-probability=1 ! fakesink'");
        assert_eq!(nothing, Err("it encodes nothing".to_owned()));
        let error = attempt("launch=''\ntrial='fakesrc ! identity name=broken error-after=1 ! fakesink'").unwrap_err();
        assert!(error.starts_with("broken: "), "{error}");
        let other = "launch=''\ntrial='fakesrc num-buffers=1 ! identity name=encoder ! fakesink'\n\
                     [[encoder]]\nelement='identity'\npackage='p'\nexpect.datarate='7'";
        assert_eq!(attempt(other), Err("identity is not the right one: its datarate is 0, not 7".to_owned()));
        let refused = attempt("launch=''\ntrial='filesrc name=lost location=/nonexistent ! fakesink'").unwrap_err();
        assert!(refused.starts_with("lost: ") && refused.contains("/nonexistent"), "{refused}");
    }
}
