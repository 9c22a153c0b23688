//! A viewer without a browser: the same protocol, received by a webrtcbin in this process. Cheap enough for many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use gst::glib;
use gst::prelude::*;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::PATIENCE;
use crate::painter::Patch;

/// The payload type of sound.
const OPUS: u8 = 111;

/// A signalling socket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a signalling socket at this path, such as `/ws`.
pub async fn open_socket(address: &str, path: &str, login: Option<(&str, &str)>) -> Result<(Socket, Response), Error> {
    match login {
        Some(login) => open_socket_with(address, path, &[(AUTHORIZATION, &basic(login))]).await,
        None => open_socket_with(address, path, &[]).await,
    }
}

/// The same with any header fields.
pub async fn open_socket_with(
    address: &str,
    path: &str,
    fields: &[(HeaderName, &str)],
) -> Result<(Socket, Response), Error> {
    let mut request = format!("ws://{address}{path}").into_client_request()?;
    for (name, value) in fields {
        request.headers_mut().insert(name, HeaderValue::from_str(value)?);
    }
    tokio_tungstenite::connect_async(request).await
}

fn basic((user, password): (&str, &str)) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// `HELLO` with this metadata.
pub fn hello(meta: &Value) -> String {
    format!("HELLO 1 {}", base64::engine::general_purpose::STANDARD.encode(meta.to_string()))
}

/// The close frame that a socket ends with: code and reason; `None` for an end without one.
pub async fn close_of(socket: &mut Socket) -> Result<Option<(u16, String)>> {
    let find = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => {
                    return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    };
    timeout(PATIENCE, find).await.context("the socket stays open")
}

/// A connected viewer.
#[derive(Debug)]
pub struct Viewer {
    pipeline: gst::Pipeline,
    received: Arc<Received>,
    channel: mpsc::UnboundedReceiver<gst_webrtc::WebRTCDataChannel>,
    input: Option<gst_webrtc::WebRTCDataChannel>,
    messages: mpsc::UnboundedReceiver<Value>,
    end: watch::Receiver<Option<Option<(u16, String)>>>,
    signalling: tokio::task::JoinHandle<()>,
}

/// What has arrived so far.
#[derive(Debug, Default)]
struct Received {
    frames: AtomicU64,
    audio: AtomicU64,
    deaf: AtomicBool,
    /// The elements from RTP to the picture, if it is decoded.
    decoder: Option<&'static str>,
}

impl Viewer {
    /// Connects with the password of [`crate::desktop`]'s desktops.
    pub async fn start(address: &str, password: &str) -> Result<Self> {
        Self::start_with(address, "/webrtc/signalling/", Some((crate::desktop::USER, password)), json!({})).await
    }

    /// Connects at a path, with more metadata than the media.
    pub async fn start_with(address: &str, path: &str, login: Option<(&str, &str)>, meta: Value) -> Result<Self> {
        let field = login.map(|login| (AUTHORIZATION, basic(login)));
        Self::connect(address, path, field, meta, Received::default()).await
    }

    /// Connects with the cookie of a session.
    pub async fn start_with_cookie(address: &str, cookie: &str) -> Result<Self> {
        let field = Some((COOKIE, cookie.to_owned()));
        Self::connect(address, "/webrtc/signalling/", field, json!({}), Received::default()).await
    }

    /// One that decodes the picture, with these elements.
    pub async fn start_decoding(address: &str, password: &str, decoder: &'static str) -> Result<Self> {
        let received = Received { decoder: Some(decoder), ..Received::default() };
        let field = Some((AUTHORIZATION, basic((crate::desktop::USER, password))));
        Self::connect(address, "/webrtc/signalling/", field, json!({}), received).await
    }

