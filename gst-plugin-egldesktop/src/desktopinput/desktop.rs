//! The X server as a whole: sends each thing that a user does to the part that does it, and each event of the X server
//! to the part that waits for it.

use std::time::{Duration, Instant};

use screen_resize::Wanted;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::wrapper::ConnectionExt as _;

use super::clipboard::Clipboard;
use super::cursor::Cursor;
use super::display::{Display, InputError};
use super::imp::CAT;
use super::keyboard::Keyboard;
use super::pointer::Pointer;
use super::touch::Touch;
use super::uinput::Uinput;
use super::wheel::Wheel;
use super::{dpi, screen};
use crate::events::{DesktopEvent, Devices, InputEvent};

/// Sizes that are wanted within this time become one: a window that is drawn larger asks for many.
const RESIZE_PAUSE: Duration = Duration::from_millis(200);

/// What can be set from outside.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) display_name: Option<String>,
    /// Hz of the modes that are made.
    pub(super) refresh: u32,
    /// Dots per inch that a scale of 1 stands for.
    pub(super) dpi: u32,
    /// Whether the selection of the middle button is shared like the clipboard.
    pub(super) primary_selection: bool,
    /// Whether there are gamepads, which are not made here.
    pub(super) gamepads: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Task {
    Input(InputEvent),
    /// A character of a text.
    Type(char),
    /// The video has this size: positions are in its pixels.
    VideoSize(f64, f64),
}

/// What happened, and where it goes.
#[derive(Debug)]
pub(super) enum Report {
    /// Downstream.
    Event(DesktopEvent),
    /// To the application: only it can reach the settings of the desktop session. Dots per inch.
    Dpi(f64),
}

/// See the module.
pub(super) struct Desktop {
    display: Display,
    keyboard: Keyboard,
    pointer: Pointer,
    touch: Touch,
    wheel: Wheel,
    uinput: Uinput,
    cursor: Cursor,
    clipboard: Clipboard,
    refresh: u32,
    /// The size that is wanted, and when it will be set.
    resize: Option<(Instant, (u32, u32))>,
    /// Dots per inch at a scale of 1, and now.
    unscaled: f64,
    dpi: f64,
    dpi_changes: u32,
    size_told: (u16, u16),
    devices_told: Devices,
    gamepads: bool,
    reports: Vec<Report>,
}

impl Desktop {
    pub(super) fn open(settings: &Settings) -> Result<Self, InputError> {
        let display = Display::open(settings.display_name.as_deref())?;
        let keyboard = Keyboard::open(&display)?;
        let cursor = Cursor::open(&display)?;
        let clipboard = Clipboard::open(&display, settings.primary_selection)?;
        let uinput = Uinput::open(&display)?;
        let size_told = display.size;
        Ok(Self {
            display,
            keyboard,
            pointer: Pointer::default(),
            touch: Touch::default(),
            wheel: Wheel::default(),
            uinput,
            cursor,
            clipboard,
            refresh: settings.refresh,
            resize: None,
            unscaled: settings.dpi.into(),
            dpi: settings.dpi.into(),
            dpi_changes: 0,
            size_told,
            devices_told: Devices::default(),
            gamepads: settings.gamepads,
            reports: Vec::new(),
        })
    }

    /// The connection, to wait for it.
    pub(super) fn display(&self) -> &Display {
        &self.display
    }

    /// What has happened since this was called last.
    pub(super) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// Takes in what the X server has sent; returns whether there was anything.
    pub(super) fn process_events(&mut self) -> Result<bool, InputError> {
        let mut any = false;
        while let Some(event) = self.display.connection.poll_for_event()? {
            any = true;
            match &event {
                Event::MappingNotify(_) | Event::XkbMapNotify(_) | Event::XkbNewKeyboardNotify(_) => {
                    self.keyboard.layout_changed();
                }
                Event::XfixesCursorNotify(_) => self.cursor.changed(),
                Event::XinputHierarchy(_) => self.uinput.hierarchy_changed(&self.display)?,
                Event::ConfigureNotify(event) if event.window == self.display.root => {
                    self.display.size = (event.width, event.height);
                }
                Event::ClientMessage(event) if event.window == self.display.root => {
                    self.keyboard.handle(&self.display, event)?;
                }
                // Such as a window that is gone before it gets what it asked for.
                Event::Error(error) => gst::debug!(CAT, "the X server refused a request: {error:?}"),
                event => {
                    let copied = self.clipboard.handle(&self.display, event)?;
                    self.reports.extend(copied.map(Report::Event));
                }
            }
        }
        if self.display.size != self.size_told {
            self.tell_size();
        }
        if self.devices() != self.devices_told {
            self.tell_devices();
        }
        let image = self.cursor.take(&self.display)?;
        self.reports.extend(image.map(Report::Event));
        Ok(any)
    }

    /// Does what is due; returns when the next thing will be.
    pub(super) fn tick(&mut self, now: Instant) -> Result<Option<Instant>, InputError> {
        if let Some((_, size)) = self.resize.take_if(|(due, _)| *due <= now) {
            screen::resize(&self.display, Wanted { size, refresh: self.refresh, dpi: self.dpi })?;
        }
        let (clipboard, copied) = self.clipboard.tick(&self.display, now)?;
        self.reports.extend(copied.map(Report::Event));
        Ok(self.resize.map(|(due, _)| due).into_iter().chain(clipboard).min())
    }

