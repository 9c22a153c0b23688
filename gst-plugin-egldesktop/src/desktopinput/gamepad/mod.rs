//! The gamepads of the desktop: what browsers' pads do becomes what X-Box 360 pads do, of the kernel where it lets us make
//! devices, else of the libraries that play joystick device for programs.
//!
//! A thread of its own, apart from X: readers come and go, and pads work on a desktop whose X server is busy.

mod clock;
mod interposer;
mod pad;
mod records;
mod rumble;
mod socket;
mod uinput;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use gst::glib;
use rustix::event::{PollFd, PollFlags, poll};
use selkies_protocol::joystick::{DEFAULT_FOLDER, PADS};

use super::imp::CAT;
use crate::capture::Waker;
use crate::events::{DesktopEvent, GamepadInput};
use interposer::InterposedPad;
use pad::{Change, Pad};
use rumble::Rumble;
use socket::Version;
use uinput::UinputPad;

/// What makes pads for programs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstDesktopInputGamepads")]
#[repr(i32)]
pub enum GamepadBackend {
    /// `uinput` where that works, else `interposer`.
    #[default]
    #[enum_value(name = "uinput where that works, else interposer", nick = "auto")]
    Auto = 0,
    /// Devices of the kernel.
    #[enum_value(name = "Devices of the kernel, by /dev/uinput", nick = "uinput")]
    Uinput = 1,
    /// Sockets for a joystick interposer.
    #[enum_value(name = "Sockets for a joystick interposer: ours, or Selkies' after 1.6", nick = "interposer")]
    Interposer = 2,
    /// The same for the interposer of Selkies 1.5 and 1.6.
    #[enum_value(name = "Sockets for the joystick interposer of Selkies 1.5 and 1.6", nick = "interposer-v1")]
    InterposerV1 = 3,
    /// No pads.
    #[enum_value(name = "No gamepads", nick = "none")]
    None = 4,
}

/// How pads are made; see the properties of the element.
#[derive(Debug, Default, Clone)]
pub(super) struct GamepadSettings {
    pub(super) backend: GamepadBackend,
    pub(super) folder: Option<String>,
}