    async fn connect(
        address: &str,
        path: &str,
        field: Option<(HeaderName, String)>,
        mut meta: Value,
        received: Received,
    ) -> Result<Self> {
        gst::init()?;
        if meta.get("media").is_none() {
            meta["media"] = json!(["video"]);
        }
        let field = field.as_ref().map(|(name, value)| (name.clone(), value.as_str()));
        let (mut socket, _) = open_socket_with(address, path, field.as_slice()).await?;
        socket.send(Message::text(hello(&meta))).await?;

        let pipeline = gst::Pipeline::new();
        let webrtcbin = gst::ElementFactory::make("webrtcbin")
            .property_from_str("bundle-policy", "max-bundle")
            .property("latency", 0u32)
            .build()?;
        pipeline.add(&webrtcbin)?;
        let received = Arc::new(received);
        let (signals, mut outgoing) = mpsc::unbounded_channel();
        let (channels, channel) = mpsc::unbounded_channel();
        let (sender, messages) = mpsc::unbounded_channel();
        connect(&webrtcbin, &received, &signals, channels, sender);
        pipeline.set_state(gst::State::Playing)?;

        let (ended, end) = watch::channel(None);
        let deaf = received.clone();
        let signalling = tokio::spawn(async move {
            let close = loop {
                tokio::select! {
                    Some(text) = outgoing.recv() => {
                        if socket.send(Message::text(text)).await.is_err() {
                            break None;
                        }
                    }
                    // Who is deaf does not even answer pings.
                    message = socket.next(), if !deaf.deaf.load(Ordering::SeqCst) => match message {
                        Some(Ok(Message::Text(text))) => signal(&webrtcbin, &text, &signals),
                        Some(Ok(Message::Close(frame))) => {
                            break frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => break None,
                    },
                    () = tokio::time::sleep(Duration::from_millis(100)), if deaf.deaf.load(Ordering::SeqCst) => {}
                }
            };
            ended.send_replace(Some(close));
        });
        Ok(Self { pipeline, received, channel, input: None, messages, end, signalling })
    }

    /// Waits until this many more frames of the picture have arrived.
    pub async fn wait_for_frames(&self, count: u64) -> Result<()> {
        wait_for(&self.received.frames, count).await.context("no picture")
    }

    /// Waits until this many more packets of sound have arrived.
    pub async fn wait_for_sound(&self, count: u64) -> Result<()> {
        wait_for(&self.received.audio, count).await.context("no sound")
    }

    /// Waits until the decoded picture shows these colours.
    pub async fn wait_for_picture(&self, patches: &[Patch]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut wrong = vec!["no picture".to_owned()];
        while Instant::now() < deadline {
            let sink = self.pipeline.by_name("picture").and_downcast::<gst_app::AppSink>();
            let Some(sample) = sink.and_then(|sink| sink.try_pull_sample(gst::ClockTime::from_mseconds(1))) else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            wrong = differences(&sample, patches)?;
            if wrong.is_empty() {
                return Ok(());
            }
        }
        bail!("{}", wrong.join("; "))
    }

    /// How many frames of the picture have arrived.
    pub fn frames(&self) -> u64 {
        self.received.frames.load(Ordering::SeqCst)
    }

    /// Sends on the data channel, as soon as that is open.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        if self.input.is_none() {
            let channel = timeout(PATIENCE, self.channel.recv()).await.context("no data channel")?;
            let channel = channel.context("no data channel")?;
            // A message of the other side can be here before the channel is open on this side.
            let (opened, mut open) = watch::channel(false);
            let handler = channel.connect_on_open(move |_| _ = opened.send(true));
            if channel.ready_state() == gst_webrtc::WebRTCDataChannelState::Connecting {
                timeout(PATIENCE, open.wait_for(|open| *open)).await.context("the data channel does not open")??;
            }
            channel.disconnect(handler);
            self.input = Some(channel);
        }
        Ok(self.input.as_ref().context("no data channel")?.send_string_full(Some(text))?)
    }

    /// The first message from the data channel that `pick` likes.
    pub async fn message<T>(&mut self, pick: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let mut seen = Vec::new();
        let find = async {
            while let Some(message) = self.messages.recv().await {
                if let Some(value) = pick(&message) {
                    return Ok(value);
                }
                seen.push(message.to_string());
            }
            bail!("the data channel is gone")
        };
        let found = timeout(PATIENCE, find).await;
        found.unwrap_or_else(|_| Err(anyhow::anyhow!("the expected message did not come, but {seen:?}")))
    }

    /// Waits until it is told that it controls the desktop, or does not.
    pub async fn wait_for_control(&mut self, control: bool) -> Result<Value> {
        self.message(|message| {
            (message["type"] == "viewers" && message["data"]["control"] == control).then(|| message["data"].clone())
        })
        .await
    }

    /// Waits until the server closes the socket; returns the code and the reason.
    pub async fn wait_for_end(&mut self) -> Result<Option<(u16, String)>> {
        let end = timeout(PATIENCE, self.end.wait_for(Option::is_some)).await.context("the session goes on")??;
        Ok(end.clone().flatten())
    }

    /// Whether the server has ended it.
    pub fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// From now on it takes nothing: no picture, no ping.
    pub fn stop_reading(&self) -> Result<()> {
        self.received.deaf.store(true, Ordering::SeqCst);
        self.pipeline.set_state(gst::State::Paused)?;
        Ok(())
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.signalling.abort();
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Where an RGB picture shows other colours than these.
pub(crate) fn differences(sample: &gst::Sample, patches: &[Patch]) -> Result<Vec<String>> {
    let info = gst_video::VideoInfo::from_caps(sample.caps().context("no caps")?)?;
    let map = sample.buffer().context("no buffer")?.map_readable()?;
    let stride = usize::try_from(info.stride()[0])?;
    let mut wrong = Vec::new();
    for patch in patches {
        let at = patch.y as usize * stride + patch.x as usize * 3;
        let seen = map.get(at..at + 3).context("outside the picture")?;
        if seen.iter().zip(patch.rgb).any(|(&seen, painted)| seen.abs_diff(painted) > 10) {
            wrong.push(format!("{patch:?} shows as {seen:?}"));
        }
    }
    Ok(wrong)
}

async fn wait_for(counter: &AtomicU64, more: u64) -> Result<()> {
    let wanted = counter.load(Ordering::SeqCst) + more;
    let reach = async {
        // Polled: it is counted on a streaming thread, which must not wait for us.
        while counter.load(Ordering::SeqCst) < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, reach).await.map_err(|_| anyhow::anyhow!("{} of {wanted}", counter.load(Ordering::SeqCst)))
}

fn connect(
    webrtcbin: &gst::Element,
    received: &Arc<Received>,
    signals: &mpsc::UnboundedSender<String>,
    channels: mpsc::UnboundedSender<gst_webrtc::WebRTCDataChannel>,
    messages: mpsc::UnboundedSender<Value>,
) {
    let candidates = signals.clone();
    webrtcbin.connect_closure(
        "on-ice-candidate",
        false,
        glib::closure!(move |_: &gst::Element, mline: u32, candidate: &str| {
            let text = json!({ "ice": { "candidate": candidate, "sdpMLineIndex": mline } }).to_string();
            let _ = candidates.send(text);
        }),
    );
    webrtcbin.connect_closure(
        "on-data-channel",
        false,
        glib::closure!(move |_: &gst::Element, channel: gst_webrtc::WebRTCDataChannel| {
            let messages = messages.clone();
            channel.connect_on_message_string(move |_, text| {
                if let Ok(message) = serde_json::from_str(text.unwrap_or_default()) {
                    let _ = messages.send(message);
                }
            });
            let _ = channels.send(channel);
        }),
    );
    let received = received.clone();
    webrtcbin.connect_pad_added(move |webrtcbin, pad| {
        let Some(pipeline) = webrtcbin.parent().and_downcast::<gst::Bin>() else { return };
        let sink = if let Some(decoder) = received.decoder {
            let picture = "videoconvert ! video/x-raw,format=RGB ! appsink name=picture sync=false max-buffers=1";
            gst::parse::bin_from_description(&format!("{decoder} ! {picture}"), true).ok().map(gst::Element::from)
        } else {
            let fake = gst::ElementFactory::make("fakesink").property("async", false).property("sync", false);
            fake.build().ok()
        };
        let Some(sink) = sink else { return };
        let count = received.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            // The second byte of RTP (RFC 3550 §5.1): marker, which the last packet of a picture has, and payload type.
            let second = info.buffer().and_then(|buffer| buffer.map_readable().ok()?.get(1).copied());
            match second.map(|byte| (byte & 0x80 != 0, byte & 0x7f)) {
                Some((_, OPUS)) => drop(count.audio.fetch_add(1, Ordering::SeqCst)),
                Some((true, _)) => drop(count.frames.fetch_add(1, Ordering::SeqCst)),
                _ => {}
            }
            gst::PadProbeReturn::Ok
        });
        if pipeline.add(&sink).is_ok() && sink.sync_state_with_parent().is_ok() {
            let _ = sink.static_pad("sink").map(|sink| pad.link(&sink));
        }
    });
}

