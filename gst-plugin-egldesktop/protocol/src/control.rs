//! Messages that the server sends on the data channel: JSON objects with `type` and `data`.

use base64::Engine as _;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_selkies_clients_read_it() {
        assert_eq!(system("encoder,x264enc"), r#"{"data":{"action":"encoder,x264enc"},"type":"system"}"#);
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
