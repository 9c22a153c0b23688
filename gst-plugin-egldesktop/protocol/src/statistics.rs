//! What a browser measures of its connection: `_stats_video,<json>` and `_stats_audio,<json>`, a list of the reports of
//! `getStats()` each second, as Selkies' clients since 1.6 send it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The longest message, in bytes; Chromium's has some 20 000.
pub const MAX_MESSAGE: usize = 128 * 1024;
/// The most reports of one message.
pub const MAX_REPORTS: usize = 256;
/// The most fields of all reports of one message; Chromium has some 300.
pub const MAX_FIELDS: usize = 1024;
/// The longest name of a field, with that of its report, in bytes.
pub const MAX_NAME: usize = 128;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 256;

/// Which connection of a Selkies client was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// The one with the picture.
    Video,
    /// The one with the sound.
    Audio,
}

/// The fields of all reports, `<type>.<field>`, in the order in which they came. Where a type has several reports, it is
/// `<type>-<id>`. Names have letters, digits, `_`, `-` and `.` only; values no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// What was measured.
    pub medium: Medium,
    /// Names and values; no name twice.
    pub fields: Vec<(String, String)>,
}

impl Statistics {
    /// Reads the JSON of a message. None where it is no list of reports, or has more of something than there may be; single
    /// values that are too long, or structures, are left out.
    pub(crate) fn parse(medium: Medium, text: &str) -> Option<Self> {
        if text.len() > MAX_MESSAGE {
            return None;
        }
        let reports: Vec<Map<String, Value>> = serde_json::from_str(text).ok()?;
        if reports.len() > MAX_REPORTS || reports.iter().map(Map::len).sum::<usize>() > MAX_FIELDS {
            return None;
        }
        let type_of = |report: &Map<String, Value>| report.get("type").and_then(Value::as_str).map(str::to_owned);
        let mut types = BTreeMap::<_, usize>::new();
        for report in &reports {
            *types.entry(type_of(report)).or_default() += 1;
        }
        let mut fields: Vec<(String, String)> = Vec::new();
        for report in &reports {
            let kind = type_of(report)?;
            let id = report.get("id").and_then(Value::as_str).filter(|_| types[&Some(kind.clone())] > 1);
            let prefix = id.map_or_else(|| kind.clone(), |id| format!("{kind}-{id}"));
            for (field, value) in report.iter().filter(|(field, _)| *field != "type") {
                let (name, value) = (name(&format!("{prefix}.{field}")), printed(value));
                if let (Some(name), Some(value)) = (name, value)
                    && !fields.iter().any(|(known, _)| *known == name)
                {
                    fields.push((name, value));
                }
            }
        }
        Some(Self { medium, fields })
    }
}

fn name(text: &str) -> Option<String> {
    let plain = |char: char| if char.is_ascii_alphanumeric() || "_-.".contains(char) { char } else { '_' };
    (text.len() <= MAX_NAME).then(|| text.chars().map(plain).collect())
}

fn printed(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (text.len() <= MAX_VALUE && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<Vec<(String, String)>> {
        Statistics::parse(Medium::Video, text).map(|statistics| statistics.fields)
    }

    #[test]
    fn reports_become_one_row() {
        let text = r#"[{"type": "transport", "id": "T1", "bytesSent": 7},
                       {"type": "codec", "id": "A", "mimeType": "video/H264"},
                       {"type": "codec", "id": "B:1", "clockRate": 90000, "rtcp": [1], "none": null}]"#;
        let expected = [
            ("transport.bytesSent", "7"),
            ("transport.id", "T1"),
            ("codec-A.id", "A"),
            ("codec-A.mimeType", "video/H264"),
            ("codec-B_1.clockRate", "90000"),
            ("codec-B_1.id", "B:1"),
        ];
        let mut fields = parse(text).unwrap();
        fields.sort_by_key(|(name, _)| expected.iter().position(|(known, _)| known == name));
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn hostile_ones_are_refused() {
        let many = format!("[{}]", vec![r#"{"type":"a"}"#; MAX_REPORTS + 1].join(","));
        let wide = (0..=MAX_FIELDS).map(|number| format!(r#""f{number}":1"#)).collect::<Vec<_>>().join(",");
        let wide = format!(r#"[{{"type":"a",{wide}}}]"#);
        let deep = format!(r#"[{{"type":"a","x":{}1{}}}]"#, "[".repeat(500), "]".repeat(500));
        let long = format!(r#"[{{"type":"a","x":"{}"}}]"#, "x".repeat(MAX_MESSAGE));
        for text in ["", "{}", "[1]", r#"[{"id":"no type"}]"#, &many, &wide, &deep, &long] {
            assert_eq!(parse(text), None, "{}", &text[..text.len().min(80)]);
        }
    }

    #[test]
    fn single_values_that_cannot_be_are_left_out() {
        let long = "x".repeat(MAX_VALUE + 1);
        let text = format!(r#"[{{"type":"a","b":"{long}","c":"line\nline","{long}":1,"d=\"":true}}]"#);
        assert_eq!(parse(&text).unwrap(), [("a.d__".to_owned(), "true".to_owned())]);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_names_are_plain(text in r#"\[\{"type":"[^"\\]{0,9}","[^"\\]{0,9}":("[^"\\]*"|[0-9]+)\}\]"#) {
            for (name, value) in parse(&text).unwrap_or_default() {
                prop_assert!(name.chars().all(|char| char.is_ascii_alphanumeric() || "_-.".contains(char)));
                prop_assert!(!value.chars().any(char::is_control));
            }
        }
    }
}