/// Handles a frame of the server.
fn signal(webrtcbin: &gst::Element, text: &str, signals: &mpsc::UnboundedSender<String>) {
    let Ok(message) = serde_json::from_str::<Value>(text) else { return };
    if let Some(sdp) = message["sdp"]["sdp"].as_str() {
        let Ok(sdp) = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()) else { return };
        let offer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Offer, sdp);
        webrtcbin.emit_by_name::<()>("set-remote-description", &[&offer, &None::<gst::Promise>]);
        let (element, signals) = (webrtcbin.clone(), signals.clone());
        let answered = gst::Promise::with_change_func(move |reply| {
            let answer =
                reply.ok().flatten().and_then(|reply| reply.get::<gst_webrtc::WebRTCSessionDescription>("answer").ok());
            let Some(answer) = answer else { return };
            element.emit_by_name::<()>("set-local-description", &[&answer, &None::<gst::Promise>]);
            let Ok(sdp) = answer.sdp().as_text() else { return };
            let text = json!({ "sdp": { "type": "answer", "sdp": sdp } }).to_string();
            let _ = signals.send(text);
        });
        webrtcbin.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &answered]);
    } else if let Some(candidate) = message["ice"]["candidate"].as_str() {
        let mline = message["ice"]["sdpMLineIndex"].as_u64().unwrap_or(0) as u32;
        webrtcbin.emit_by_name::<()>("add-ice-candidate", &[&mline, &candidate]);
    }
}
