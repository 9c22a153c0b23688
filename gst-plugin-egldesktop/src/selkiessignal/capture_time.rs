//! The RTP header extension that says when a frame was captured.
//!
//! <http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time>: eight bytes, the time as NTP has it (RFC 5905), on
//! the first packet of each frame. Browsers tell it by `requestVideoFrameCallback`, and so the delay from the desktop
//! to the eye.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use gst_rtp::RTPHeaderExtensionFlags;
use gst_rtp::prelude::*;
use gst_rtp::subclass::prelude::*;

/// From 1900, where NTP counts from, to 1970, in seconds.
const NTP_EPOCH: u64 = 2_208_988_800;

mod imp {
    use super::*;

    /// See the module.
    #[derive(Default)]
    pub struct CaptureTime {
        /// Clock and base time of the pipeline, to read time stamps by.
        pub(super) clock: OnceLock<(gst::Clock, gst::ClockTime)>,
        /// Where frames come in, and what their time stamps count from: encoders may shift these.
        pub(super) input: glib::WeakRef<gst::Pad>,
        last: Mutex<Option<gst::ClockTime>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for CaptureTime {
        const NAME: &'static str = "GstSelkiesCaptureTime";
        type Type = super::CaptureTime;
        type ParentType = gst_rtp::RTPHeaderExtension;
    }

    impl ObjectImpl for CaptureTime {}
    impl GstObjectImpl for CaptureTime {}

    impl ElementImpl for CaptureTime {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            use std::sync::LazyLock;
            static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                gst::subclass::ElementMetadata::new(
                    "Absolute capture time",
                    gst_rtp::RTP_HDREXT_ELEMENT_CLASS,
                    "Tells the receiver when each frame was captured",
                    "The egldesktop authors",
                )
            });
            Some(&METADATA)
        }
    }

    impl RTPHeaderExtensionImpl for CaptureTime {
        const URI: &'static str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

        fn supported_flags(&self) -> RTPHeaderExtensionFlags {
            RTPHeaderExtensionFlags::ONE_BYTE | RTPHeaderExtensionFlags::TWO_BYTE
        }

        fn max_size(&self, _input: &gst::BufferRef) -> usize {
            8
        }

        fn write(
            &self,
            input: &gst::BufferRef,
            _flags: RTPHeaderExtensionFlags,
            _output: &gst::BufferRef,
            data: &mut [u8],
        ) -> Result<usize, gst::LoggableError> {
            let Some((clock, base_time)) = self.clock.get() else { return Ok(0) };
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(pts) = input.pts().filter(|pts| *last != Some(*pts)) else { return Ok(0) };
            *last = Some(pts);
            let segment = self.input.upgrade().and_then(|pad| pad.sticky_event::<gst::event::Segment>(0));
            let captured = segment.and_then(|event| super::of(pts, event.segment(), clock, *base_time));
            let Some(captured) = captured else { return Ok(0) };
            data[..8].copy_from_slice(&ntp(captured).to_be_bytes());
            Ok(8)
        }
    }
}

glib::wrapper! {
    /// The header extension.
    pub struct CaptureTime(ObjectSubclass<imp::CaptureTime>)
        @extends gst_rtp::RTPHeaderExtension, gst::Element, gst::Object;
}

impl CaptureTime {
    /// What the extension is called in SDP.
    pub(super) fn uri() -> &'static str {
        imp::CaptureTime::URI
    }

    /// With the local identifier `id` (RFC 8285), 1 to 14, for frames of a pipeline with this clock and base time, which come
    /// in through `input`, a pad of the payloader.
    pub(super) fn new(id: u32, clock: gst::Clock, base_time: gst::ClockTime, input: &gst::Pad) -> Self {
        let extension: Self = glib::Object::new();
        extension.set_id(id);
        // It is new, so nothing is there yet.
        let _ = extension.imp().clock.set((clock, base_time));
        extension.imp().input.set(Some(input));
        extension
    }
}

/// When a frame with this time stamp was captured, in a pipeline with this clock and base time. Encoders may shift time
/// stamps; the segment shifts them back. `None` for a frame outside of it.
pub(super) fn of(
    pts: gst::ClockTime,
    segment: &gst::Segment,
    clock: &gst::Clock,
    base_time: gst::ClockTime,
) -> Option<SystemTime> {
    let time = segment.downcast_ref::<gst::ClockTime>()?.to_running_time(pts)?;
    let age = clock.time().saturating_sub(base_time + time);
    SystemTime::now().checked_sub(age.into())
}

/// Seconds since 1900 and their fraction, 32 bits each.
fn ntp(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    (since.as_secs() + NTP_EPOCH) << 32 | fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// x264enc lets time stamps begin at 1000 hours.
    #[test]
    fn a_frame_is_as_old_as_the_way_to_the_payloader_is_long() {
        const WAY: Duration = Duration::from_millis(200);
        gst::init().unwrap();
        let launch = "videotestsrc is-live=true ! video/x-raw,width=64,height=64 ! identity sleep-time=200000 !
             x264enc tune=zerolatency ! rtph264pay name=payloader ! appsink name=sink sync=false";
        let pipeline = gst::parse::launch(launch).unwrap().downcast::<gst::Pipeline>().unwrap();
        let clock = gst::SystemClock::obtain();
        pipeline.use_clock(Some(&clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        let base_time = clock.time();
        pipeline.set_base_time(base_time);
        let payloader = pipeline.by_name("payloader").unwrap();
        let input = payloader.static_pad("sink").unwrap();
        payloader.emit_by_name::<()>("add-extension", &[&CaptureTime::new(2, clock, base_time, &input)]);
        pipeline.set_state(gst::State::Playing).unwrap();
        let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
        let packet = sink.pull_sample().unwrap().buffer_owned().unwrap();
        let now = ntp(SystemTime::now());
        let packet = gst_rtp::RTPBuffer::from_buffer_readable(&packet).unwrap();
        let captured = u64::from_be_bytes(packet.extension_onebyte_header(2, 0).unwrap().try_into().unwrap());
        let age = Duration::from_nanos(((u128::from(now - captured) * 1_000_000_000) >> 32) as u64);
        assert!(age >= WAY, "{age:?}");
        pipeline.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn time_as_ntp_counts_it() {
        assert_eq!(ntp(UNIX_EPOCH), NTP_EPOCH << 32);
        assert_eq!(ntp(UNIX_EPOCH + Duration::from_millis(1500)), (NTP_EPOCH + 1) << 32 | 1 << 31);
    }
}
