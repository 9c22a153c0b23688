//! Packets are lost on their way, and the picture is the right one all the same.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::ice::watch;
use egldesktop_tests::link::{Link, NEAR, Profile, between};
use egldesktop_tests::noise::Noise;
use egldesktop_tests::painter::Painter;
use egldesktop_tests::xvfb::Xvfb;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};

const WIDTH: u16 = 640;
const HEIGHT: u16 = 480;
/// Of a macroblock.
const BLOCK: usize = 16;
/// How far a block's colours may be from what was drawn, on average: coarse quantisation is within it, and so is the border
/// between two colours, which the halved resolution of colour blurs. What stays of noise is not.
const FAR: u64 = 24;

struct Near {
    desktop: Desktop,
    xvfb: Xvfb,
    _painter: Painter,
}

/// What is on the screen, 4 bytes a pixel, blue first.
fn drawn(display: &str) -> Result<Vec<u8>> {
    let (connection, screen) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[screen].root;
    Ok(connection.get_image(ImageFormat::Z_PIXMAP, root, 0, 0, WIDTH, HEIGHT, !0)?.reply()?.data)
}

/// What the page shows, 4 bytes a pixel, red first.
async fn shown(browser: &Chromium) -> Result<Vec<u8>> {
    let script = format!(
        "const canvas = new OffscreenCanvas({WIDTH}, {HEIGHT}), context = canvas.getContext('2d');
         context.drawImage(document.querySelector('video'), 0, 0);
         const {{ data }} = context.getImageData(0, 0, {WIDTH}, {HEIGHT});
         let text = '';
         for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
         return btoa(text);"
    );
    let text = browser.run(&script).await?;
    Ok(base64::engine::general_purpose::STANDARD.decode(text.as_str().context("no picture")?)?)
}

/// The blocks that are not what was drawn, and how far they are from it.
fn wrong_blocks(drawn: &[u8], shown: &[u8]) -> Vec<(usize, usize, u64)> {
    let (width, height) = (usize::from(WIDTH), usize::from(HEIGHT));
    let far = |left: usize, top: usize| {
        let pixels = (0..BLOCK * BLOCK).map(|index| (top + index / BLOCK) * width + left + index % BLOCK);
        let channels = pixels.flat_map(|pixel| [(0, 2), (1, 1), (2, 0)].map(|(a, b)| (pixel * 4 + a, pixel * 4 + b)));
        channels.map(|(a, b)| u64::from(drawn[a].abs_diff(shown[b]))).sum::<u64>() / (BLOCK * BLOCK * 3) as u64
    };
    let places = (0..height).step_by(BLOCK).flat_map(|top| (0..width).step_by(BLOCK).map(move |left| (left, top)));
    places.map(|(left, top)| (left, top, far(left, top))).filter(|(_, _, far)| *far > FAR).collect()
}

/// One packet in twenty is lost while noise is drawn, and afterwards. `check` gets what the browser counted of the video
/// (<https://www.w3.org/TR/webrtc-stats/#inboundrtpstats-dict*>).
fn is_right(variables: &'static [(&str, &str)], check: fn(&serde_json::Value) -> bool) {
    between(
        move || {
            let xvfb = Xvfb::start(WIDTH.into(), HEIGHT.into())?;
            let painter = Painter::start(&xvfb.display)?;
            let always = [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("SELKIES_ADDR", NEAR)];
            let desktop = Desktop::start(&[&always[..], variables].concat())?;
            Ok(Near { desktop, xvfb, _painter: painter })
        },
        async move |link: &Link, near: &Near| {
            let browser = Chromium::start().await?;
            watch(&browser).await?;
            let address = &near.desktop.address;
            browser.open_url(&format!("http://{USER}:{PASSWORD_IN_URL}@{address}/?transport=webrtc")).await?;
            link.set(Profile { delay: Duration::from_millis(10), loss: 0.05, rate: None });
            let noise = Noise::start(&near.xvfb.display)?;
            for _ in 0..100 {
                browser.next_video_frame().await?;
            }
            drop(noise);
            let deadline = Instant::now() + PATIENCE;
            loop {
                let wrong = wrong_blocks(&drawn(&near.xvfb.display)?, &shown(&browser).await?);
                if wrong.is_empty() {
                    break;
                }
                ensure!(Instant::now() < deadline, "{} blocks are wrong, such as {:?}", wrong.len(), wrong[0]);
                browser.next_video_frame().await?;
            }
            let video = browser
                .resolve(
                    "window.connection.getStats().then((stats) =>
                        [...stats.values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video'))",
                )
                .await?;
            ensure!(check(&video), "{video}");
            browser.close().await
        },
    );
}

#[test]
fn they_are_sent_again() {
    is_right(&[], |video| video["retransmittedPacketsReceived"].as_u64() > Some(0));
}

#[test]
fn who_asks_for_error_correction_has_a_right_picture_as_well() {
    is_right(&[("SELKIES_VIDEO_PACKETLOSS_PERCENT", "20")], |video| {
        video["retransmittedPacketsReceived"].as_u64() > Some(0)
    });
}
