//! Copy and paste between `desktopinput` and another X client, byte for byte.

use anyhow::Result;
use egldesktop_tests::xclip;
use egldesktop_tests::xvfb::Xvfb;

use crate::control::{Control, bytes};

/// Five megabytes of text that is not ASCII, and two of something that begins like a PNG.
fn samples() -> (Vec<u8>, Vec<u8>) {
    let text = "Straße 日本 🙂\n".repeat(5_000_000 / 22 + 1).into_bytes();
    let noise = (0u32..2_000_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8);
    (text, b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise).collect())
}

#[test]
fn what_comes_is_pasted() -> Result<()> {
    let xvfb = Xvfb::start(320, 240)?;
    let control =
        Control::start_with("videotestsrc", &format!("display-name={} primary-selection=true", xvfb.display))?;
    let (text, png) = samples();
    let content = gst::Structure::builder("egldesktop-clipboard")
        .field("transaction", 7u64)
        .field("text", gst::Buffer::from_slice(text.clone()))
        .field("html", gst::Buffer::from_slice("<b>ß</b>"))
        .field("png", gst::Buffer::from_slice(png.clone()))
        .build();
    control.tell(content)?;
    let taken = control.wait_for("egldesktop-clipboard-taken", |it| it.get::<u64>("transaction").ok())?;
    assert_eq!(taken, 7);
    for selection in ["clipboard", "primary"] {
        assert!(xclip::paste(&xvfb.display, selection, "UTF8_STRING")? == text);
    }
    assert_eq!(xclip::paste(&xvfb.display, "clipboard", "text/html")?, "<b>ß</b>".as_bytes());
    assert!(xclip::paste(&xvfb.display, "clipboard", "image/png")? == png);
    assert_eq!(xclip::paste(&xvfb.display, "clipboard", "STRING")?[..9], *b"Stra\xdfe ??");
    let targets = String::from_utf8(xclip::paste(&xvfb.display, "clipboard", "TARGETS")?)?;
    for target in ["TIMESTAMP", "MULTIPLE", "text/plain;charset=utf-8", "image/png"] {
        assert!(targets.lines().any(|line| line == target), "{target} in {targets}");
    }
    Ok(())
}

#[test]
fn what_is_copied_is_told() -> Result<()> {
    let xvfb = Xvfb::start(320, 240)?;
    let control = Control::start(&xvfb.display, 320, 240)?;
    let folder = tempfile::tempdir()?;
    let (text, png) = samples();
    let copy = |target: &str, content: &[u8]| {
        let file = folder.path().join("content");
        std::fs::write(&file, content)?;
        xclip::copy(&xvfb.display, "clipboard", target, &file)
    };

    // There before anybody asks.
    let first = copy("UTF8_STRING", b"early")?;
    while xclip::paste(&xvfb.display, "clipboard", "UTF8_STRING").ok().as_deref() != Some(b"early") {}
    control.tell(gst::Structure::builder("egldesktop-report").field("clipboard", true).build())?;
    let told = |field: &str, content: &[u8]| {
        control.wait_for("egldesktop-clipboard", |it| (bytes(it, field)? == content).then_some(()))
    };
    told("text", b"early")?;
    drop(first);
    let second = copy("UTF8_STRING", &text)?;
    told("text", &text)?;
    drop(second);
    let third = copy("image/png", &png)?;
    told("png", &png)?;
    drop(third);
    let _fourth = copy("STRING", b"Stra\xdfe")?;
    told("text", "Straße".as_bytes())
}
