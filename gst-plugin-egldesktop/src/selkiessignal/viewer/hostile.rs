//! Answers and candidates of all kinds against a real webrtcbin: whatever a browser sends, the process goes on.

use std::sync::mpsc;
use std::time::Duration;

use gst::prelude::*;
use gst_webrtc::WebRTCSessionDescription;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::branch::{Branch, Numbers, Options};
use super::webrtcbin::WebRtcBin;
use super::{pipeline, sdp, transport};

pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A viewer that has made its offer.
struct Offering {
    pipeline: gst::Pipeline,
    webrtcbin: WebRtcBin,
    offer: Option<WebRTCSessionDescription>,
}

impl Offering {
    fn new() -> Self {
        // A misuse of GLib is an error here, not a line in a log.
        gst::glib::log_set_always_fatal(gst::glib::LogLevels::LEVEL_ERROR | gst::glib::LogLevels::LEVEL_CRITICAL);
        let pipeline = gst::Pipeline::new();
        let webrtcbin = WebRtcBin::new(&pipeline).unwrap();
        let video = gst::Caps::new_empty_simple("video/x-vp8");
        let audio = gst::Caps::new_empty_simple("audio/x-opus");
        for (caps, kind) in [(&video, "video"), (&audio, "audio")] {
            let options = Options { group: kind, share: None, numbers: Numbers::OURS };
            Branch::new(&pipeline, &webrtcbin, caps, kind, options).unwrap();
        }
        pipeline.set_state(gst::State::Ready).unwrap();
        webrtcbin.create_data_channel("input").unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let (sender, offers) = mpsc::channel();
        webrtcbin.create_offer(move |webrtcbin, offer| {
            webrtcbin.set_local_description(offer);
            let _ = sender.send(offer.clone());
        });
        let offer = offers.recv_timeout(PATIENCE).expect("no offer");
        Self { pipeline, webrtcbin, offer: Some(offer) }
    }

    /// What another webrtcbin answers.
    fn answer(&self) -> String {
        let pipeline = gst::Pipeline::new();
        let receiver = gst::ElementFactory::make("webrtcbin").property_from_str("bundle-policy", "max-bundle").build();
        let receiver = receiver.unwrap();
        pipeline.add(&receiver).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let offer = self.offer.clone().unwrap();
        let (sender, answers) = mpsc::channel();
        let answering = receiver.clone();
        let set = gst::Promise::with_change_func(move |_| {
            let made = gst::Promise::with_change_func(move |reply| {
                let answer = reply.unwrap().unwrap().get::<WebRTCSessionDescription>("answer").unwrap();
                let _ = sender.send(answer.sdp().as_text().unwrap());
            });
            answering.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &made]);
        });
        receiver.emit_by_name::<()>("set-remote-description", &[&offer, &set]);
        let answer = answers.recv_timeout(PATIENCE).expect("no answer");
        pipeline.set_state(gst::State::Null).unwrap();
        answer
    }

    /// Gives it an answer, and waits until webrtcbin has done with it. Whether it got there.
    fn take(&mut self, answer: &str) -> bool {
        let Ok(answer) = sdp::accept(self.offer.as_ref(), answer) else { return false };
        self.offer = None;
        self.webrtcbin.set_remote_description(&answer);
        // Done in order, on webrtcbin's own thread.
        self.webrtcbin.stats(PATIENCE).expect("webrtcbin hangs");
        true
    }
}

impl Drop for Offering {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// A change to a line of a text.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Delete,
    Double,
    Swap(usize),
    Number(String),
    Word(String),
    Cut(usize),
    Insert(String),
}

