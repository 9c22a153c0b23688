//! Several browsers at one desktop.

use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::painter::Painter;
use egldesktop_tests::xvfb::Xvfb;

#[test]
fn the_second_goes_on_when_the_first_leaves() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let first = Chromium::start().await?;
        first.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        first.wait_for_picture(painter.patches()).await?;

        let second = Chromium::start().await?;
        second.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        second.wait_for_picture(painter.patches()).await?;
        first.wait_for_picture(painter.patches()).await?;

        first.close().await?;
        // Another picture, so that it is not the last frame that is looked at.
        drop(painter);
        let black = egldesktop_tests::painter::Patch { x: 640, y: 360, rgb: [0, 0, 0] };
        second.wait_for_picture(&[black]).await?;
        let painter = Painter::start(&xvfb.display)?;
        second.wait_for_picture(painter.patches()).await?;
        second.close().await
    });
}
