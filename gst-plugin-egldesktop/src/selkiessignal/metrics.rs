//! What happens, in numbers: for Prometheus, and as the element's property `stats`.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gst::prelude::*;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use selkies_protocol::control::GpuStatistics;
use selkies_protocol::statistics::Statistics;

/// What Prometheus expects of the answer.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What viewers report themselves, under the names that Selkies has for it.
#[derive(Debug)]
pub(super) struct Reports {
    fps: Gauge<f64, AtomicU64>,
    fps_hist: Histogram,
    latency: Gauge<f64, AtomicU64>,
    refused: Counter,
    /// The last of all viewers, as labels.
    statistics: Mutex<BTreeMap<String, String>>,
}

/// The most labels of `webrtc_statistics`, which browsers choose the names of.
const MAX_LABELS: usize = 400;

/// What else [`Reports::print`] prints.
pub(super) struct Numbers<'a> {
    pub(super) streams: &'a [StreamStats],
    pub(super) viewers: &'a [ViewerStats],
    /// Where there is a GPU that tells.
    pub(super) gpu: Option<GpuStatistics>,
}

/// The numbers of one stream of the element.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamStats {
    /// `video` or `audio`.
    pub(super) kind: &'static str,
    /// Encoded frames that arrived.
    pub(super) frames: u64,
    /// Bytes of them.
    pub(super) bytes: u64,
    /// From the capture of the last frame to its arrival: conversion, queue and encoder.
    pub(super) delay: Duration,
}

