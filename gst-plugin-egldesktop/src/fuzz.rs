//! What fuzzers call: bytes in, and what must hold whatever they are. Only with the feature `fuzz`.

/// A request of somebody who has no login: its target in the first line, then fields of its header.
///
/// # Panics
/// Where somebody comes in, or reads what is not to be read.
pub fn http(data: &[u8]) {
    crate::selkiessignal::fuzz::request(data);
}

/// An `rtc.json`, or what a TURN REST service answers.
///
/// # Panics
/// Where something does not hold.
pub fn rtc_json(data: &[u8]) {
    crate::selkiessignal::fuzz::rtc_json(data);
}

/// A browser's SDP answer, and a candidate. Needs GStreamer.
///
/// # Panics
/// Where something does not hold.
pub fn sdp_answer(data: &[u8]) {
    crate::selkiessignal::fuzz::answer(data);
}

/// A player's SDP offer, and a fragment of one. Needs GStreamer.
///
/// # Panics
/// Where something does not hold.
pub fn sdp_offer(data: &[u8]) {
    crate::selkiessignal::fuzz::offer(data);
}

/// The head of the file that an X server keeps its screen in.
///
/// # Panics
/// Where pixels would be read outside of the file.
pub fn xwd_header(data: &[u8]) {
    let Ok(layout) = crate::capture::xwd::parse(data) else { return };
    if let Some(length) = layout.length() {
        let (row, rows) = (layout.width as usize * 4, layout.height as usize);
        let last = rows.saturating_sub(1) * layout.stride + layout.offset + if rows > 0 { row } else { 0 };
        assert!(row <= layout.stride && last <= length, "{layout:?}");
    }
}

/// The image of an X client's pointer: its width, then its pixels.
///
/// # Panics
/// Where what is sent to browsers is no image, or a larger one than they show.
pub fn cursor_image(data: &[u8]) {
    crate::desktopinput::fuzz_cursor(data);
}