pub(super) fn change() -> impl Strategy<Value = (prop::sample::Index, Change)> {
    let value = prop_oneof!["-?[0-9]{1,20}", Just("0".to_owned()), Just("65536".to_owned())];
    let word = prop_oneof![
        Just("inactive".to_owned()),
        Just("sendrecv".to_owned()),
        Just("actpass".to_owned()),
        Just("holdconn".to_owned()),
        Just("audio".to_owned()),
        Just("application".to_owned()),
        Just("".to_owned()),
        "\\PC{0,300}",
    ];
    let change = prop_oneof![
        Just(Change::Delete),
        Just(Change::Double),
        (0..100_usize).prop_map(Change::Swap),
        value.prop_map(Change::Number),
        word.clone().prop_map(Change::Word),
        (0..80_usize).prop_map(Change::Cut),
        word.prop_map(|word| Change::Insert(format!("a={word}"))),
    ];
    (any::<prop::sample::Index>(), change)
}

pub(super) fn apply(text: &str, changes: &[(prop::sample::Index, Change)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (at, change) in changes {
        if lines.is_empty() {
            break;
        }
        let at = at.index(lines.len());
        match change {
            Change::Delete => drop(lines.remove(at)),
            Change::Double => lines.insert(at, lines[at].clone()),
            Change::Swap(other) => {
                let other = other % lines.len();
                lines.swap(at, other);
            }
            Change::Number(number) => {
                let start = lines[at].find(|char: char| char.is_ascii_digit()).unwrap_or(lines[at].len());
                let length = lines[at][start..].bytes().take_while(u8::is_ascii_digit).count();
                lines[at].replace_range(start..start + length, number);
            }
            Change::Word(word) => {
                let start = lines[at].find([':', ' ', '=']).map_or(0, |at| at + 1);
                lines[at].truncate(start);
                lines[at].push_str(word);
            }
            Change::Cut(length) => {
                let end = lines[at].char_indices().map(|(at, _)| at).nth(*length).unwrap_or(lines[at].len());
                lines[at].truncate(end);
            }
            Change::Insert(line) => lines.insert(at, line.clone()),
        }
    }
    lines.join("\r\n") + "\r\n"
}

#[test]
fn no_answer_ends_the_process() {
    gst::init().unwrap();
    let mut offering = Offering::new();
    let answer = offering.answer();
    assert!(offering.take(&answer), "a good answer is refused:\n{answer}");
    let mut taken = 0;
    let mut runner = proptest::test_runner::TestRunner::default();
    let changes = proptest::collection::vec(change(), 1..6);
    for _ in 0..300 {
        let changes = changes.new_tree(&mut runner).unwrap().current();
        // One that has its answer takes no other.
        if offering.offer.is_none() {
            offering = Offering::new();
        }
        taken += u32::from(offering.take(&apply(&answer, &changes)));
    }
    assert!(taken > 20, "only {taken} got as far as webrtcbin");
}

#[test]
fn nothing_is_counted_while_it_stops() {
    gst::init().unwrap();
    let answer = Offering::new().answer();
    for _ in 0..20 {
        let mut offering = Offering::new();
        assert!(offering.take(&answer));
        for _ in 0..50 {
            offering.webrtcbin.stats(Duration::ZERO);
        }
        offering.webrtcbin.end_stats();
        pipeline::stop(&offering.pipeline);
        assert_eq!(offering.webrtcbin.stats(PATIENCE), None);
    }
}

#[test]
fn no_candidate_ends_the_process() {
    gst::init().unwrap();
    let mut offering = Offering::new();
    let answer = offering.answer();
    assert!(offering.take(&answer));
    let good = "candidate:1 1 UDP 2015363327 127.0.0.1 9 typ host tcptype passive raddr 127.0.0.1 rport 5";
    let mut runner = proptest::test_runner::TestRunner::default();
    let changes = proptest::collection::vec((0..14_usize, "\\PC{0,40}"), 0..3);
    for mline in [0, 1, 2, 3, u32::MAX] {
        for _ in 0..60 {
            let mut words: Vec<String> = good.split(' ').map(str::to_owned).collect();
            for (at, word) in changes.new_tree(&mut runner).unwrap().current() {
                words[at] = word;
            }
            let candidate = words.join(" ");
            if transport::is_candidate(&candidate) {
                offering.webrtcbin.add_ice_candidate(mline, &candidate);
            }
        }
    }
    offering.webrtcbin.stats(PATIENCE).expect("webrtcbin hangs");
}
