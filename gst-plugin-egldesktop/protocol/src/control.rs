//! Messages that the server sends on the data channel: JSON objects with `type` and `data`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use serde::Serialize;
use serde_json::json;

/// `{"type": "system", "data": {"action": …}}`, such as `encoder,x264enc` or `resolution,1920x1080`.
pub fn system(action: &str) -> String {
    json!({ "type": "system", "data": { "action": action } }).to_string()
}

/// `cursor`: the image of the pointer.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    /// The server's number of the image; the same number is the same image.
    pub serial: u32,
    /// The image as PNG; empty where the desktop shows no pointer.
    pub png: &'a [u8],
    /// The pixel of the image that points, from its left and top.
    pub hotspot: (u16, u16),
}

impl Cursor<'_> {
    /// The message.
    pub fn to_message(&self) -> String {
        let (x, y) = self.hotspot;
        let curdata = base64::engine::general_purpose::STANDARD.encode(self.png);
        let over = self.png.is_empty().then_some("none");
        json!({ "type": "cursor", "data": {
            "curdata": curdata, "handle": self.serial, "override": over, "hotspot": { "x": x, "y": y },
        }})
        .to_string()
    }
}

/// `{"type": "pipeline", "data": {"status": …}}`: a line for the user.
pub fn status(text: &str) -> String {
    json!({ "type": "pipeline", "data": { "status": text } }).to_string()
}

/// `{"type": "ping", "data": {"start_time": …}}`: to be answered by `pong`. The time is in seconds since 1970.
pub fn ping(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({ "type": "ping", "data": { "start_time": to_three_digits(since.as_secs_f64()) } }).to_string()
}

/// `{"type": "latency_measurement", "data": {"latency_ms": …}}`: how long a message takes to the client.
pub fn latency(one_way: Duration) -> String {
    let milliseconds = to_three_digits(one_way.as_secs_f64() * 1000.0);
    json!({ "type": "latency_measurement", "data": { "latency_ms": milliseconds } }).to_string()
}

/// `{"type": "video_clock", "data": {"rtp": …, "time": …}}`: the picture with this RTP timestamp was captured at this time, in
/// milliseconds since 1970; for browsers that do not know abs-capture-time. Extension.
pub fn video_clock(rtp: u32, captured: SystemTime) -> String {
    let since = captured.duration_since(UNIX_EPOCH).unwrap_or_default();
    let milliseconds = to_three_digits(since.as_secs_f64() * 1000.0);
    json!({ "type": "video_clock", "data": { "rtp": rtp, "time": milliseconds } }).to_string()
}

/// `{"type": "alive", "data": {}}`: the answer to `_alive`, which says nothing but that it has come. Extension.
pub fn alive() -> String {
    json!({ "type": "alive", "data": {} }).to_string()
}

/// As Selkies prints times.
fn to_three_digits(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// `{"type": "encoders", "data": {"current": …, "list": [{"name", "codec"}]}}`: the encoders that may be chosen; `codec` is
/// a MIME type such as `video/H264`. Extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoders<'a> {
    /// The one that runs.
    pub current: &'a str,
    /// Name and MIME type of each.
    pub list: &'a [(String, String)],
}

impl Encoders<'_> {
    /// The message.
    pub fn to_message(&self) -> String {
        let list = self.list.iter().map(|(name, codec)| json!({ "name": name, "codec": codec }));
        json!({ "type": "encoders", "data": { "current": self.current, "list": list.collect::<Vec<_>>() } }).to_string()
    }
}

/// `{"type": "gpu_stats", "data": …}`: what the GPU does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpuStatistics {
    /// From 0 to 1.
    pub load: f64,
    /// In bytes.
    pub memory_used: u64,
    /// In bytes; 0 where the GPU has no memory of its own.
    pub memory_total: u64,
}

impl GpuStatistics {
    /// The message; its memory is in MiB.
    pub fn to_message(&self) -> String {
        const MIB: u64 = 1024 * 1024;
        let (used, total) = (self.memory_used / MIB, self.memory_total / MIB);
        json!({ "type": "gpu_stats", "data": { "load": self.load, "memory_used": used, "memory_total": total } })
            .to_string()
    }
}

/// `{"type": "system_stats", "data": …}`: what the desktop's machine does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SystemStatistics {
    /// Load of all processors together, from 0 to 100.
    pub cpu_percent: f64,
    /// In bytes.
    pub memory_used: u64,
    /// In bytes.
    pub memory_total: u64,
}

impl SystemStatistics {
    /// The message.
    pub fn to_message(&self) -> String {
        let Self { cpu_percent, memory_used, memory_total } = self;
        let data = json!({ "cpu_percent": cpu_percent, "mem_total": memory_total, "mem_used": memory_used });
        json!({ "type": "system_stats", "data": data }).to_string()
    }
}

