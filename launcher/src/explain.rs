//! `--explain`: what a run would do, and why, without doing it.

use std::{fmt::Write as _, path::Path};

use serde::Serialize;

use crate::{
    pipeline::{AssembleError, Assembly, Choice, Property, Purpose, Rejection, Source, missing_elements},
    plan::{Devices, Display, Plan, Sound},
    plugin::Plugin,
    services::session,
    settings::Settings,
};

/// How it is printed.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Why nothing would run.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal<'a> {
    /// What WEBRTC_ENCODER says.
    pub(crate) encoder: &'a str,
    pub(crate) rejected: &'a [Rejection],
    /// The encoders that could be named instead.
    pub(crate) would_work: &'a [String],
}

impl Refusal<'_> {
    pub(crate) fn print(&self, format: Format) -> anyhow::Result<String> {
        Ok(match format {
            Format::Text => self.text(),
            Format::Json => serde_json::to_string_pretty(self)? + "\n",
        })
    }

    fn text(&self) -> String {
        let mut text = format!("{:<12}{} – nothing runs, because it cannot work here\n", "Encoder", self.encoder);
        for rejection in self.rejected {
            let _ = writeln!(text, "{:<12}{rejection}", "Rejected");
        }
        let others = if self.would_work.is_empty() { "nothing".to_owned() } else { self.would_work.join(", ") };
        let _ = writeln!(text, "{:<12}{others}", "Would work");
        if let Some(first) = self.would_work.first() {
            let _ = writeln!(text, "{:<12}WEBRTC_ENCODER_FALLBACK=true would take {first}", "Fallback");
        }
        text
    }
}

/// Everything secret in it is hidden.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    program: String,
    plugin: String,
    listens_on: String,
    password: String,
    display: String,
    sound: String,
    gamepads: String,
    encoder: Encoder,
    rejected: Vec<Rejection>,
    files: Vec<String>,
    left_out: Vec<LeftOut>,
    missing: Vec<Missing>,
    launch: String,
    properties: Vec<Setting>,
}

#[derive(Debug, Serialize)]
struct Encoder {
    /// Name of the pipeline file.
    name: String,
    /// The element that encodes, where the file has several.
    element: Option<String>,
    description: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct LeftOut {
    file: String,
    when: String,
}

#[derive(Debug, Serialize)]
struct Missing {
    element: String,
    package: String,
}

#[derive(Debug, Serialize)]
struct Setting {
    element: String,
    property: String,
    value: String,
    /// File and line.
    origin: String,
    variables: Vec<Used>,
}

/// A variable that a value is made of.
#[derive(Debug, Serialize)]
struct Used {
    name: String,
    value: String,
    source: String,
}

impl Explanation {
    pub(crate) fn new(
        settings: &Settings,
        plan: &Plan,
        choice: Choice,
        assembly: &Assembly,
        plugin: &Plugin,
        executable: &Path,
    ) -> Result<Self, AssembleError> {
        let why = match (&choice.notice, settings.encoder == choice.name) {
            (Some(notice), _) => notice.clone(),
            (None, true) if settings.encoder_is_saved => "a viewer chose it in an earlier run".to_owned(),
            (None, true) => "WEBRTC_ENCODER names it".to_owned(),
            (None, false) => "it is the best that works".to_owned(),
        };
        let missing = missing_elements(assembly, Purpose::Run).into_iter();
        let properties = assembly.properties(Purpose::Run)?.into_iter();
        let left_out = assembly.skipped.iter().cloned();
        Ok(Self {
            program: executable.display().to_string(),
            plugin: plugin.to_string(),
            listens_on: settings.listen.to_string(),
            password: access(settings),
            display: display(settings, plan),
            sound: sound(&plan.sound),
            gamepads: plan.gamepads.to_string(),
            encoder: Encoder {
                name: choice.name,
                element: assembly.encoder().map(|encoder| encoder.element.clone()),
                description: assembly.description.clone(),
                why,
            },
            rejected: choice.rejected,
            files: assembly.files.clone(),
            left_out: left_out.map(|(file, when)| LeftOut { file, when }).collect(),
            missing: missing.map(|(element, package)| Missing { element, package }).collect(),
            launch: assembly.launch(Purpose::Run),
            // An empty value leaves the property as the element has it.
            properties: properties
                .filter(|(_, property)| !property.value.expose().is_empty())
                .map(|((element, name), property)| Setting::new(element, name, &property, assembly))
                .collect(),
        })
    }

    pub(crate) fn print(&self, format: Format) -> anyhow::Result<String> {
        Ok(match format {
            Format::Text => self.text(),
            Format::Json => serde_json::to_string_pretty(self)? + "\n",
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<12}{}", value.replace('\n', "\n            "));
        };
        line("Program", &self.program);
        line("Plug-in", &self.plugin);
        line("Listens on", &self.listens_on);
        line("Password", &self.password);
        line("Display", &self.display);
        line("Sound", &self.sound);
        line("Gamepads", &self.gamepads);
        let Encoder { name, element, description, why } = &self.encoder;
        line(
            "Encoder",
            &format!("{name} – {description}\nelement {}: {why}", element.as_deref().unwrap_or("in Launch")),
        );
        for rejection in &self.rejected {
            line("Rejected", &rejection.to_string());
        }
        line("Files", &self.files.join("\n"));
        for LeftOut { file, when } in &self.left_out {
            line("Left out", &format!("{file}, because of when = \"{when}\""));
        }
        for Missing { element, package } in &self.missing {
            line("Missing", &format!("{element} (package {package})"));
        }
        line("Launch", &self.launch);
        for setting in &self.properties {
            line("Property", &setting.text());
        }
        text
    }
}

impl Setting {
    fn new(element: String, name: String, property: &Property, assembly: &Assembly) -> Self {
        let used = |name: &String| {
            let entry = assembly.variables.get(name)?;
            let source = match &entry.source {
                Source::Default if entry.value.expose().is_empty() => "not set".to_owned(),
                source => source.to_string(),
            };
            Some(Used { name: name.clone(), value: entry.value.shown().to_owned(), source })
        };
        Self {
            element,
            property: name,
            value: property.value.shown().to_owned(),
            origin: property.origin.clone(),
            variables: property.variables.iter().filter_map(used).collect(),
        }
    }