/// The numbers of one viewer.
#[derive(Debug, Clone, Default)]
pub(super) struct ViewerStats {
    pub(super) id: u64,
    pub(super) control: bool,
    pub(super) packets_sent: u64,
    pub(super) bytes_sent: u64,
    /// As the browser reports; it can fall, when late packets arrive after all.
    pub(super) packets_lost: i64,
    /// Of the last report, 0 to 1.
    pub(super) fraction_lost: f64,
    pub(super) round_trip: Option<Duration>,
    /// Encoded frames that went to this viewer.
    pub(super) frames_sent: u64,
    /// Encoded frames that it missed because it was too slow, or waited for a keyframe.
    pub(super) frames_dropped: u64,
    /// Bytes that wait for this viewer.
    pub(super) queued: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ViewerLabels {
    viewer: u64,
    role: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StreamLabels {
    stream: &'static str,
}

impl Default for Reports {
    fn default() -> Self {
        let fps_hist = Histogram::new([0.0, 20.0, 40.0, 60.0]);
        Self {
            fps: Gauge::default(),
            fps_hist,
            latency: Gauge::default(),
            refused: Counter::default(),
            statistics: Mutex::default(),
        }
    }
}

impl Reports {
    /// Frames per second that a viewer shows.
    pub(super) fn framerate(&self, fps: f64) {
        self.fps.set(fps);
        self.fps_hist.observe(fps);
    }

    /// Delay that a viewer sees, in milliseconds.
    pub(super) fn latency(&self, milliseconds: f64) {
        self.latency.set(milliseconds);
    }

    /// A message of a viewer was none that can be acted on.
    pub(super) fn refused(&self) {
        self.refused.inc();
    }

    /// What a viewer measures of the connection with its picture.
    pub(super) fn statistics(&self, statistics: &Statistics) {
        let labels = statistics.fields.iter().take(MAX_LABELS);
        let labels = labels.map(|(name, value)| (label(name), label_value(value))).collect();
        *self.statistics.lock().unwrap_or_else(PoisonError::into_inner) = labels;
    }

    /// Everything as Prometheus reads it.
    pub(super) fn print(&self, numbers: &Numbers) -> Result<String, std::fmt::Error> {
        let Numbers { streams, viewers, gpu } = *numbers;
        let mut registry = Registry::default();
        registry.register("fps", "Frames per second that a client reports", self.fps.clone());
        registry.register("fps_hist", "Histogram of fps", self.fps_hist.clone());
        registry.register("latency", "Delay that a client reports, in milliseconds", self.latency.clone());
        let labels = self.statistics.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !labels.is_empty() {
            let labels: Vec<_> = labels.into_iter().collect();
            registry.register("webrtc_statistics", "WebRTC statistics that a client reports", Info::new(labels));
        }
        if let Some(gpu) = gpu {
            let load = Gauge::<f64, AtomicU64>::default();
            load.set(gpu.load * 100.0);
            registry.register("gpu_utilization", "Load of the GPU, in per cent", load);
        }
        let ours = registry.sub_registry_with_prefix("egldesktop");
        if let Some(gpu) = gpu {
            add_gpu_memory(ours, gpu);
        }
        let connected = Gauge::<i64>::default();
        connected.set(viewers.len() as i64);
        ours.register("viewers", "Connections of viewers", connected);
        ours.register("messages_refused", "Messages of clients that were malformed or unknown", self.refused.clone());
        add_streams(ours, streams);
        add_viewers(ours, viewers);

        let mut text = String::new();
        encode(&mut text, &registry).map(|()| text)
    }
}

/// A name as Prometheus allows it.
fn label(name: &str) -> String {
    let first = if name.starts_with(|char: char| char.is_ascii_alphabetic()) { "" } else { "x_" };
    let plain = name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' });
    first.chars().chain(plain).collect()
}

/// The crate writes values as they are; a browser's could end the label, and begin a metric of its own.
fn label_value(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn add_gpu_memory(registry: &mut Registry, gpu: GpuStatistics) {
    for (name, help, bytes) in [
        ("gpu_memory_used", "Memory of the GPU in use", gpu.memory_used),
        ("gpu_memory", "Memory of the GPU; 0 where it has none of its own", gpu.memory_total),
    ] {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(bytes as f64);
        registry.register_with_unit(name, help, Unit::Bytes, gauge);
    }
}

fn add_streams(registry: &mut Registry, streams: &[StreamStats]) {
    let (frames, bytes) = (Family::<StreamLabels, Counter>::default(), Family::<StreamLabels, Counter>::default());
    let delay = Family::<StreamLabels, Gauge<f64, AtomicU64>>::default();
    for stats in streams {
        let labels = StreamLabels { stream: stats.kind };
        frames.get_or_create(&labels).inc_by(stats.frames);
        bytes.get_or_create(&labels).inc_by(stats.bytes);
        delay.get_or_create(&labels).set(stats.delay.as_secs_f64());
    }
    registry.register("encoded_frames", "Encoded frames", frames);
    registry.register_with_unit("encoded", "Encoded data", Unit::Bytes, bytes);
    let help = "From the capture of the last frame to its encoded form: conversion, queue and encoder";
    registry.register_with_unit("encode_delay", help, Unit::Seconds, delay);
}

fn add_viewers(registry: &mut Registry, viewers: &[ViewerStats]) {
    let counter = Family::<ViewerLabels, Counter>::default;
    let gauge = Family::<ViewerLabels, Gauge<f64, AtomicU64>>::default;
    let (packets, bytes, frames, dropped) = (counter(), counter(), counter(), counter());
    let (lost, loss, round_trip, queued) = (gauge(), gauge(), gauge(), gauge());
    for stats in viewers {
        let role = if stats.control { "controller" } else { "viewer" };
        let labels = ViewerLabels { viewer: stats.id, role };
        packets.get_or_create(&labels).inc_by(stats.packets_sent);
        bytes.get_or_create(&labels).inc_by(stats.bytes_sent);
        frames.get_or_create(&labels).inc_by(stats.frames_sent);
        dropped.get_or_create(&labels).inc_by(stats.frames_dropped);
        lost.get_or_create(&labels).set(stats.packets_lost as f64);
        loss.get_or_create(&labels).set(stats.fraction_lost);
        queued.get_or_create(&labels).set(stats.queued as f64);
        if let Some(time) = stats.round_trip {
            round_trip.get_or_create(&labels).set(time.as_secs_f64());
        }
    }
    registry.register("viewer_packets_sent", "RTP packets sent", packets);
    registry.register_with_unit("viewer_sent", "RTP payload sent", Unit::Bytes, bytes);
    registry.register("viewer_frames_sent", "Encoded frames handed to the viewer's own pipeline", frames);
    let help = "Encoded frames that the viewer missed: it was too slow, or waited for a keyframe";
    registry.register("viewer_frames_dropped", help, dropped);
    registry.register("viewer_packets_lost", "Packets that the viewer misses (RFC 3550)", lost);
    registry.register_with_unit("viewer_loss", "Part of the packets lost since the last report", Unit::Ratios, loss);
    registry.register_with_unit("viewer_round_trip", "Round-trip time", Unit::Seconds, round_trip);
    registry.register_with_unit("viewer_queued", "What waits to be sent", Unit::Bytes, queued);
}

/// The same as a structure, for the property `stats`.
pub(super) fn structure(streams: &[StreamStats], viewers: &[ViewerStats]) -> gst::Structure {
    let streams = streams.iter().map(|stats| {
        gst::Structure::builder(stats.kind)
            .field("frames", stats.frames)
            .field("bytes", stats.bytes)
            .field("delay", time(stats.delay))
            .build()
            .to_send_value()
    });
    let viewers = viewers.iter().map(|stats| {
        gst::Structure::builder("viewer")
            .field("id", stats.id)
            .field("control", stats.control)
            .field("packets-sent", stats.packets_sent)
            .field("bytes-sent", stats.bytes_sent)
            .field("packets-lost", stats.packets_lost)
            .field("fraction-lost", stats.fraction_lost)
            .field("round-trip-time", stats.round_trip.map(time))
            .field("frames-sent", stats.frames_sent)
            .field("frames-dropped", stats.frames_dropped)
            .field("queued-bytes", stats.queued)
            .build()
            .to_send_value()
    });
    gst::Structure::builder("application/x-selkiessignal-stats")
        .field("streams", gst::Array::from_values(streams))
        .field("viewers", gst::Array::from_values(viewers))
        .build()
}

fn time(duration: Duration) -> gst::ClockTime {
    gst::ClockTime::try_from(duration).unwrap_or(gst::ClockTime::MAX)
}

/// Adds what webrtcbin says to a viewer's numbers. Video counts, where there is any; else sound.
pub(super) fn read_webrtc(stats: &mut ViewerStats, reply: &gst::StructureRef) {
    for (_, value) in reply.iter() {
        let Ok(entry) = value.get::<gst::Structure>() else { continue };
        match entry.get::<gst_webrtc::WebRTCStatsType>("type") {
            Ok(gst_webrtc::WebRTCStatsType::OutboundRtp) => {
                stats.packets_sent += integer(&entry, "packets-sent") as u64;
                stats.bytes_sent += integer(&entry, "bytes-sent") as u64;
            }
            Ok(gst_webrtc::WebRTCStatsType::RemoteInboundRtp) => {
                stats.packets_lost += integer(&entry, "packets-lost");
                let fraction: f64 = entry.get("fraction-lost").unwrap_or_default();
                stats.fraction_lost = stats.fraction_lost.max(fraction);
                let trip = entry.get::<f64>("round-trip-time").ok().and_then(|it| Duration::try_from_secs_f64(it).ok());
                stats.round_trip = stats.round_trip.max(trip.filter(|trip| !trip.is_zero()));
            }
            _ => {}
        }
    }
}

/// webrtcbin's counters have several types. Negative only where that means something.
fn integer(entry: &gst::StructureRef, name: &str) -> i64 {
    let wide = entry.get::<u64>(name).map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    let number = wide.or_else(|_| entry.get::<i64>(name));
    let number = number.or_else(|_| entry.get::<u32>(name).map(i64::from));
    number.or_else(|_| entry.get::<i32>(name).map(i64::from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use selkies_protocol::statistics::Medium;

    #[test]
    fn prometheus_gets_the_names_of_selkies_and_ours() {
        let reports = Reports::default();
        reports.framerate(59.0);
        reports.latency(12.5);
        let stream = StreamStats { kind: "video", frames: 3, bytes: 1000, delay: Duration::from_millis(5) };
        let viewer = ViewerStats { id: 7, control: true, frames_dropped: 2, ..ViewerStats::default() };
        let fields = [("inbound-rtp.kind", "video"), ("codec-C1.mimeType", "a\"b"), ("9", "x")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        reports.statistics(&Statistics { medium: Medium::Video, fields });
        let gpu = Some(GpuStatistics { load: 0.25, memory_used: 1 << 20, memory_total: 1 << 30 });
        let text = reports.print(&Numbers { streams: &[stream], viewers: &[viewer], gpu }).unwrap();
        for line in [
            "fps 59.0",
            "fps_hist_bucket{le=\"60.0\"} 1",
            "latency 12.5",
            "gpu_utilization 25.0",
            "egldesktop_gpu_memory_used_bytes 1048576.0",
            "webrtc_statistics_info{codec_C1_mimeType=\"a\\\"b\",inbound_rtp_kind=\"video\",x_9=\"x\"} 1",
            "egldesktop_viewers 1",
            "egldesktop_encoded_frames_total{stream=\"video\"} 3",
            "egldesktop_encode_delay_seconds{stream=\"video\"} 0.005",
            "egldesktop_viewer_frames_dropped_total{viewer=\"7\",role=\"controller\"} 2",
            "# EOF",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
        let none = Reports::default().print(&Numbers { streams: &[], viewers: &[], gpu: None }).unwrap();
        assert!(!none.contains("gpu") && !none.contains("webrtc_statistics"), "{none}");
        // Not measured is not zero.
        assert!(!text.lines().any(|it| it.starts_with("egldesktop_viewer_round_trip_seconds{")), "{text}");
    }
}