/// `{"type": "gamepad_rumble", "data": {"pad", "strong", "weak", "duration"}}`: a gamepad shall rumble. Extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rumble {
    /// The browser's number of it.
    pub pad: u8,
    /// The strong motor, of 65535.
    pub strong: u16,
    /// The weak motor, of 65535.
    pub weak: u16,
    /// Milliseconds at most, and until the next of these messages.
    pub duration: u32,
}

impl Rumble {
    /// The message; its motors are from 0 to 1.
    pub fn to_message(&self) -> String {
        let part = |level: u16| f64::from(level) / f64::from(u16::MAX);
        let (strong, weak) = (part(self.strong), part(self.weak));
        json!({ "type": "gamepad_rumble", "data": {
            "pad": self.pad, "strong": strong, "weak": weak, "duration": self.duration,
        }})
        .to_string()
    }
}

/// `{"type": "viewers", "data": …}`: who is connected, as one viewer may know it. Extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Viewers {
    /// The number of the viewer that this goes to.
    pub you: u64,
    /// Whether it controls the desktop.
    pub control: bool,
    /// Whether it may ask for control.
    pub may_control: bool,
    /// Whether asking is all it may do: who controls decides.
    pub must_ask: bool,
    /// Whether it has asked, and there is no answer yet.
    pub asks: bool,
    /// How many are connected, itself included.
    pub count: usize,
    /// All of them, for who controls; nobody else needs their addresses.
    pub list: Vec<ViewerEntry>,
}

/// A viewer in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewerEntry {
    /// What `_control,give,<id>` calls it.
    pub id: u64,
    /// Where it connects from.
    pub address: String,
    /// Whether it controls the desktop.
    pub control: bool,
    /// Whether control can be given to it.
    pub may_control: bool,
    /// Whether it has asked for control, and there is no answer yet.
    pub asks: bool,
}

impl Viewers {
    /// The message.
    pub fn to_message(&self) -> String {
        json!({ "type": "viewers", "data": self }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_selkies_clients_read_it() {
        assert_eq!(system("encoder,x264enc"), r#"{"data":{"action":"encoder,x264enc"},"type":"system"}"#);
        assert_eq!(status("Hello"), r#"{"data":{"status":"Hello"},"type":"pipeline"}"#);
    }

    #[test]
    fn ping_and_what_it_measures() {
        let now = UNIX_EPOCH + Duration::from_micros(12_500_400);
        assert_eq!(ping(now), r#"{"data":{"start_time":12.5},"type":"ping"}"#);
        let clock = video_clock(u32::MAX, UNIX_EPOCH + Duration::from_micros(1_500));
        assert_eq!(clock, r#"{"data":{"rtp":4294967295,"time":1.5},"type":"video_clock"}"#);
        let expected = r#"{"data":{"latency_ms":1.235},"type":"latency_measurement"}"#;
        assert_eq!(latency(Duration::from_nanos(1_234_900)), expected);
    }

    #[test]
    fn the_load_of_the_gpu() {
        let statistics = GpuStatistics { load: 0.25, memory_used: 512 << 20, memory_total: 8 << 30 };
        let expected = r#"{"data":{"load":0.25,"memory_total":8192,"memory_used":512},"type":"gpu_stats"}"#;
        assert_eq!(statistics.to_message(), expected);
    }

    #[test]
    fn the_load_of_the_machine() {
        let statistics = SystemStatistics { cpu_percent: 12.5, memory_used: 512, memory_total: 1024 };
        let expected = r#"{"data":{"cpu_percent":12.5,"mem_total":1024,"mem_used":512},"type":"system_stats"}"#;
        assert_eq!(statistics.to_message(), expected);
    }

    #[test]
    fn a_rumble() {
        let rumble = Rumble { pad: 1, strong: 65535, weak: 0, duration: 300 };
        let expected = r#"{"data":{"duration":300,"pad":1,"strong":1.0,"weak":0.0},"type":"gamepad_rumble"}"#;
        assert_eq!(rumble.to_message(), expected);
    }

    #[test]
    fn the_list_of_viewers() {
        let entry = ViewerEntry { id: 2, address: "::1".into(), control: true, may_control: true, asks: false };
        let list = vec![entry];
        let viewers =
            Viewers { you: 2, control: true, may_control: true, must_ask: false, asks: false, count: 1, list };
        let message: serde_json::Value = serde_json::from_str(&viewers.to_message()).unwrap();
        assert_eq!(message["type"], "viewers");
        assert_eq!(
            message["data"]["list"][0],
            json!({"id": 2, "address": "::1", "control": true, "may_control": true, "asks": false})
        );
    }
    #[test]
    fn a_cursor_without_an_image_is_hidden() {
        let cursor = Cursor { serial: 7, png: b"png", hotspot: (1, 2) };
        let shown = r#"{"data":{"curdata":"cG5n","handle":7,"hotspot":{"x":1,"y":2},"override":null},"type":"cursor"}"#;
        assert_eq!(cursor.to_message(), shown);
        let hidden = Cursor { png: b"", ..cursor }.to_message();
        assert!(hidden.contains(r#""override":"none""#), "{hidden}");
    }
}