    /// `None` when this can be done now; else when it can at the latest. Only keys wait, for a keycode in use.
    pub(super) fn ready_at(&mut self, task: &Task) -> Result<Option<Instant>, InputError> {
        let keysym = match task {
            Task::Type(char) => Keyboard::keysym_of(*char),
            Task::Input(InputEvent::Key { keysym, pressed: true }) => Some(*keysym),
            _ => None,
        };
        keysym.map_or(Ok(None), |keysym| self.keyboard.ready_at(&self.display, keysym))
    }

    /// Does one thing.
    pub(super) fn perform(&mut self, task: Task) -> Result<(), InputError> {
        match task {
            Task::VideoSize(width, height) => self.pointer.set_video_size(width, height),
            Task::Type(char) => {
                if let Some(keysym) = Keyboard::keysym_of(char) {
                    self.keyboard.press(&self.display, keysym)?;
                    self.keyboard.release(&self.display, keysym)?;
                }
            }
            Task::Input(input) => self.input(input)?,
        }
        Ok(())
    }

    fn input(&mut self, input: InputEvent) -> Result<(), InputError> {
        let display = &self.display;
        match input {
            InputEvent::MoveTo { x, y } => self.pointer.move_to(display, x, y),
            InputEvent::MoveBy { dx, dy } => self.pointer.move_by(display, dx, dy),
            InputEvent::Button { button, pressed } => self.pointer.button(display, button, pressed),
            // Whole ticks take the way of the keys, and so keep their place among them.
            InputEvent::Scroll { dx, dy } if self.uinput.devices().wheel && (dx.fract(), dy.fract()) != (0.0, 0.0) => {
                self.uinput.emit_wheel(&self.wheel.turn(dx, dy));
                Ok(())
            }
            InputEvent::Scroll { dx, dy } => self.pointer.scroll(display, dx, dy),
            InputEvent::Touch { phase, identifier, x, y, pressure } => {
                let hands = (&mut self.uinput, &mut self.pointer);
                self.touch.finger(display, hands, (phase, identifier), (x, y), pressure)
            }
            InputEvent::TouchCancel => self.touch.cancel(display, &mut self.uinput, &mut self.pointer),
            InputEvent::Pen(pen) => self.touch.pen(display, &mut self.uinput, &mut self.pointer, pen),
            InputEvent::Key { keysym, pressed: true } => self.keyboard.press(display, keysym),
            InputEvent::Key { keysym, pressed: false } => self.keyboard.release(display, keysym),
            InputEvent::Text(text) => text.chars().try_for_each(|char| self.perform(Task::Type(char))),
            InputEvent::Locks { caps, num } => self.keyboard.set_locks(display, caps, num),
            InputEvent::Resize { width, height } => {
                let due = self.resize.map_or_else(|| Instant::now() + RESIZE_PAUSE, |(due, _)| due);
                self.resize = Some((due, (width, height)));
                Ok(())
            }
            InputEvent::Scale(ratio) => self.scale(ratio),
            InputEvent::Clipboard { parts, transaction } => {
                self.clipboard.set(display, parts)?;
                self.reports.push(Report::Event(DesktopEvent::ClipboardTaken(transaction)));
                Ok(())
            }
            // No matter of the X server's: see `gamepad`.
            InputEvent::Gamepad { .. } => Ok(()),
            InputEvent::Report { clipboard } => {
                if clipboard {
                    self.clipboard.watch(display)?;
                }
                self.cursor.changed();
                self.tell_size();
                self.tell_devices();
                Ok(())
            }
        }
    }

    fn tell_size(&mut self) {
        self.size_told = self.display.size;
        let (width, height) = (self.display.size.0.into(), self.display.size.1.into());
        self.reports.push(Report::Event(DesktopEvent::Screen { width, height }));
    }

    /// What programs see.
    fn devices(&self) -> Devices {
        Devices { gamepads: self.gamepads, ..self.uinput.devices() }
    }

    fn tell_devices(&mut self) {
        self.devices_told = self.devices();
        self.reports.push(Report::Event(DesktopEvent::Devices(self.devices_told)));
    }

    fn scale(&mut self, ratio: f64) -> Result<(), InputError> {
        /// What makes sense for the windows of a desktop.
        const SENSIBLE: std::ops::RangeInclusive<f64> = 0.5..=4.0;
        let dpi = self.unscaled * ratio;
        if !SENSIBLE.contains(&ratio) || dpi == self.dpi {
            return Ok(());
        }
        self.dpi = dpi;
        self.dpi_changes = self.dpi_changes.wrapping_add(1);
        dpi::apply(&self.display, dpi, self.dpi_changes)?;
        self.reports.push(Report::Dpi(dpi));
        Ok(())
    }

    /// Sends what is queued.
    pub(super) fn flush(&self) -> Result<(), InputError> {
        Ok(self.display.connection.flush()?)
    }

    /// Releases every key and button that is down by us, and gives the borrowed keycodes back.
    pub(super) fn release_all(&mut self) -> Result<(), InputError> {
        self.keyboard.release_all(&self.display)?;
        self.pointer.release_all(&self.display)?;
        self.touch.release_all(&mut self.uinput);
        // A round trip: a server that sees the connection close may not read what is still in the socket.
        Ok(self.display.connection.sync()?)
    }
}
