//! What a player offers, and what of it this desktop can serve. Pure.
//!
//! An offer is read into values, and everything that goes on is written from these: webrtcbin 1.22 ends the process on
//! descriptions that it does not expect.

use std::collections::HashSet;

use gst_sdp::{SDPMediaRef, SDPMessage};

use crate::selkiessignal::capture_time::CaptureTime;
use crate::selkiessignal::playout_delay::PlayoutDelay;
use crate::selkiessignal::viewer::branch::{Numbers, TRANSPORT_WIDE};
use crate::selkiessignal::viewer::transport::{MAX_CANDIDATES, MAX_VALUE, Transport, is_candidate};

/// More sections, or formats of one, are none that players write.
const MAX_MEDIA: usize = 32;
const MAX_FORMATS: usize = 128;
/// The longest name of anything.
const MAX_NAME: usize = 64;

/// Why an offer can't be served; the text is for the user.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(in super::super::super) enum OfferError {
    #[error("This is no SDP offer (RFC 8866)")]
    Malformed,
    #[error("The offer says nothing of its {0}")]
    Missing(&'static str),
    #[error("The offer asks for no picture: it needs a section m=video that receives")]
    NoVideo,
    #[error("This desktop sends {stream}, and the offer receives {offered}")]
    NoCodec {
        /// A MIME type with what of it counts.
        stream: String,
        /// Encoding names.
        offered: String,
    },
}

/// What a player has offered.
#[derive(Debug)]
pub(in super::super::super) struct Offer {
    pub(super) medias: Vec<Media>,
    /// The names of the sections that share one transport (RFC 9143); empty where each has its own.
    pub(super) bundle: Vec<String>,
    session: Transport,
}

/// A section of an offer.
#[derive(Debug, Default)]
pub(super) struct Media {
    pub(super) kind: String,
    pub(super) proto: String,
    pub(super) formats: Vec<String>,
    pub(super) mid: Option<String>,
    pub(super) rtcp_mux: bool,
    /// Not switched off, by RTP as WebRTC has it, and in a direction in which we send.
    receives: bool,
    transport: Transport,
    candidates: Vec<String>,
    codecs: Vec<Codec>,
    /// Identifier and URI.
    extensions: Vec<(u8, String)>,
}

/// A payload type of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codec {
    pub(super) payload_type: u8,
    /// As it is written.
    name: String,
    clock_rate: u32,
    /// `fmtp`.
    pub(super) parameters: Vec<(String, String)>,
    /// `rtcp-fb`.
    feedback: HashSet<String>,
}

/// What the encoder makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// `video/H264`
    pub(super) mime_type: &'a str,
    /// As the caps of the stream name it, such as `constrained-baseline`.
    pub(super) profile: Option<&'a str>,
}

/// The section and the payload types that a stream goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Index of the section.
    pub(super) media: usize,
    pub(super) codec: Codec,
    /// What packets have that are sent again.
    pub(super) retransmission: Option<u8>,
    pub(super) numbers: Numbers,
}

/// What both sides say of feedback, where both do.
pub(super) const FEEDBACK: [&str; 4] = ["nack", "nack pli", "ccm fir", "transport-cc"];

impl Offer {
    /// Reads what a player has sent.
    pub(in super::super::super) fn parse(text: &str) -> Result<Self, OfferError> {
        // GStreamer takes these for programming errors.
        if text.is_empty() || text.contains('\0') {
            return Err(OfferError::Malformed);
        }
        let message = SDPMessage::parse_buffer(text.as_bytes()).map_err(|_| OfferError::Malformed)?;
        if !(1..=MAX_MEDIA as u32).contains(&message.medias_len()) {
            return Err(OfferError::Malformed);
        }
        let mut session = Transport::default();
        for attribute in message.attributes() {
            session.read(attribute.key(), attribute.value().unwrap_or_default());
        }
        let group = message.attribute_val("group").and_then(|group| group.strip_prefix("BUNDLE ")).unwrap_or_default();
        let bundle: Vec<_> = group.split(' ').filter(|name| is_name(name)).map(str::to_owned).collect();
        let read = |media: &SDPMediaRef| Media::read(media, &bundle).ok_or(OfferError::Malformed);
        let medias = message.medias().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut names = HashSet::new();
        if !medias.iter().filter_map(|media| media.mid.as_ref()).all(|mid| names.insert(mid)) {
            return Err(OfferError::Malformed);
        }
        Ok(Self { medias, bundle, session })
    }

