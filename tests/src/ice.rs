//! The way that WebRTC has found in Chromium, and the ways that it was offered.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::chromium::Chromium;

/// Keeps the page's connection, and what it is offered.
const WATCH: &str = "window.offered = [];
    const add = RTCPeerConnection.prototype.addIceCandidate;
    RTCPeerConnection.prototype.addIceCandidate = function (candidate) {
        window.connection = this;
        window.offered.push(candidate.candidate);
        return add.call(this, candidate);
    };";

/// The remote candidate of the pair that is used (<https://www.w3.org/TR/webrtc-stats/>).
const WAY: &str = "window.connection.getStats().then((stats) => {
    const transport = [...stats.values()].find(({ type }) => type === 'transport');
    return stats.get(stats.get(transport.selectedCandidatePairId).remoteCandidateId);
})";

/// An address of the desktop.
#[derive(Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `udp` or `tcp`; of a relay, how the desktop's side of it is reached.
    pub protocol: String,
    /// As the desktop has told it.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// `host`, `srflx`, `prflx` or `relay`.
    pub kind: String,
}

/// From now on the pages of this browser are watched.
pub async fn watch(browser: &Chromium) -> Result<()> {
    browser.prepare(WATCH).await
}

/// What a watched page was offered so far.
pub async fn offered(browser: &Chromium) -> Result<Vec<Candidate>> {
    let lines: Vec<String> = serde_json::from_value(browser.run("return window.offered").await?)?;
    lines.iter().map(|line| parse(line).with_context(|| format!("no candidate: {line}"))).collect()
}

/// The candidate that a watched page uses.
pub async fn way(browser: &Chromium) -> Result<Candidate> {
    let report = browser.resolve(WAY).await?;
    read(&report).with_context(|| format!("no candidate: {report}"))
}

/// RFC 8839 §5.1.
fn parse(line: &str) -> Option<Candidate> {
    let words: Vec<&str> = line.split(' ').collect();
    let [_, _, protocol, _, address, port, "typ", kind, ..] = words[..] else { return None };
    let (protocol, port) = (protocol.to_ascii_lowercase(), port.parse().ok()?);
    Some(Candidate { protocol, address: address.into(), port, kind: kind.into() })
}

fn read(report: &Value) -> Option<Candidate> {
    let text = |name: &str| report[name].as_str().map(ToOwned::to_owned);
    let port = u16::try_from(report["port"].as_u64()?).ok()?;
    Some(Candidate { protocol: text("protocol")?, address: text("address")?, port, kind: text("candidateType")? })
}
