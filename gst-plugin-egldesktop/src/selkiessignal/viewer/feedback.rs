//! Between one viewer's RTP stream and the congestion control: what the browser says about the packets it got goes in;
//! probes, and frames that do not fit, come out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gst::glib;
use gst::prelude::*;

use super::CAT;
use super::gate::Gate;
use super::retransmission::Repairs;
use super::webrtcbin::WebRtcBin;
use crate::selkiessignal::congestion::{Estimator, Report, Share, Verdict};

/// What a viewer starts with, in bit/s; a probe with the second feedback finds what there is.
const START: u64 = 4_000_000;
/// rtprtxsend has the last 500 packets in webrtcbin.
const RETRANSMITTABLE: u64 = 400;
/// What rtprtxsend is asked with, and the field that marks our own requests.
const REQUEST: &str = "GstRTPRetransmissionRequest";
const PROBE: &str = "probe";
/// Smaller packets are not worth sending for their size, in bytes.
const WORTH: usize = 500;
/// A probe sends no more packets than this, whatever size they have.
const MAX_PROBE: usize = 64;

/// See the module.
pub(super) struct Feedback {
    share: Share,
    webrtcbin: glib::WeakRef<gst::Element>,
    ssrc: u32,
    estimator: Mutex<Estimator>,
    sent: Mutex<Sent>,
    gate: Mutex<Gate>,
    repairs: Mutex<Repairs>,
}

/// Which packets can be sent once more.
#[derive(Default)]
struct Sent {
    count: u64,
    /// Which of them it was, its sequence number, and its size.
    large: VecDeque<(u64, u16, usize)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock of the times in feedback.
fn now() -> Duration {
    gst::SystemClock::obtain().time().into()
}

impl Feedback {
    pub(super) fn new(share: Share, webrtcbin: &WebRtcBin, ssrc: u32) -> Arc<Self> {
        let estimator = Estimator::new(share.limits(), START);
        share.set(estimator.estimate());
        Arc::new(Self {
            share,
            webrtcbin: webrtcbin.downgrade(),
            ssrc,
            estimator: Mutex::new(estimator),
            sent: Mutex::default(),
            gate: Mutex::default(),
            repairs: Mutex::default(),
        })
    }

