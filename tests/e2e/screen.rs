//! The screen follows the window, and the pointer is drawn by the browser.

use anyhow::Result;
use egldesktop_tests::browser::{Browser, Driver};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::Painter;
use egldesktop_tests::random::Random;
use egldesktop_tests::xvfb::Xvfb;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt as _};

use crate::scene::start_desktop;

const RESIZABLE: (&str, &str) = ("SELKIES_ENABLE_RESIZE", "true");

/// The screen takes the sizes that the page's window gets, and is whole afterwards.
pub(crate) async fn follows_the_window<D: Driver>(browser: Browser<D>, variables: &[(&str, &str)]) -> Result<()> {
    let xvfb = Xvfb::start(1920, 1200)?;
    let desktop = start_desktop(&xvfb, &[variables, &[RESIZABLE]].concat())?;
    browser.set_page_size(1001, 700).await?;
    browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
    browser.wait_for_transport("webrtc").await?;
    for (width, height) in [(1000, 700), (1300, 600)] {
        browser.set_page_size(width, height).await?;
        let follows = format!(
            "const {{ videoWidth, videoHeight }} = document.querySelector('video');
             return videoWidth === {width} && videoHeight === {height}"
        );
        browser.wait_for(&follows).await?;
    }
    let painter = Painter::start(&xvfb.display)?;
    browser.wait_for_picture(painter.patches()).await?;
    browser.close().await
}

#[test]
fn the_screen_follows_the_window() {
    isolated(async || follows_the_window(Chromium::start().await?, &[]).await);
}

#[test]
fn a_hundred_random_sizes_end_in_the_right_picture() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(1920, 1200)?;
        let desktop = start_desktop(&xvfb, &[RESIZABLE])?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.wait_for_control(true).await?;
        let mut random = Random(std::process::id().into());
        eprintln!("seed {}", random.0);
        for _ in 0..100 {
            let (width, height) = (200 + random.below(1720), 200 + random.below(1000));
            viewer.send(&format!("r,{width}x{height}")).await?;
            let done = format!("resolution,{}x{}", width.next_multiple_of(2), height.next_multiple_of(2));
            viewer.message(|message| (message["data"]["action"] == done.as_str()).then_some(())).await?;
        }
        let painter = Painter::start(&xvfb.display)?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.close().await
    });
}

#[test]
fn the_browser_draws_the_pointer_of_the_desktop() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let (connection, number) = x11rb::connect(Some(&xvfb.display))?;
        let root = connection.setup().roots[number].root;
        let set_cursor = |glyph: u16| -> Result<()> {
            let (font, cursor) = (connection.generate_id()?, connection.generate_id()?);
            connection.open_font(font, b"cursor")?;
            connection.create_glyph_cursor(cursor, font, font, glyph, glyph + 1, 0, 0, 0, 0xffff, 0xffff, 0xffff)?;
            connection.change_window_attributes(root, &ChangeWindowAttributesAux::new().cursor(cursor))?.check()?;
            Ok(())
        };
        // X11/cursorfont.h
        const XTERM: u16 = 152;
        const CROSSHAIR: u16 = 34;
        set_cursor(XTERM)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        // The one that was there before anybody looked; then another one.
        let shown = "const { cursor } = document.getElementById('stage').style;";
        browser.wait_for(&format!("{shown} return cursor.includes('data:image/png')")).await?;
        browser.run(&format!("{shown} window.before = cursor;")).await?;
        set_cursor(CROSSHAIR)?;
        browser.wait_for(&format!("{shown} return cursor !== before && cursor.includes('data:image/png')")).await?;
        browser.close().await
    });
}
