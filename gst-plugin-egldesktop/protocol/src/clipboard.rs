//! The clipboard, in both directions.
//!
//! A browser sends `cw,<base64>` (text, in one message) or, as in Selkies 2, pieces: `cws,id,size` … `cwd,id,<base64>` …
//! `cwe,id` for text and `cbs,id,mime,size` … `cbd,id,<base64>` … `cbe,id` for everything else. Extension: a fifth field
//! `more` of `cbs` says that another format of the same content follows; the content is complete with the first transfer
//! that lacks it, and answered with `clipboard-taken` and that transfer's id.
//!
//! The server sends `clipboard` (text, in one message) to clients of selkies-gstreamer, and `clipboard-msg-start`,
//! `-data`, `-end` as in Selkies 2 to others; the same extension there is a field `more` of `clipboard-msg-start`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// The most that one content may hold, all its formats together, in bytes.
pub const MAX_CONTENT: usize = 16 * 1024 * 1024;
/// Bytes in one piece that the server sends: 16 KiB of base64, which every data channel carries.
const PIECE: usize = 12 * 1024;
/// The longest base64 text that clients of selkies-gstreamer are sent in one message.
const MAX_SELKIES: usize = 65_400;
const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A way to write down what was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Plain text, UTF-8.
    Text,
    /// HTML, UTF-8.
    Html,
    /// A PNG image.
    Png,
}

impl Format {
    /// All formats, the plainest first.
    pub const ALL: [Self; 3] = [Self::Text, Self::Html, Self::Png];

    /// The media type, without parameters.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Html => "text/html",
            Self::Png => "image/png",
        }
    }

    /// The format of a media type; parameters such as `charset` are ignored.
    pub fn from_mime(mime: &str) -> Option<Self> {
        let plain = mime.split(';').next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|format| format.mime() == plain)
    }
}

/// What was copied, in one format.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    format: Format,
    data: Vec<u8>,
}

/// Not the content: it must not get into a log.
impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes of {}", self.data.len(), self.format.mime())
    }
}

impl Part {
    /// Checks that the data can be of this format.
    pub fn new(format: Format, data: Vec<u8>) -> Result<Self, ClipboardError> {
        let fits = match format {
            Format::Text | Format::Html => std::str::from_utf8(&data).is_ok(),
            Format::Png => data.starts_with(PNG_SIGNATURE),
        };
        match fits {
            _ if data.len() > MAX_CONTENT => Err(ClipboardError::TooLarge),
            false => Err(ClipboardError::Content(format.mime())),
            true => Ok(Self { format, data }),
        }
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The bytes in that format.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The same, to keep.
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }
}

/// One message about the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClipboardMessage {
    /// `cr`: what is on the desktop's clipboard?
    Request,
    /// `cw,<base64>` or `cb,mime,<base64>`: content in one piece.
    Whole(Part),
    /// `cws` or `cbs`: content of this many bytes follows in pieces.
    Start {
        /// The client's number for the transfer.
        id: u32,
        /// What it is.
        format: Format,
        /// Bytes.
        size: usize,
        /// Whether another format of the same content follows.
        more: bool,
    },
    /// `cwd` or `cbd`: the next piece.
    Data {
        /// The transfer.
        id: u32,
        /// The piece.
        bytes: Vec<u8>,
    },
    /// `cwe` or `cbe`: the last piece has come.
    End {
        /// The transfer.
        id: u32,
    },
}

/// Why clipboard content was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ClipboardError {
    /// More than [`MAX_CONTENT`], or than was announced.
    #[error("clipboard content is too large")]
    TooLarge,
    /// Not what its format must look like.
    #[error("clipboard content is no {0}")]
    Content(&'static str),
    /// A piece of a transfer that was never announced, or was given up.
    #[error("a piece of an unknown clipboard transfer")]
    UnknownTransfer,
    /// It ended early.
    #[error("clipboard content is incomplete")]
    Incomplete,
}