    /// Watches the encoded frames that leave `frames`, and the packets that leave `packets`.
    pub(super) fn watch(self: &Arc<Self>, frames: &gst::Pad, packets: &gst::Pad) {
        let this = self.clone();
        frames.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_UPSTREAM, move |pad, info| {
            match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => this.frame(pad, buffer),
                Some(gst::PadProbeData::Event(event)) => this.request(event),
                _ => gst::PadProbeReturn::Ok,
            }
        });
        let this = self.clone();
        let both = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
        packets.add_probe(both | gst::PadProbeType::EVENT_UPSTREAM, move |pad, info| {
            match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => lock(&this.sent).add(buffer),
                Some(gst::PadProbeData::BufferList(list)) => {
                    let mut sent = lock(&this.sent);
                    list.iter().for_each(|buffer| sent.add(buffer));
                }
                Some(gst::PadProbeData::Event(event)) => this.event(pad, event),
                _ => {}
            }
            gst::PadProbeReturn::Ok
        });
    }

    /// Looks at what the browser asks to be sent again; to be called once the answer has been set.
    pub(super) fn limit_repairs(self: &Arc<Self>) {
        let Some(sender) = self.retransmission_pad() else { return };
        let this = Arc::downgrade(self);
        sender.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            let request = info.event().and_then(|event| event.structure()).filter(|request| request.name() == REQUEST);
            let (Some(this), Some(request)) = (this.upgrade(), request) else { return gst::PadProbeReturn::Ok };
            let seqnum = request.get("seqnum").unwrap_or_default();
            let estimate = lock(&this.estimator).estimate();
            let allowed = request.has_field(PROBE) || lock(&this.repairs).allow(now(), seqnum, estimate);
            if allowed { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Handled }
        });
    }

    /// The viewer acts: the encoder is to follow its network.
    pub(super) fn lead(&self) {
        self.share.lead();
    }

    fn frame(&self, pad: &gst::Pad, frame: &gst::BufferRef) -> gst::PadProbeReturn {
        let now = now();
        let (probe, estimate) = {
            let mut estimator = lock(&self.estimator);
            (estimator.probe(now), estimator.estimate())
        };
        if let Some(bytes) = probe {
            self.send_probe(bytes);
        }
        // The encoder follows the network of who leads, so there everything fits.
        if self.share.leads() {
            *lock(&self.gate) = Gate::default();
            return gst::PadProbeReturn::Ok;
        }
        let is_keyframe = !frame.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let verdict = lock(&self.gate).admit(now, frame.size(), is_keyframe, estimate);
        if verdict == Verdict::DropAndAsk {
            ask_for_keyframe(pad);
        }
        if verdict == Verdict::Send { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Drop }
    }

    /// A browser that misses frames asks for a keyframe again and again: the gate asks when one can be sent.
    fn request(&self, event: &gst::EventRef) -> gst::PadProbeReturn {
        let is_request = gst_video::UpstreamForceKeyUnitEvent::parse(event).is_ok();
        if is_request && lock(&self.gate).is_closed() { gst::PadProbeReturn::Handled } else { gst::PadProbeReturn::Ok }
    }

    /// rtpsession sends what the browser has told upstream.
    fn event(&self, pad: &gst::Pad, event: &gst::EventRef) {
        let Some(packets) = event.structure().filter(|structure| structure.name() == "RTPTWCCPackets") else { return };
        let Ok(packets) = packets.get::<glib::ValueArray>("packets") else { return };
        let reports: Vec<_> = packets.iter().filter_map(report).collect();
        let changed = {
            let mut estimator = lock(&self.estimator);
            estimator.set_limits(self.share.limits());
            estimator.feedback(now(), &reports).then(|| estimator.estimate())
        };
        if let Some(estimate) = changed {
            gst::log!(CAT, "the network carries {} kbit/s", estimate / 1000);
            self.share.set(estimate);
        }
        // After the estimate, so that the keyframe is one that fits.
        if lock(&self.repairs).needs_keyframe(now()) {
            ask_for_keyframe(pad);
        }
    }

    fn retransmission_pad(&self) -> Option<gst::Pad> {
        WebRtcBin::retransmission_pad(&self.webrtcbin.upgrade()?)
    }

    /// Sends packets that were sent already once more, as if the browser had asked for them: it discards them.
    fn send_probe(&self, bytes: usize) {
        let Some(sender) = self.retransmission_pad() else { return };
        let packets = lock(&self.sent).large.iter().rev().map(|(_, seqnum, size)| (*seqnum, *size)).collect::<Vec<_>>();
        let mut left = bytes;
        for (seqnum, size) in packets.iter().cycle().take(MAX_PROBE) {
            let request = gst::Structure::builder(REQUEST)
                .field(PROBE, true)
                .field("seqnum", u32::from(*seqnum))
                .field("ssrc", self.ssrc)
                .build();
            sender.send_event(gst::event::CustomUpstream::new(request));
            left = left.saturating_sub(*size);
            if left == 0 {
                break;
            }
        }
    }
}

/// Through this source pad.
fn ask_for_keyframe(pad: &gst::Pad) {
    pad.send_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
}

impl Sent {
    fn add(&mut self, packet: &gst::BufferRef) {
        self.count += 1;
        let mut header = [0; 4];
        // The sequence number is in the third and fourth byte (RFC 3550 §5.1).
        if packet.size() >= WORTH && packet.copy_to_slice(0, &mut header).is_ok() {
            self.large.push_back((self.count, u16::from_be_bytes([header[2], header[3]]), packet.size()));
        }
        while self.large.len() > MAX_PROBE
            || self.large.front().is_some_and(|(number, ..)| number + RETRANSMITTABLE < self.count)
        {
            self.large.pop_front();
        }
    }
}

/// A packet of `RTPTWCCPackets`; `None` where it says nothing.
fn report(value: &glib::Value) -> Option<Report> {
    let packet = value.get::<gst::Structure>().ok()?;
    let time = |name| packet.get::<u64>(name).ok().filter(|time| *time != u64::MAX).map(Duration::from_nanos);
    let lost = packet.get::<bool>("lost").ok()?;
    let arrived = time("remote-ts").filter(|_| !lost);
    if arrived.is_none() && !lost {
        return None;
    }
    Some(Report { sent: time("local-ts")?, arrived, size: packet.get("size").ok()? })
}