    /// Whether it asks for sound.
    pub(in super::super::super) fn wants_audio(&self) -> bool {
        self.receiving("audio").next().is_some()
    }

    /// Whether it could receive a picture of this MIME type.
    pub(super) fn can_receive(&self, mime_type: &str) -> bool {
        self.choose(Wanted { mime_type, profile: None }).is_ok()
    }

    /// Where a stream goes to.
    pub(super) fn choose(&self, wanted: Wanted) -> Result<Chosen, OfferError> {
        let (kind, encoding) = wanted.mime_type.split_once('/').unwrap_or_default();
        let mut offered = Vec::new();
        for (index, media) in self.receiving(kind) {
            let fits = |codec: &&Codec| codec.rank(encoding, wanted.profile).is_some();
            // The first one of the best: players write down first what they like most.
            let best = media.codecs.iter().filter(fits).rev().max_by_key(|codec| codec.rank(encoding, wanted.profile));
            if let Some(codec) = best {
                return Ok(media.chosen(index, codec));
            }
            offered.extend(media.codecs.iter().map(|codec| codec.name.as_str()));
        }
        if kind == "video" && self.receiving(kind).next().is_none() {
            return Err(OfferError::NoVideo);
        }
        offered.sort_unstable();
        offered.dedup();
        offered.truncate(16);
        let offered = if offered.is_empty() { "nothing that is known here".to_owned() } else { offered.join(", ") };
        Err(OfferError::NoCodec { stream: wanted.mime_type.to_owned(), offered })
    }

    /// Whether two streams can go over one transport, which is all that there is.
    pub(super) fn go_together(&self, one: &Chosen, other: &Chosen) -> bool {
        let bundled = |chosen: &Chosen| {
            let mid = self.medias.get(chosen.media).and_then(|media| media.mid.as_ref());
            mid.is_some_and(|mid| self.bundle.contains(mid))
        };
        let types = |chosen: &Chosen| [Some(chosen.codec.payload_type), chosen.retransmission];
        let clash = types(one).into_iter().flatten().any(|number| types(other).contains(&Some(number)));
        bundled(one) && bundled(other) && !clash
    }

    /// What the player says of the transport of a stream: in that section, in the one that speaks for all of its bundle,
    /// or for the whole session.
    pub(super) fn transport(&self, chosen: &Chosen) -> Result<Transport, OfferError> {
        let mut transport = Transport::default();
        for media in self.speaking_for(chosen) {
            transport.or(&media.transport);
        }
        transport.or(&self.session);
        for (place, name) in [
            (&transport.ice_ufrag, "ice-ufrag (RFC 8839)"),
            (&transport.ice_pwd, "ice-pwd (RFC 8839)"),
            (&transport.fingerprint, "fingerprint (RFC 8122)"),
        ] {
            if place.is_none() {
                return Err(OfferError::Missing(name));
            }
        }
        Ok(transport)
    }

    /// Where the player can be reached, as far as it says so in the offer.
    pub(super) fn candidates(&self, chosen: &Chosen) -> Vec<&str> {
        let mut known = HashSet::new();
        let all = self.speaking_for(chosen).flat_map(|media| media.candidates.iter().map(String::as_str));
        all.filter(|candidate| known.insert(*candidate)).take(MAX_CANDIDATES).collect()
    }

