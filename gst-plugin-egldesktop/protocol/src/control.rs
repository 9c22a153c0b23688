//! Messages that the server sends on the data channel: JSON objects with `type` and `data`.

use serde_json::json;

/// `{"type": "system", "data": {"action": …}}`, such as `encoder,x264enc` or `resolution,1920x1080`.
pub fn system(action: &str) -> String {
    json!({ "type": "system", "data": { "action": action } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_selkies_clients_read_it() {
        assert_eq!(system("encoder,x264enc"), r#"{"data":{"action":"encoder,x264enc"},"type":"system"}"#);
    }
}