/// Handle of the thread. Dropping it pulls all plugs and ends the thread.
#[derive(Debug)]
pub(super) struct Gamepads {
    inputs: Option<Sender<(u8, GamepadInput)>>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Gamepads {
    /// Starts the thread; none where there are to be no pads. `report` gets what programs do with pads, on the thread.
    pub(super) fn start(
        settings: &GamepadSettings,
        report: impl Fn(DesktopEvent) + Send + 'static,
    ) -> std::io::Result<Option<Self>> {
        if settings.backend == GamepadBackend::None {
            return Ok(None);
        }
        let factory = Factory::new(settings);
        let waker = Arc::new(Waker::new()?);
        let (inputs, queue) = channel();
        let woken = waker.clone();
        let thread = std::thread::Builder::new().name("gamepads".into()).spawn(move || {
            let mut devices = Devices { factory, plugged: [const { None }; PADS as usize], report };
            devices.run(&queue, &woken);
        })?;
        Ok(Some(Self { inputs: Some(inputs), waker, thread: Some(thread) }))
    }

    /// Queues what a browser's pad does; never waits.
    pub(super) fn send(&self, pad: u8, input: GamepadInput) {
        if let Some(inputs) = &self.inputs {
            // The thread ends after us.
            let _ = inputs.send((pad, input));
            self.waker.wake();
        }
    }
}

impl Drop for Gamepads {
    fn drop(&mut self) {
        self.inputs = None;
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes devices.
struct Factory {
    backend: GamepadBackend,
    folder: PathBuf,
}

impl Factory {
    fn new(settings: &GamepadSettings) -> Self {
        let backend = match settings.backend {
            GamepadBackend::Auto if uinput::is_available() => GamepadBackend::Uinput,
            GamepadBackend::Auto => GamepadBackend::Interposer,
            named => named,
        };
        // Programs that watch what devices there are have to find the folder before the first pad comes.
        if let (GamepadBackend::Interposer, Some(folder)) = (backend, &settings.folder)
            && let Err(error) = interposer::make_listing(Path::new(folder))
        {
            gst::warning!(CAT, "programs will not see new gamepads: {error}");
        }
        let folder = settings.folder.as_deref().unwrap_or(DEFAULT_FOLDER).into();
        Self { backend, folder }
    }

    fn make(&self, pad: u8) -> std::io::Result<Device> {
        match self.backend {
            GamepadBackend::Uinput => UinputPad::open().map(Device::Uinput),
            GamepadBackend::InterposerV1 => {
                InterposedPad::open(&self.folder, pad, Version::One).map(Device::Interposed)
            }
            _ => InterposedPad::open(&self.folder, pad, Version::Two).map(Device::Interposed),
        }
    }
}

enum Device {
    Uinput(UinputPad),
    Interposed(InterposedPad),
}

impl Device {
    fn poll_fds<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        match self {
            Self::Uinput(device) => device.poll_fds(fds),
            Self::Interposed(device) => device.poll_fds(fds),
        }
    }

    fn service(&mut self, pad: &Pad) -> Vec<Rumble> {
        match self {
            Self::Uinput(device) => device.service(),
            Self::Interposed(device) => device.service(pad),
        }
    }

    fn send(&mut self, changes: &[Change]) {
        match self {
            Self::Uinput(device) => device.send(changes),
            Self::Interposed(device) => device.send(changes),
        }
    }
}

/// A pad whose plug is in.
struct Plugged {
    pad: Pad,
    device: Device,
}

struct Devices<R> {
    factory: Factory,
    plugged: [Option<Plugged>; PADS as usize],
    report: R,
}

impl<R: Fn(DesktopEvent)> Devices<R> {
    /// Until the handle is gone.
    fn run(&mut self, queue: &Receiver<(u8, GamepadInput)>, waker: &Waker) {
        loop {
            loop {
                match queue.try_recv() {
                    Ok((pad, input)) => self.input(pad, &input),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return self.unplug_all(),
                }
            }
            self.service();
            let mut fds = vec![PollFd::new(waker, PollFlags::IN)];
            self.plugged.iter().flatten().for_each(|plugged| plugged.device.poll_fds(&mut fds));
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    gst::error!(CAT, "gamepads end: {error}");
                    return self.unplug_all();
                }
            }
            waker.clear();
        }
    }

    fn input(&mut self, number: u8, input: &GamepadInput) {
        let Some(slot) = self.plugged.get_mut(usize::from(number)) else {
            return gst::debug!(CAT, "there is no gamepad {number}");
        };
        match (input, slot.as_mut()) {
            (GamepadInput::Connected { name }, None) => match self.factory.make(number) {
                Ok(device) => {
                    gst::info!(CAT, "gamepad {number}: {name}");
                    *slot = Some(Plugged { pad: Pad::default(), device });
                }
                Err(error) => gst::warning!(CAT, "cannot make gamepad {number}: {error}"),
            },
            (GamepadInput::Disconnected, Some(_)) => self.unplug(number),
            // One that comes again, from a browser that came again, is untouched.
            (GamepadInput::Connected { .. }, Some(plugged)) => plugged.device.send(&plugged.pad.release()),
            (input, Some(plugged)) => {
                let changes = plugged.pad.apply(input);
                if !changes.is_empty() {
                    plugged.device.send(&changes);
                }
            }
            (_, None) => gst::debug!(CAT, "gamepad {number} is not connected"),
        }
    }

    fn service(&mut self) {
        for (number, plugged) in (0u8..).zip(&mut self.plugged) {
            let Some(plugged) = plugged else { continue };
            for rumble in plugged.device.service(&plugged.pad) {
                tell(&self.report, number, rumble);
            }
        }
    }

    /// Programs that hold on to the device see everything released first.
    fn unplug(&mut self, number: u8) {
        let Some(mut plugged) = self.plugged.get_mut(usize::from(number)).and_then(Option::take) else { return };
        gst::info!(CAT, "gamepad {number} is gone");
        plugged.device.send(&plugged.pad.release());
    }

    fn unplug_all(&mut self) {
        (0..PADS).for_each(|number| self.unplug(number));
    }
}

fn tell(report: &impl Fn(DesktopEvent), pad: u8, Rumble { strong, weak, duration }: Rumble) {
    report(DesktopEvent::Rumble { pad, strong, weak, duration });
}