impl ClipboardMessage {
    /// Parses the fields after the verb; `None` when they do not fit it, or when it is no verb of the clipboard.
    pub(crate) fn parse(verb: &str, fields: &str) -> Option<Self> {
        match verb {
            "cr" => Some(Self::Request),
            "cw" => Some(Self::Whole(Part::new(Format::Text, decode(fields)?).ok()?)),
            "cb" => {
                let (mime, base64) = fields.split_once(',')?;
                Some(Self::Whole(Part::new(Format::from_mime(mime)?, decode(base64)?).ok()?))
            }
            "cws" => {
                let (id, size) = fields.split_once(',')?;
                Some(Self::Start { id: id.parse().ok()?, format: Format::Text, size: size.parse().ok()?, more: false })
            }
            "cbs" => {
                let mut fields = fields.split(',');
                let (id, mime, size) = (fields.next()?, fields.next()?, fields.next()?);
                let more = match fields.next() {
                    None => false,
                    Some("more") => true,
                    Some(_) => return None,
                };
                let format = Format::from_mime(mime)?;
                Some(Self::Start { id: id.parse().ok()?, format, size: size.parse().ok()?, more })
            }
            "cwd" | "cbd" => {
                let (id, base64) = fields.split_once(',')?;
                Some(Self::Data { id: id.parse().ok()?, bytes: decode(base64)? })
            }
            "cwe" | "cbe" => Some(Self::End { id: fields.parse().ok()? }),
            _ => None,
        }
    }
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    STANDARD.decode(base64).ok()
}

/// Puts the pieces of one browser together.
#[derive(Debug, Default)]
pub struct Inbox {
    transfer: Option<Transfer>,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Transfer {
    id: u32,
    format: Format,
    size: usize,
    more: bool,
    data: Vec<u8>,
}

/// Content that is complete.
#[derive(Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Each format once.
    pub parts: Vec<Part>,
    /// The transfer to acknowledge; none for content that came in one message.
    pub id: Option<u32>,
}

impl Inbox {
    /// Takes one message in; returns the content that it completes. After an error the content is given up.
    pub fn feed(&mut self, message: ClipboardMessage) -> Result<Option<Delivery>, ClipboardError> {
        let result = self.take(message);
        if result.is_err() {
            *self = Self::default();
        }
        result
    }

    fn take(&mut self, message: ClipboardMessage) -> Result<Option<Delivery>, ClipboardError> {
        match message {
            ClipboardMessage::Request => Ok(None),
            ClipboardMessage::Whole(part) => {
                *self = Self::default();
                Ok(Some(Delivery { parts: vec![part], id: None }))
            }
            ClipboardMessage::Start { id, format, size, more } => {
                let others: usize = self.parts.iter().map(|part| part.data.len()).sum();
                if size > MAX_CONTENT - others {
                    return Err(ClipboardError::TooLarge);
                }
                // Grows with what comes, not with what is announced.
                self.transfer = Some(Transfer { id, format, size, more, data: Vec::new() });
                Ok(None)
            }
            ClipboardMessage::Data { id, bytes } => {
                let transfer = self.transfer.as_mut().filter(|transfer| transfer.id == id);
                let transfer = transfer.ok_or(ClipboardError::UnknownTransfer)?;
                if bytes.len() > transfer.size - transfer.data.len() {
                    return Err(ClipboardError::TooLarge);
                }
                transfer.data.extend(bytes);
                Ok(None)
            }
            ClipboardMessage::End { id } => {
                let transfer = self.transfer.take().filter(|transfer| transfer.id == id);
                let Transfer { format, size, more, data, .. } = transfer.ok_or(ClipboardError::UnknownTransfer)?;
                if data.len() < size {
                    return Err(ClipboardError::Incomplete);
                }
                self.parts.retain(|part| part.format != format);
                self.parts.push(Part::new(format, data)?);
                let parts = || std::mem::take(&mut self.parts);
                Ok((!more).then(parts).map(|parts| Delivery { parts, id: Some(id) }))
            }
        }
    }
}

/// `clipboard`, for clients of selkies-gstreamer: text only, and `None` where it is longer than they can be sent.
pub fn whole_text(parts: &[Part]) -> Option<String> {
    let text = parts.iter().find(|part| part.format == Format::Text)?;
    let content = STANDARD.encode(&text.data);
    (content.len() <= MAX_SELKIES).then(|| json!({ "type": "clipboard", "data": { "content": content } }).to_string())
}

/// Every format of the content, in messages that each fit a data channel.
pub fn pieces(parts: Arc<[Part]>) -> impl Iterator<Item = String> + Send {
    (0..parts.len()).flat_map(move |index| {
        let parts = parts.clone();
        let part = &parts[index];
        let start = json!({ "type": "clipboard-msg-start", "data": {
            "mime_type": part.format.mime(),
            "is_binary_data": part.format == Format::Png,
            "total_size": part.data.len(),
            "more": index + 1 < parts.len(),
        }});
        let data = (0..part.data.len()).step_by(PIECE).map(move |start| {
            let data = &parts[index].data;
            let piece = &data[start..data.len().min(start + PIECE)];
            json!({ "type": "clipboard-msg-data", "data": { "content": STANDARD.encode(piece) } }).to_string()
        });
        let end = json!({ "type": "clipboard-msg-end", "data": {} });
        std::iter::once(start.to_string()).chain(data).chain(std::iter::once(end.to_string()))
    })
}

