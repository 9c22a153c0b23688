//! What fuzzers call of this element.

use super::ice::Configuration;
use super::viewer;

pub(crate) use super::http::fuzz_request as request;

/// The JSON of an `RTCConfiguration`.
pub(crate) fn rtc_json(data: &[u8]) {
    match Configuration::parse(data) {
        Ok(configuration) => {
            let printed = configuration.to_json().to_string();
            let again = Configuration::parse(printed.as_bytes());
            assert!(again.is_ok(), "what browsers are told is what was read: {printed}");
        }
        // It goes into a log, and must not repeat what may be a password.
        Err(error) => assert!(error.to_string().len() < 400, "{error}"),
    }
}

/// A browser's answer to an offer, or a candidate.
pub(crate) fn answer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    viewer::fuzz_answer(text);
}

/// A player's offer, or a fragment of one.
pub(crate) fn offer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    viewer::fuzz_offer(text);
}
