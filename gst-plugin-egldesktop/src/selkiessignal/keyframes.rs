//! Requests for keyframes, on their way from all viewers to the one encoder.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;

use crate::events;

/// The least time between two keyframes that viewers ask for: each costs the bandwidth of many frames, and viewers
/// that join or lose packets together ask together.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);

/// What was asked for.
#[derive(Default)]
struct Requests {
    /// When the encoder was asked last.
    last: Option<Instant>,
    /// Came too soon after that. It waits for the interval to end, or for a keyframe that serves it as well.
    waiting: Option<gst::Event>,
}

/// What is to be done about a request.
#[derive(Debug, PartialEq)]
enum Turn {
    Now,
    /// After so long.
    Later(Duration),
    /// With another one, which waits already.
    Together,
}

impl Requests {
    fn arrive(&mut self, event: &gst::Event, now: Instant) -> Turn {
        let left = self.last.and_then(|last| (last + INTERVAL).checked_duration_since(now)).unwrap_or_default();
        if left.is_zero() {
            (self.last, self.waiting) = (Some(now), None);
            return Turn::Now;
        }
        match self.waiting.replace(event.clone()) {
            Some(_) => Turn::Together,
            None => Turn::Later(left),
        }
    }
}

/// Lets at most one request through `pad`, the sink pad of an encoded stream, per [`INTERVAL`], and follows each with a
/// request for a picture: a source that is silent while nothing changes would leave the encoder without a frame to
/// encode. None is lost: who asks too soon is served at the end of the interval, or by the keyframe that comes before.
pub(super) fn coalesce(pad: &gst::Pad) {
    let requests = Arc::new(Mutex::new(Requests::default()));
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM | gst::PadProbeType::BUFFER, move |pad, info| {
        let lock = || requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(buffer) = info.buffer() {
            if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
                lock().waiting = None;
            }
            return gst::PadProbeReturn::Ok;
        }
        let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
        if gst_video::UpstreamForceKeyUnitEvent::parse(event).is_err() {
            return gst::PadProbeReturn::Ok;
        }
        let turn = lock().arrive(event, Instant::now());
        match turn {
            Turn::Now => ask(pad, event),
            Turn::Later(left) => ask_later(pad, &requests, left),
            Turn::Together => {}
        }
        gst::PadProbeReturn::Handled
    });
}

/// Asks for what waits then, if anything still does.
fn ask_later(pad: &gst::Pad, requests: &Arc<Mutex<Requests>>, left: Duration) {
    let clock = gst::SystemClock::obtain();
    let end = clock.time() + gst::ClockTime::try_from(left).unwrap_or(gst::ClockTime::ZERO);
    let (pad, for_timer) = (pad.downgrade(), requests.clone());
    let asked = clock.new_single_shot_id(end).wait_async(move |_, _, _| {
        let event = {
            let mut requests = for_timer.lock().unwrap_or_else(PoisonError::into_inner);
            requests.waiting.take().inspect(|_| requests.last = Some(Instant::now()))
        };
        if let (Some(pad), Some(event)) = (pad.upgrade(), event) {
            ask(&pad, &event);
        }
    });
    // Without a timer nothing may wait for it.
    if asked.is_err() {
        requests.lock().unwrap_or_else(PoisonError::into_inner).waiting = None;
    }
}

fn ask(pad: &gst::Pad, event: &gst::Event) {
    // In this order: the encoder must know before the picture comes.
    if let Some(peer) = pad.peer() {
        peer.send_event(event.clone());
        peer.send_event(events::refresh());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn request() -> gst::Event {
        gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build()
    }

    /// An encoder of straw, a stream that is asked, and when the encoder was asked for keyframes.
    fn stream() -> (gst::Pad, gst::Pad, Receiver<Instant>) {
        gst::init().expect("no GStreamer");
        let (sender, asked) = channel();
        let encoder = gst::Pad::builder(gst::PadDirection::Src)
            .event_function(move |_, _, event| {
                if gst_video::UpstreamForceKeyUnitEvent::parse(&event).is_ok() {
                    let _ = sender.send(Instant::now());
                }
                true
            })
            .build();
        let sink =
            gst::Pad::builder(gst::PadDirection::Sink).chain_function(|_, _, _| Ok(gst::FlowSuccess::Ok)).build();
        for pad in [&encoder, &sink] {
            pad.set_active(true).expect("a pad that does not start");
        }
        encoder.link(&sink).expect("no link");
        encoder.push_event(gst::event::StreamStart::new("stream"));
        encoder.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        coalesce(&sink);
        (encoder, sink, asked)
    }

    #[test]
    fn many_at_once_are_two_and_the_second_waits_for_its_turn() {
        let (_encoder, sink, asked) = stream();
        for _ in 0..20 {
            sink.push_event(request());
        }
        let first = asked.recv_timeout(SOON).expect("not asked");
        let second = asked.recv_timeout(SOON).expect("the second is lost");
        assert!(second - first >= INTERVAL - Duration::from_millis(5), "{:?}", second - first);
        // Of all that wait, one is left.
        assert!(asked.try_recv().is_err());
    }

    #[test]
    fn a_keyframe_serves_who_waits() {
        let (encoder, sink, asked) = stream();
        sink.push_event(request());
        asked.recv_timeout(SOON).expect("not asked");
        sink.push_event(request());
        encoder.push(gst::Buffer::new()).expect("not taken");
        // A whole interval and more, in which nothing is asked.
        assert!(asked.recv_timeout(INTERVAL * 2).is_err());
    }

    #[test]
    fn a_delta_frame_serves_nobody() {
        let (encoder, sink, asked) = stream();
        sink.push_event(request());
        asked.recv_timeout(SOON).expect("not asked");
        sink.push_event(request());
        let mut buffer = gst::Buffer::new();
        buffer.make_mut().set_flags(gst::BufferFlags::DELTA_UNIT);
        encoder.push(buffer).expect("not taken");
        asked.recv_timeout(SOON).expect("the second is lost");
    }

    #[test]
    fn one_that_comes_late_is_not_held() {
        let mut requests = Requests::default();
        gst::init().expect("no GStreamer");
        let start = Instant::now();
        assert_eq!(requests.arrive(&request(), start), Turn::Now);
        assert_eq!(requests.arrive(&request(), start + INTERVAL / 5), Turn::Later(INTERVAL * 4 / 5));
        assert_eq!(requests.arrive(&request(), start + INTERVAL / 4), Turn::Together);
        assert_eq!(requests.arrive(&request(), start + INTERVAL), Turn::Now);
        assert!(requests.waiting.is_none(), "served by the one that came in time");
    }
}