/// Extension: the desktop pastes from now on what came with this transfer; `None`: what came from another browser.
pub fn taken(id: Option<u32>) -> String {
    json!({ "type": "clipboard-taken", "data": { "id": id } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::ClientMessage;
    use proptest::prelude::*;

    fn feed(inbox: &mut Inbox, texts: &[String]) -> Result<Option<Delivery>, ClipboardError> {
        let mut last = None;
        for text in texts {
            let Ok(ClientMessage::Clipboard(message)) = ClientMessage::parse(text) else { panic!("{text}") };
            last = inbox.feed(message)?;
        }
        Ok(last)
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn text_in_one_message() {
        let delivery = feed(&mut Inbox::default(), &texts(&["cw,w58="])).unwrap().unwrap();
        assert_eq!((delivery.parts[0].data(), delivery.id), ("ß".as_bytes(), None));
        assert!(ClientMessage::parse("cw,/w==").is_err(), "not UTF-8");
        assert!(ClientMessage::parse("cw,*").is_err());
    }

    #[test]
    fn formats_of_one_content_arrive_together() {
        let mut inbox = Inbox::default();
        let first = ["cbs,1,text/html,3,more", "cbd,1,PGI+", "cbe,1"];
        assert_eq!(feed(&mut inbox, &texts(&first)), Ok(None));
        let delivery = feed(&mut inbox, &texts(&["cws,2,2", "cwd,2,YQ==", "cwd,2,Yg==", "cwe,2"])).unwrap().unwrap();
        let expected =
            [Part::new(Format::Html, b"<b>".into()).unwrap(), Part::new(Format::Text, b"ab".into()).unwrap()];
        assert_eq!((delivery.parts.as_slice(), delivery.id), (expected.as_slice(), Some(2)));
    }

    #[test]
    fn what_does_not_add_up_is_given_up() {
        let mut inbox = Inbox::default();
        for (bad, error) in [
            (&["cws,1,2", "cwd,1,YQ==", "cwe,1"][..], ClipboardError::Incomplete),
            (&["cws,1,1", "cwd,1,YWI="], ClipboardError::TooLarge),
            (&["cws,1,99999999"], ClipboardError::TooLarge),
            (&["cws,1,1", "cwd,2,YQ=="], ClipboardError::UnknownTransfer),
            (&["cbs,1,image/png,1", "cbd,1,YQ==", "cbe,1"], ClipboardError::Content("image/png")),
        ] {
            assert_eq!(feed(&mut inbox, &texts(bad)), Err(error), "{bad:?}");
            assert_eq!(feed(&mut inbox, &texts(&["cwe,1"])), Err(ClipboardError::UnknownTransfer));
        }
        for bad in ["cbs,1,text/plain,1,x", "cbs,1,video/mp4,1", "cws,-1,1", "cwd,1", "cbs"] {
            assert!(ClientMessage::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn old_clients_get_what_they_can_read() {
        let text = Part::new(Format::Text, vec![b'x'; 49_050]).unwrap();
        assert!(whole_text(&[text]).is_some_and(|message| message.len() < 65_536));
        assert_eq!(whole_text(&[Part::new(Format::Text, vec![b'x'; 49_051]).unwrap()]), None);
        assert_eq!(whole_text(&[Part::new(Format::Html, Vec::new()).unwrap()]), None);
    }

    #[test]
    fn every_piece_of_the_server_is_small() {
        let html = Part::new(Format::Html, vec![b'x'; PIECE + 1]).unwrap();
        let text = Part::new(Format::Text, b"x".into()).unwrap();
        let messages: Vec<_> = pieces([html, text].into()).collect();
        assert_eq!(messages.len(), 4 + 3);
        assert!(messages.iter().all(|message| message.len() < 17 * 1024));
        assert!(messages[0].contains(r#""more":true"#) && messages[4].contains(r#""more":false"#));
    }

    proptest! {
        /// What is cut into pieces, as a browser does it, is whole again.
        #[test]
        fn pieces_make_the_whole(text in ".{0,200}", size in 1usize..50) {
            let mut messages = vec![format!("cws,7,{}", text.len())];
            messages.extend(text.as_bytes().chunks(size).map(|piece| format!("cwd,7,{}", STANDARD.encode(piece))));
            messages.push("cwe,7".into());
            let delivery = feed(&mut Inbox::default(), &messages).unwrap().unwrap();
            prop_assert_eq!(delivery.parts[0].data(), text.as_bytes());
        }
    }
}
