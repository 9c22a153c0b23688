//! Whether an encoder really works: it gets one frame, and has to give something back.
//!
//! That happens in a process of its own: a driver that crashes or hangs is then a reason to take another encoder, and not
//! the end of everything.

use std::{
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use gst::prelude::*;

use super::{
    assembly::{Assembly, Purpose},
    build::{build, check_expectations},
};
use crate::settings::table;

/// The longest a trial may take. Drivers compile their programs for a GPU that they see for the first time.
const LIMIT: Duration = Duration::from_secs(20);

/// The hidden argument that makes this program try an encoder: `--try-encoder NAME:NUMBER`.
pub(crate) const ATTEMPT: &str = "try-encoder";

/// Tries the encoder of the file `name`, the element at `chosen`, in a child process. An error is the reason.
pub(crate) fn run_in_child(name: &str, chosen: usize) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
    let mut command = Command::new(program);
    command.arg(format!("--{ATTEMPT}")).arg(format!("{name}:{chosen}")).stdin(Stdio::null()).stderr(Stdio::null());
    // It needs no secrets.
    table::secrets().for_each(|name| _ = command.env_remove(name));
    let output = command.output().map_err(|error| format!("it cannot be tried: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if reason.is_empty() { Err(format!("it crashed while it was tried ({})", output.status)) } else { Err(reason) }
}

/// Tries it in this process, which ends if that takes too long.
pub(crate) fn try_here(assembly: &Assembly) -> Result<(), String> {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        // Nothing else can be done about a driver that does not come back.
        let _ = std::io::Write::write_all(&mut std::io::stdout(), b"it does nothing\n");
        std::process::exit(1);
    });
    encode_one_frame(assembly)
}

fn encode_one_frame(assembly: &Assembly) -> Result<(), String> {
    let pipeline = build(assembly, Purpose::Trial, "").map_err(|error| error.to_string())?;
    let encoded = Arc::new(AtomicBool::new(false));
    for sink in pipeline.iterate_sinks() {
        let pad = sink.map_err(|error| error.to_string())?.static_pad("sink");
        let encoded = encoded.clone();
        pad.ok_or("the trial has a sink without a pad")?.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            encoded.store(true, Ordering::Relaxed);
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
        Some(_) if encoded.load(Ordering::Relaxed) => {
            check_expectations(assembly, &pipeline).map_err(|error| error.to_string())
        }
        Some(_) => Err("it encodes nothing".to_owned()),
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

    fn attempt(text: &str) -> Result<(), String> {
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
        assert_eq!(attempt("launch=''\ntrial='fakesrc num-buffers=1 ! identity ! fakesink'"), Ok(()));
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
