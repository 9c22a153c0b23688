//! The page comes back by itself: after a server that was killed, a network that was gone, a tab that was frozen. It is
//! never loaded again, and never stays with a dead picture.

use std::time::Duration;

use anyhow::Result;
use egldesktop_tests::browser::{Browser, Driver};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::link::{Link, NEAR, Profile, between};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;

/// A page that is loaded anew does not know this any more.
pub(crate) const MARK: &str = "window.isTheSamePage = true";
const IS_MARKED: &str = "return window.isTheSamePage === true";

fn desktop(xvfb: &Xvfb, more: &[(&str, &str)]) -> Result<Desktop> {
    let variables = [&[("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false")], more].concat();
    Desktop::start(&variables)
}

/// The picture is that of the desktop now, and the keys go there.
pub(crate) async fn works<D: Driver>(browser: &Browser<D>, painter: &Painter) -> Result<()> {
    browser.wait_for_state("live").await?;
    browser.next_video_frame().await?;
    browser.next_video_frame().await?;
    browser.wait_for_picture(painter.patches()).await?;
    browser.wait_for("return document.documentElement.dataset.control === 'true'").await?;
    browser.type_text("k").await?;
    painter.wait_for_seen(&Seen::Key(u32::from('k'), true))?;
    painter.wait_for_seen(&Seen::Key(u32::from('k'), false))?;
    browser.wait_for(IS_MARKED).await
}

#[test]
fn the_server_is_killed_and_started_again() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        let mut first = desktop(&xvfb, &[])?;
        let browser = Chromium::start().await?;
        browser.open(&first.address, USER, PASSWORD_IN_URL).await?;
        browser.run(MARK).await?;
        works(&browser, &painter).await?;

        first.process().signal(rustix::process::Signal::KILL)?;
        browser.wait_for_state("reconnecting").await?;
        // It keeps the last picture, says what is wrong once it has tried a few times, and offers to try at once.
        browser.wait_for("return !document.querySelector('#still').hidden").await?;
        browser.wait_for("return document.querySelector('.failing') !== null").await?;
        browser.wait_for("return document.body.innerText.includes('The server cannot be reached')").await?;
        browser.wait_for("return document.querySelector('.countdown').innerText !== ''").await?;
        drop(first);
        let second = desktop(&xvfb, &[])?;
        works(&browser, &painter).await?;

        // The button does not wait for the countdown. Another password is told, rather than asked for in a window.
        drop(second);
        browser.wait_for_state("reconnecting").await?;
        let _third = desktop(&xvfb, &[("PASSWD", "another one")])?;
        browser.run("document.querySelector('.overlay-actions .button').click()").await?;
        browser.wait_for_state("failed").await?;
        browser.wait_for("return document.body.innerText.includes('Sign in again')").await?;
        browser.wait_for(IS_MARKED).await?;
        browser.close().await
    });
}

struct Near {
    desktop: Desktop,
    painter: Painter,
    _xvfb: Xvfb,
}

/// The network between the desktop and such a browser is gone for ten seconds.
pub(crate) fn survives_ten_seconds_without_network<D: Driver>(
    start: impl AsyncFnOnce() -> Result<Browser<D>> + Send + 'static,
    variables: &'static [(&str, &str)],
) {
    between(
        move || {
            let xvfb = Xvfb::start(1280, 720)?;
            let painter = Painter::start(&xvfb.display)?;
            let desktop = desktop(&xvfb, &[variables, &[("SELKIES_ADDR", NEAR)]].concat())?;
            Ok(Near { desktop, painter, _xvfb: xvfb })
        },
        async |link: &Link, near: &Near| {
            let browser = start().await?;
            browser.open(&near.desktop.address, USER, PASSWORD_IN_URL).await?;
            browser.wait_for_transport("webrtc").await?;
            browser.run(MARK).await?;
            works(&browser, &near.painter).await?;
            link.set(Profile { loss: 1.0, ..Profile::default() });
            browser.wait_for_state("reconnecting").await?;
            // What is tested is this time itself.
            tokio::time::sleep(Duration::from_secs(10)).await;
            link.set(Profile::default());
            works(&browser, &near.painter).await?;
            browser.wait_for_transport("webrtc").await?;
            works(&browser, &near.painter).await?;
            browser.close().await
        },
    );
}

#[test]
fn the_network_is_gone_for_ten_seconds() {
    survives_ten_seconds_without_network(Chromium::start, &[]);
}

#[test]
fn the_tab_is_frozen() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = desktop(&xvfb, &[])?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.run(MARK).await?;
        works(&browser, &painter).await?;
        browser.devtools("Page.setWebLifecycleState", json!({ "state": "frozen" })).await?;
        tokio::time::sleep(Duration::from_secs(10)).await;
        browser.devtools("Page.setWebLifecycleState", json!({ "state": "active" })).await?;
        // Freezing has hidden it as well.
        let window = browser.devtools("Browser.getWindowForTarget", json!({})).await?["windowId"].clone();
        for state in ["minimized", "normal"] {
            let bounds = json!({ "windowId": window, "bounds": { "windowState": state } });
            browser.devtools("Browser.setWindowBounds", bounds).await?;
        }
        works(&browser, &painter).await?;
        browser.close().await
    });
}