    fn text(&self) -> String {
        let Self { element, property, value, origin, variables } = self;
        let from = variables.iter().map(|used| format!("; {} = {}, {}", used.name, used.value, used.source));
        format!("{element}.{property} = {value}    ({origin}{})", from.collect::<String>())
    }
}

fn access(settings: &Settings) -> String {
    match (&settings.password, settings.basic_auth) {
        (_, false) => "none is asked, because ENABLE_BASIC_AUTH is false".to_owned(),
        (Some((_, variable)), true) => format!("that of {variable}, for user {}", settings.user),
        (None, true) => format!("a random one, printed at the start, for user {}", settings.user),
    }
}

fn display(settings: &Settings, plan: &Plan) -> String {
    let vnc = if plan.vnc.is_some() { "; also by noVNC, because of NOVNC_ENABLE" } else { "" };
    match &plan.display {
        Display::Existing(name) => format!("{name}, because DISPLAY names it and it answers{vnc}"),
        Display::Private(programs) => {
            let screen = settings.screen;
            let size = format!("{}x{}x{}", screen.width, screen.height, screen.depth);
            let programs: Vec<_> = programs.iter().map(|program| program.program).collect();
            let session = if programs.is_empty() {
                format!("nothing on it, because none of these is installed: {}", session::wanted())
            } else {
                format!("{} on it, with a private D-Bus", programs.join(" and "))
            };
            let gl = match &plan.gl {
                Some(gl) => format!("; OpenGL by VirtualGL on {}", gl.device),
                None => "; OpenGL on the CPU".to_owned(),
            };
            format!("a private Xvfb ({size}, {} dpi), because DISPLAY is not set; {session}{gl}{vnc}", screen.dpi)
        }
    }
}

fn sound(sound: &Sound) -> String {
    match sound {
        Sound::Off => "none, because ENABLE_AUDIO is false".to_owned(),
        Sound::Existing { server, why } => format!("{server}, because {why}"),
        Sound::Private(Devices { microphone, channels }) => {
            let microphone = if *microphone { " with a microphone" } else { "" };
            let channels = if *channels == 2 { String::new() } else { format!(" of {channels} channels") };
            format!("a private PulseAudio{channels}{microphone}, because PULSE_SERVER is not set")
        }
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

    fn explain(format: Format) -> String {
        gst::init().unwrap();
        let environment = Environment::from([
            ("PASSWD", "hunter2"),
            ("TURN_SHARED_SECRET", "hunter2"),
            ("ENABLE_AUDIO", "false"),
            ("NOVNC_ENABLE", "true"),
            ("WEBRTC_FRAMERATE", "30"),
        ]);
        let settings = Settings::read(&environment).unwrap();
        let access = Access::of(&settings).unwrap();
        let variables = Variables::new(&environment, &settings, &access, "(later)");
        let assembly = Assembly::of(&Library::new(None), "x264enc", 0, &variables).unwrap();
        let plan = Plan::of(&settings, &access, Path::new("/")).unwrap();
        let plugin = Plugin::NotFound { looked: Vec::new() };
        let reason = "no GPU".to_owned();
        let rejected = vec![Rejection { encoder: "nvh264enc".to_owned(), element: None, reason }];
        let choice = Choice { name: "x264enc".to_owned(), chosen: 0, rejected, notice: None };
        let executable = Path::new("/bin/egldesktop");
        Explanation::new(&settings, &plan, choice, &assembly, &plugin, executable).unwrap().print(format).unwrap()
    }

    #[test]
    fn it_tells_everything_but_the_secrets() {
        let text = explain(Format::Text);
        assert!(!text.contains("hunter2"), "{text}");
        for part in [
            "that of PASSWD",
            "also by noVNC",
            "ENABLE_AUDIO is false",
            "Left out    pipelines/common/sound.toml",
            "(hidden)",
            "Rejected    nvh264enc: no GPU",
            "it is the best that works",
            "SELKIES_FRAMERATE = 30, environment: WEBRTC_FRAMERATE",
            "SELKIES_VIDEO_BITRATE = 8000, default",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn programs_can_read_it() {
        let text = explain(Format::Json);
        assert!(!text.contains("hunter2"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["encoder"]["name"], "x264enc");
        assert_eq!(json["rejected"][0]["reason"], "no GPU");
        let properties = json["properties"].as_array().unwrap();
        let bitrate = properties.iter().find(|it| it["element"] == "encoder" && it["property"] == "bitrate").unwrap();
        assert_eq!(bitrate["value"], "8000");
        assert!(bitrate["origin"].as_str().unwrap().starts_with("pipelines/x264enc.toml:"), "{bitrate}");
        assert_eq!(bitrate["variables"][0]["source"], "default");
    }
}
