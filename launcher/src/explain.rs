//! `--explain`: what a run would do, and why, without doing it.

use std::{fmt::Write as _, path::Path};

use crate::{
    pipeline::{Assembly, missing_elements},
    plan::{Display, Plan, Sound},
    plugin::Plugin,
    services::session,
    settings::Settings,
};

/// Everything secret in it is hidden.
pub(crate) fn explain(
    settings: &Settings,
    plan: &Plan,
    assembly: &Assembly,
    plugin: &Plugin,
    executable: &Path,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<12}{}", value.replace('\n', "\n            "));
    };
    line("Program", executable.display().to_string());
    line("Plug-in", plugin.to_string());
    line("Listens on", settings.listen.to_string());
    line("Password", access(settings));
    line("Display", display(settings, &plan.display));
    line("Sound", sound(&plan.sound));
    line("Encoder", format!("{} – {}", settings.encoder, assembly.description));
    line("Files", assembly.files.join("\n"));
    for (file, condition) in &assembly.skipped {
        line("Left out", format!("{file}, because of when = \"{condition}\""));
    }
    for (element, package) in missing_elements(assembly) {
        line("Missing", format!("{element} (package {package})"));
    }
    line("Launch", assembly.launch.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join("\n"));
    for ((element, property), value) in &assembly.properties {
        if value.value.expose().is_empty() {
            continue;
        }
        line("Property", format!("{element}.{property} = {}    ({})", value.value.shown(), value.origin));
    }
    for (what, knob) in [("video", &assembly.video_bitrate), ("sound", &assembly.audio_bitrate)] {
        if let Some(knob) = knob {
            line("Bitrate", format!("{what}: {}.{}, in {}", knob.element, knob.property, knob.unit));
        }
    }
    text
}

fn access(settings: &Settings) -> String {
    match (&settings.password, settings.basic_auth) {
        (_, false) => "none is asked, because ENABLE_BASIC_AUTH is false".to_owned(),
        (Some((_, variable)), true) => format!("that of {variable}, for user {}", settings.user),
        (None, true) => format!("a random one, printed at the start, for user {}", settings.user),
    }
}

fn display(settings: &Settings, display: &Display) -> String {
    match display {
        Display::Existing(name) => format!("{name}, because DISPLAY names it and it answers"),
        Display::Private(programs) => {
            let screen = settings.screen;
            let size = format!("{}x{}x{}", screen.width, screen.height, screen.depth);
            let programs: Vec<_> = programs.iter().map(|program| program.program).collect();
            let session = if programs.is_empty() {
                format!("nothing on it, because none of these is installed: {}", session::wanted())
            } else {
                format!("{} on it, with a private D-Bus", programs.join(" and "))
            };
            format!("a private Xvfb ({size}, {} dpi), because DISPLAY is not set; {session}", screen.dpi)
        }
    }
}

fn sound(sound: &Sound) -> String {
    match sound {
        Sound::Off => "none, because ENABLE_AUDIO is false".to_owned(),
        Sound::Existing { server, why } => format!("{server}, because {why}"),
        Sound::Private => "a private PulseAudio, because PULSE_SERVER is not set".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        password::Access,
        pipeline::{Library, Variables},
        settings::Environment,
    };

    #[test]
    fn it_tells_everything_but_the_secrets() {
        gst::init().unwrap();
        let settings = Settings::read(&Environment::from([
            ("PASSWD", "hunter2"),
            ("TURN_SHARED_SECRET", "hunter2"),
            ("ENABLE_AUDIO", "false"),
        ]))
        .unwrap();
        let variables = Variables::new(&settings, &Access::of(&settings).unwrap(), "(later)");
        let assembly = Assembly::of(&Library::new(None), "x264enc", &variables).unwrap();
        let plan = Plan::of(&settings).unwrap();
        let plugin = Plugin::NotFound { looked: Vec::new() };
        let text = explain(&settings, &plan, &assembly, &plugin, Path::new("/bin/egldesktop"));
        assert!(!text.contains("hunter2"), "{text}");
        for part in ["that of PASSWD", "ENABLE_AUDIO is false", "Left out    pipelines/common/sound.toml", "(hidden)"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
