//! GObject side of `desktopinput`: takes upstream events off the pads and hands them to the worker.

// The derive writes public accessors; what they mean stands in the properties' blurbs.
#![allow(missing_docs)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_base::subclass::BaseTransformMode;
use gst_base::subclass::prelude::*;

use super::desktop::{Settings, Task};
use super::gamepad::{GamepadBackend, GamepadSettings, Gamepads};
use super::worker::Worker;
use crate::events::{DesktopEvent, GamepadInput, InputEvent};

pub(super) static CAT: LazyLock<gst::DebugCategory> =
    LazyLock::new(|| gst::DebugCategory::new("desktopinput", gst::DebugColorFlags::empty(), Some("X input")));

const DEFAULT_REFRESH: u32 = 60;
const DEFAULT_DPI: u32 = 96;

impl Default for Settings {
    fn default() -> Self {
        Self {
            display_name: None,
            refresh: DEFAULT_REFRESH,
            dpi: DEFAULT_DPI,
            primary_selection: false,
            gamepads: false,
        }
    }
}

/// GObject state of the element.
#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::DesktopInput)]
pub struct DesktopInput {
    #[property(
        name = "display-name", get, set, type = Option<String>, member = display_name, nick = "Display name",
        blurb = "X display to control, such as :0 (unset = the environment's DISPLAY)",
        builder().mutable_ready()
    )]
    #[property(
        name = "refresh", get, set, type = u32, member = refresh, nick = "Refresh rate",
        blurb = "Hz of the video modes that are made when the screen is given another size",
        builder().minimum(1).maximum(600).default_value(DEFAULT_REFRESH).mutable_ready()
    )]
    #[property(
        name = "dpi", get, set, type = u32, member = dpi, nick = "DPI",
        blurb = "Dots per inch that a scale of 1 stands for",
        builder().minimum(24).maximum(960).default_value(DEFAULT_DPI).mutable_ready()
    )]
    #[property(
        name = "primary-selection", get, set, type = bool, member = primary_selection, nick = "Primary selection",
        blurb = "Whether what is selected (the middle button pastes it) is shared like what is copied",
        builder().mutable_ready()
    )]
    settings: Mutex<Settings>,
    #[property(
        name = "gamepads", get, set, type = GamepadBackend, member = backend, nick = "Gamepads",
        blurb = "What makes the gamepads that programs see",
        builder(GamepadBackend::Auto).mutable_ready()
    )]
    #[property(
        name = "gamepad-sockets", get, set, type = Option<String>, member = folder, nick = "Gamepad sockets",
        blurb = "Folder of the sockets for a joystick interposer (unset = /tmp)",
        builder().mutable_ready()
    )]
    gamepad_settings: Mutex<GamepadSettings>,
    worker: Mutex<Option<Worker>>,
    gamepads: Mutex<Option<Gamepads>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[glib::object_subclass]
impl ObjectSubclass for DesktopInput {
    const NAME: &'static str = "GstDesktopInput";
    type Type = super::DesktopInput;
    type ParentType = gst_base::BaseTransform;
}

#[glib::derived_properties]
impl ObjectImpl for DesktopInput {}

impl GstObjectImpl for DesktopInput {}

impl ElementImpl for DesktopInput {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Desktop input",
                "Filter/Effect/Video",
                "Puts the keys, motions and clicks of upstream events into an X server",
                "The egldesktop authors",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            // Any memory, any format: the video only passes through.
            let caps = gst::Caps::builder("video/x-raw").any_features().build();
            [("sink", gst::PadDirection::Sink), ("src", gst::PadDirection::Src)]
                .into_iter()
                .filter_map(|(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
                })
                .collect()
        });
        &TEMPLATES
    }
}

impl BaseTransformImpl for DesktopInput {
    const MODE: BaseTransformMode = BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = true;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = false;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let gamepads = lock(&self.gamepad_settings).backend != GamepadBackend::None;
        let settings = Settings { gamepads, ..lock(&self.settings).clone() };
        let worker = Worker::start(&settings, &self.obj()).map_err(|error| {
            let display = settings.display_name.or_else(|| std::env::var("DISPLAY").ok()).unwrap_or_default();
            gst::error_msg!(
                gst::ResourceError::OpenWrite,
                ("Cannot control X display \"{display}\": {error}"),
                ["set display-name or DISPLAY to a running X server, and XAUTHORITY to its cookie"]
            )
        })?;
        *lock(&self.worker) = Some(worker);
        *lock(&self.gamepads) = self.start_gamepads();
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        // Its drop releases all keys and waits for the thread. Not under the lock: the thread may be pushing an event.
        let worker = lock(&self.worker).take();
        drop(worker);
        let gamepads = lock(&self.gamepads).take();
        drop(gamepads);
        Ok(())
    }

    fn set_caps(&self, incaps: &gst::Caps, _outcaps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let size = incaps.structure(0).and_then(|s| Some((s.get::<i32>("width").ok()?, s.get::<i32>("height").ok()?)));
        let (width, height) = size.ok_or_else(|| gst::loggable_error!(CAT, "no size in {incaps}"))?;
        self.task(Task::VideoSize(width.into(), height.into()));
        Ok(())
    }

    fn src_event(&self, event: gst::Event) -> bool {
        match InputEvent::parse(&event) {
            Some(inputs) => {
                for input in inputs {
                    gst::trace!(CAT, imp = self, "{input:?}");
                    match input {
                        InputEvent::Gamepad { pad, input } => self.gamepad(pad, input),
                        input => self.task(Task::Input(input)),
                    }
                }
                true
            }
            None => self.parent_src_event(event),
        }
    }
}

impl DesktopInput {
    fn task(&self, task: Task) {
        if let Some(worker) = lock(&self.worker).as_ref() {
            worker.send(task);
        }
    }

    fn gamepad(&self, pad: u8, input: GamepadInput) {
        if let Some(gamepads) = lock(&self.gamepads).as_ref() {
            gamepads.send(pad, input);
        }
    }

    /// A desktop without gamepads is still a desktop.
    fn start_gamepads(&self) -> Option<Gamepads> {
        let settings = lock(&self.gamepad_settings).clone();
        let element = self.obj().downgrade();
        let report = move |event: DesktopEvent| {
            if let Some(pad) = element.upgrade().and_then(|element| element.static_pad("src")) {
                // Nobody need listen.
                let _ = pad.push_event(event.to_event());
            }
        };
        Gamepads::start(&settings, report).unwrap_or_else(|error| {
            gst::warning!(CAT, imp = self, "no gamepads: {error}");
            None
        })
    }
}