    /// The section of a stream, then the others of its bundle.
    fn speaking_for(&self, chosen: &Chosen) -> impl Iterator<Item = &Media> {
        let own = self.medias.get(chosen.media);
        let is_bundled = |media: &Media| media.mid.as_ref().is_some_and(|mid| self.bundle.contains(mid));
        let shares = own.is_some_and(is_bundled);
        let others = self.medias.iter().enumerate().filter(move |(index, media)| {
            shares && *index != chosen.media && media.mid.as_ref().is_some_and(|mid| self.bundle.contains(mid))
        });
        own.into_iter().chain(others.map(|(_, media)| media))
    }

    fn receiving(&self, kind: &str) -> impl Iterator<Item = (usize, &Media)> {
        self.medias.iter().enumerate().filter(move |(_, media)| media.receives && media.kind == kind)
    }
}

impl Media {
    /// `None` where it holds what can't be repeated in an answer.
    fn read(media: &SDPMediaRef, bundle: &[String]) -> Option<Self> {
        let word = |text: Option<&str>| text.filter(|text| is_name(text)).map(str::to_owned);
        let mut this = Self { kind: word(media.media())?, proto: word(media.proto())?, ..Self::default() };
        this.formats = media.formats().map(|format| word(Some(format))).collect::<Option<_>>()?;
        if this.formats.is_empty() || this.formats.len() > MAX_FORMATS {
            return None;
        }
        let (mut sends_only, mut bundle_only) = (false, false);
        for attribute in media.attributes() {
            let (key, value) = (attribute.key(), attribute.value().unwrap_or_default());
            if value.len() > MAX_VALUE {
                continue;
            }
            match key {
                "mid" => this.mid = Some(word(Some(value))?),
                "sendonly" | "inactive" => sends_only = true,
                "bundle-only" => bundle_only = true,
                "rtcp-mux" => this.rtcp_mux = true,
                "candidate" if is_candidate(value) && this.candidates.len() < MAX_CANDIDATES => {
                    this.candidates.push(value.strip_prefix("candidate:").unwrap_or(value).to_owned());
                }
                "rtpmap" => this.codecs.extend(Codec::read(value, &this.formats)),
                "extmap" => this.extensions.extend(extension(value)),
                _ => this.transport.read(key, value),
            }
        }
        // These may stand before the line that they belong to.
        for attribute in media.attributes() {
            let value = attribute.value().unwrap_or_default();
            let Some((of, rest)) = value.split_once(' ').filter(|_| value.len() <= MAX_VALUE) else { continue };
            let its = this.codecs.iter_mut().filter(|codec| of == "*" || of.parse() == Ok(codec.payload_type));
            match attribute.key() {
                "fmtp" => its.for_each(|codec| codec.parameters = parameters(rest)),
                "rtcp-fb" => its.for_each(|codec| {
                    codec.feedback.insert(rest.trim().to_owned());
                }),
                _ => {}
            }
        }
        let in_bundle = this.mid.as_ref().is_some_and(|mid| bundle.contains(mid));
        let is_on = media.port() != 0 || bundle_only && in_bundle;
        this.receives = is_on && !sends_only && this.proto.ends_with("RTP/SAVPF");
        Some(this)
    }

    fn chosen(&self, index: usize, codec: &Codec) -> Chosen {
        let repeats = |other: &&Codec| {
            let of = other.parameter("apt").and_then(|apt| apt.parse().ok());
            other.name.eq_ignore_ascii_case("rtx")
                && other.clock_rate == codec.clock_rate
                && of == Some(codec.payload_type)
        };
        let retransmission = self.codecs.iter().find(repeats).filter(|_| codec.feedback.contains("nack"));
        let retransmission = retransmission.map(|codec| codec.payload_type).filter(|&it| it != codec.payload_type);
        let mut taken = HashSet::new();
        let mut identifier = |uri: &str| {
            let found = self.extensions.iter().find(|(_, offered)| offered == uri);
            found.map(|(id, _)| *id).filter(|id| taken.insert(*id))
        };
        let numbers = Numbers {
            payload_type: Some(codec.payload_type),
            playout_delay: identifier(PlayoutDelay::uri()),
            capture_time: identifier(CaptureTime::uri()),
            transport_wide: identifier(TRANSPORT_WIDE).filter(|_| codec.feedback.contains("transport-cc")),
            retransmission: retransmission.is_some(),
        };
        Chosen { media: index, codec: codec.clone(), retransmission, numbers }
    }
}

