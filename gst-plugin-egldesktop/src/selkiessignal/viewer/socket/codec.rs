//! What an encoded stream is called in WebCodecs' codec registry. Pure, but for the caps.

/// The name, such as `avc1.42e01f`, from caps and a keyframe; `None` where it is not known (yet).
pub(super) fn name(caps: &gst::CapsRef, keyframe: &[u8]) -> Option<String> {
    let structure = caps.structure(0)?;
    let text = |field| structure.get::<&str>(field).ok();
    match structure.name().as_str() {
        "video/x-h264" => avc(keyframe),
        "video/x-h265" => {
            // ISO/IEC 14496-15 annex E.3: profile, compatibility, tier and level; 30 times the level.
            let level: f64 = text("level").and_then(|level| level.parse().ok()).unwrap_or(5.1);
            let tier = if text("tier") == Some("high") { 'H' } else { 'L' };
            Some(format!("hev1.1.6.{tier}{}.B0", (level * 30.0).round()))
        }
        "video/x-vp8" => Some("vp8".into()),
        // Profile, level and depth; level 5.1, since decoders in browsers take what they can.
        "video/x-vp9" => Some(format!("vp09.0{}.51.08", text("profile").unwrap_or("0"))),
        "video/x-av1" => Some("av01.0.13M.08".into()),
        _ => None,
    }
}

/// Profile, constraints and level of the first sequence parameter set in a byte stream (ITU-T H.264 7.3.2.1.1, annex B).
fn avc(stream: &[u8]) -> Option<String> {
    /// `nal_unit_type` of a sequence parameter set.
    const SPS: u8 = 7;
    let starts = stream.windows(3).enumerate().filter(|(_, bytes)| *bytes == [0, 0, 1]).map(|(at, _)| at + 3);
    let mut units = starts.filter_map(|at| stream.get(at..at + 4));
    let sps = units.find(|unit| unit[0] & 0x1f == SPS)?;
    Some(format!("avc1.{:02x}{:02x}{:02x}", sps[1], sps[2], sps[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_browsers_know_them() {
        gst::init().unwrap();
        let stream = [0, 0, 0, 1, 9, 16, 0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0xaa, 0, 0, 1, 0x68, 1, 2, 3];
        for (caps, expected) in [
            ("video/x-h264", Some("avc1.42e01f")),
            ("video/x-h265,level=(string)4.1,tier=(string)main", Some("hev1.1.6.L123.B0")),
            ("video/x-vp8", Some("vp8")),
            ("video/x-vp9,profile=(string)0", Some("vp09.00.51.08")),
            ("video/x-av1", Some("av01.0.13M.08")),
            ("image/jpeg", None),
        ] {
            let caps: gst::Caps = caps.parse().unwrap();
            assert_eq!(name(&caps, &stream).as_deref(), expected);
        }
        for cut in [&stream[..12], &stream[..3], &[], &stream[15..]] {
            assert_eq!(avc(cut), None);
        }
    }
}
