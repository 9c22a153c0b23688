//! A pad as a device of the kernel, which every program sees.

use evdev::uinput::VirtualDevice;
use evdev::{
    AbsInfo, AbsoluteAxisCode, AttributeSet, BusType, EventSummary, FFEffectCode, FFEffectKind, InputEvent, InputId,
    KeyCode, UInputCode, UinputAbsSetup,
};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;
use selkies_protocol::joystick::{
    AXES, AxisRange, BUTTONS, FF_GAIN, FromProgram, NAME, PRODUCT, VENDOR, VERSION, axis_range,
};

use super::pad::Change;
use super::rumble::{Effects, Rumble};
use crate::desktopinput::imp::CAT;

/// How many effects programs may give it: as many as the effects have numbers.
const MAX_EFFECTS: u32 = 16;

/// Whether this machine lets us make devices.
pub(super) fn is_available() -> bool {
    std::fs::OpenOptions::new().write(true).open("/dev/uinput").is_ok()
}

/// See the module. Dropping it removes the device.
pub(super) struct UinputPad {
    device: VirtualDevice,
    effects: Effects,
}

impl UinputPad {
    /// Makes the device.
    pub(super) fn open() -> std::io::Result<Self> {
        let buttons: AttributeSet<KeyCode> = BUTTONS.into_iter().map(KeyCode).collect();
        let motors: AttributeSet<FFEffectCode> = [FFEffectCode::FF_RUMBLE, FFEffectCode::FF_GAIN].into_iter().collect();
        let mut builder = VirtualDevice::builder()?
            .name(NAME)
            .input_id(InputId::new(BusType::BUS_USB, VENDOR, PRODUCT, VERSION))
            .with_keys(&buttons)?
            .with_ff(&motors)?
            .with_ff_effects_max(MAX_EFFECTS);
        for code in AXES {
            let AxisRange { minimum, maximum, fuzz, flat } = axis_range(code);
            let info = AbsInfo::new(0, minimum, maximum, fuzz, flat, 0);
            builder = builder.with_absolute_axis(&UinputAbsSetup::new(AbsoluteAxisCode(code), info))?;
        }
        let device = builder.build()?;
        let flags = rustix::fs::fcntl_getfl(&device)?;
        rustix::fs::fcntl_setfl(&device, flags | OFlags::NONBLOCK)?;
        Ok(Self { device, effects: Effects::default() })
    }

    /// What to wait for.
    pub(super) fn poll_fds<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.push(PollFd::new(&self.device, PollFlags::IN));
    }

    /// Takes in what programs do with the motors; never waits.
    pub(super) fn service(&mut self) -> Vec<Rumble> {
        let mut rumbles = Vec::new();
        loop {
            let events: Vec<_> = match self.device.fetch_events() {
                Ok(events) => events.collect(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return rumbles,
                Err(error) => {
                    gst::debug!(CAT, "a gamepad's motors: {error}");
                    return rumbles;
                }
            };
            if events.is_empty() {
                return rumbles;
            }
            for event in events {
                let request = self.request(event);
                rumbles.extend(request.and_then(|request| self.effects.apply(request)));
            }
        }
    }

    /// Sends changes.
    pub(super) fn send(&mut self, changes: &[Change]) {
        let event = |change: &Change| {
            let (kind, code, value) = change.evdev();
            InputEvent::new(kind, code, value)
        };
        let events: Vec<_> = changes.iter().map(event).collect();
        if let Err(error) = self.device.emit(&events) {
            gst::warning!(CAT, "a gamepad: {error}");
        }
    }

    /// The program waits in its `ioctl` until an upload or an erasure has been answered, which dropping it does.
    fn request(&mut self, event: InputEvent) -> Option<FromProgram> {
        match event.destructure() {
            EventSummary::UInput(event, UInputCode::UI_FF_UPLOAD, _) => {
                let upload = self.device.process_ff_upload(event).ok()?;
                let id = u8::try_from(upload.effect_id()).ok()?;
                let effect = upload.effect();
                match effect.kind {
                    FFEffectKind::Rumble { strong_magnitude: strong, weak_magnitude: weak } => {
                        Some(FromProgram::Upload { id, strong, weak, length: effect.replay.length })
                    }
                    // The device says that it has no others.
                    _ => None,
                }
            }
            EventSummary::UInput(event, UInputCode::UI_FF_ERASE, _) => {
                let erase = self.device.process_ff_erase(event).ok()?;
                u8::try_from(erase.effect_id()).ok().map(FromProgram::Erase)
            }
            EventSummary::ForceFeedback(_, FFEffectCode(FF_GAIN), value) => {
                Some(FromProgram::Gain(value.clamp(0, 0xffff) as u16))
            }
            EventSummary::ForceFeedback(_, code, value) => {
                Some(FromProgram::Play { id: u8::try_from(code.0).ok()?, on: value > 0 })
            }
            _ => None,
        }
    }
}