impl Codec {
    /// From `96 VP8/90000`.
    fn read(value: &str, formats: &[String]) -> Option<Self> {
        let (payload_type, rest) = value.split_once(' ')?;
        let mut parts = rest.trim().split('/');
        let (name, clock_rate) = (parts.next()?, parts.next()?.parse().ok()?);
        let is_listed = formats.iter().any(|format| format == payload_type);
        let payload_type = payload_type.parse().ok().filter(|number| *number < 128 && is_listed)?;
        let name = Some(name).filter(|name| is_name(name))?.to_owned();
        Some(Self { payload_type, name, clock_rate, parameters: Vec::new(), feedback: HashSet::new() })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// What stands behind its number, with the codec's name as GStreamer has it.
    pub(super) fn rtpmap(&self) -> String {
        let name = self.name.to_ascii_uppercase();
        if name == "OPUS" { format!("{name}/{}/2", self.clock_rate) } else { format!("{name}/{}", self.clock_rate) }
    }

    /// Whether it says this of feedback.
    pub(super) fn has_feedback(&self, kind: &str) -> bool {
        self.feedback.contains(kind)
    }

    /// How well it fits a stream; `None` where it does not.
    fn rank(&self, encoding: &str, profile: Option<&str>) -> Option<u8> {
        let audio = encoding.eq_ignore_ascii_case("opus");
        let clock_rate = if audio { 48_000 } else { 90_000 };
        // The payloaders of GStreamer know dynamic payload types only, but for one.
        let types = if encoding.eq_ignore_ascii_case("av1") { 35..=127 } else { 96..=127 };
        // RTCP has these, seen with the marker (RFC 5761 §4).
        let is_rtcp = (64..=95).contains(&self.payload_type);
        if !self.name.eq_ignore_ascii_case(encoding)
            || self.clock_rate != clock_rate
            || !types.contains(&self.payload_type)
            || is_rtcp
        {
            return None;
        }
        let is = |name: &str, value: &str| self.parameter(name).is_none_or(|said| said == value);
        match encoding.to_ascii_uppercase().as_str() {
            "H264" => {
                // RFC 6184 §8.1: one packet for each NAL unit is what has no frames larger than a packet.
                let fragments = match self.parameter("packetization-mode") {
                    Some("1") => 1,
                    None => 0,
                    Some(_) => return None,
                };
                let offered = self.parameter("profile-level-id").and_then(|id| id.get(..2)).unwrap_or("42");
                let own = match profile.unwrap_or("baseline") {
                    "main" => "4d",
                    "high" | "constrained-high" | "progressive-high" => "64",
                    _ => "42",
                };
                // Decoders go by what the stream itself says; those of baseline are the most common.
                let profile = if offered.eq_ignore_ascii_case(own) { 4 } else { u8::from(offered == "42") * 2 };
                Some(profile + fragments)
            }
            "VP9" => is("profile-id", "0").then_some(0),
            "H265" => is("profile-id", "1").then_some(0),
            "AV1" => is("profile", "0").then_some(0),
            _ => Some(0),
        }
    }
}

/// `1/sendrecv URI attributes` (RFC 8285 §5), where we may send it.
fn extension(value: &str) -> Option<(u8, String)> {
    let mut words = value.split(' ');
    let (id, uri) = (words.next()?, words.next()?);
    let (id, direction) = id.split_once('/').unwrap_or((id, "recvonly"));
    let id = id.parse().ok().filter(|id| (1..=14).contains(id))?;
    matches!(direction, "recvonly" | "sendrecv").then(|| (id, uri.to_owned()))
}

/// `a=1;b=2`
fn parameters(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).take(32).collect()
}

/// A word that can be repeated in a description.
fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
