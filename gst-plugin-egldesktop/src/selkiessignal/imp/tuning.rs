//! What is wished of the encoder, by viewers and by the network, and what its owner tells.

use std::sync::Arc;

use gst::subclass::prelude::*;
use selkies_protocol::control::GpuStatistics;

use super::super::congestion::Control;
use super::super::encoders::Encoders;
use super::super::settings::Tuning;
use super::{SelkiesSignal, lock};

impl SelkiesSignal {
    pub(super) fn tune(&self, change: impl FnOnce(&mut Tuning)) {
        self.tuning.send_if_modified(|tuning| {
            let before = *tuning;
            change(tuning);
            *tuning != before
        });
        let most = self.tuning.borrow().most();
        if let Some(control) = self.congestion() {
            control.set_most(most);
        }
        self.obj().notify_target_video_bitrate();
        self.obj().notify_target_framerate();
    }

    pub(super) fn congestion(&self) -> Option<Arc<Control>> {
        lock(&self.running).as_ref().and_then(|running| running.hub.congestion().cloned())
    }

    /// What the encoder is to be set to.
    pub(super) fn target(&self) -> Tuning {
        let wanted = *self.tuning.borrow();
        let Some(target) = self.congestion().map(|control| control.target()) else { return wanted };
        let carried = u32::try_from(target.bitrate / 1000).unwrap_or(u32::MAX);
        let framerate = (f64::from(wanted.framerate) * target.framerate).ceil() as u32;
        Tuning { video_bitrate: carried.min(wanted.video_bitrate), framerate, ..wanted }
    }

    pub(super) fn offer_encoders(&self, text: &str) {
        let offered = Encoders::parse_offers(text);
        self.encoders.send_if_modified(|encoders| {
            let is_new = encoders.offered != offered;
            encoders.offered = offered;
            is_new
        });
    }

    pub(super) fn set_gpu_statistics(&self, text: Option<String>) {
        self.gpu.send_replace(text.and_then(|text| {
            let structure: gst::Structure = text.parse().ok()?;
            let memory = |name| structure.get::<u64>(name).ok();
            Some(GpuStatistics {
                load: structure.get("load").ok()?,
                memory_used: memory("memory-used")?,
                memory_total: memory("memory-total")?,
            })
        }));
    }
}
