//! Takes a picture of the page in each of its states, for people to look at: `target/screenshots/*.png`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::make_link;
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::process::target_dir;
use serde_json::json;

use crate::gamepad::PAD;

/// No candidate arrives, so that no path is found.
const NO_PATH: &str = "
    RTCPeerConnection.prototype.addIceCandidate = async () => {};
    const set = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (offer) {
      return set.call(this, { ...offer, sdp: offer.sdp.replace(/^a=candidate.*\\r\\n/gm, '') });
    };";
/// The desktop is drawn once its middle is not black and nothing larger than what an encoder does to a still picture has
/// changed for a second and a half.
const DRAWN: &str = "
    const canvas = new OffscreenCanvas(64, 40), context = canvas.getContext('2d');
    context.drawImage(document.querySelector('video'), 0, 0, 64, 40);
    const data = context.getImageData(0, 0, 64, 40).data, middle = 4 * (64 * 20 + 32);
    const drawn = data[middle] + data[middle + 1] + data[middle + 2] > 30;
    if (!drawn || !window.seen || window.seen.some((value, at) => Math.abs(value - data[at]) > 24)) {
      window.seen = data;
      window.since = performance.now();
    }
    return drawn && performance.now() - window.since > 1500;";
const OPEN_PANEL: &str = "document.querySelector('[aria-controls=panel-sheet]').click()";

struct Album {
    folder: PathBuf,
}

impl Album {
    fn new() -> Result<Self> {
        let folder = target_dir().parent().context("no target folder")?.join("screenshots");
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Takes the picture once what moves has come to rest, in the dark and in the light.
    async fn take(&self, browser: &Chromium, name: &str) -> Result<()> {
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await?;
            // The animations that go on for ever belong to the picture.
            browser
                .wait_for(
                    "return document.getAnimations().every((animation) => animation.playState !== 'running'
                       || animation.effect?.getComputedTiming().endTime === Infinity)",
                )
                .await?;
            std::fs::write(self.folder.join(format!("{name}-{scheme}.png")), browser.screenshot().await?)?;
        }
        Ok(())
    }
}

async fn panel_in_view(browser: &Chromium) -> Result<()> {
    browser.wait_for("return document.querySelector('.graph strong').innerText !== '–'").await?;
    // Once the first sender report has told how the clocks differ.
    browser.wait_for("return document.querySelector('.latency strong').innerText !== '–'").await
}

#[test]
fn every_state_has_its_picture() {
    isolated(async || {
        add_address()?;
        let album = Album::new()?;
        let size = [("SIZEW", "1280"), ("SIZEH", "800"), ("NOVNC_VIEWPASS", "only watch")];
        let mut desktop = Desktop::start(&size)?;
        let address = desktop.address.clone();
        let with_login = format!("http://{USER}:{PASSWORD_IN_URL}@{address}/");

        let stuck = Chromium::start().await?;
        stuck.resize(1280, 800, false).await?;
        stuck.prepare(NO_PATH).await?;
        stuck.goto(&format!("{with_login}?transport=webrtc")).await?;
        stuck.wait_for("return document.documentElement.dataset.stage === 'ice'").await?;
        album.take(&stuck, "connecting").await?;
        stuck.wait_for_state("failed").await?;
        album.take(&stuck, "no-path").await?;
        stuck.close().await?;

        let refused = Chromium::start().await?;
        refused.resize(1280, 800, false).await?;
        // What is behind the browser's own window.
        refused.devtools("Network.enable", json!({})).await?;
        let headers = json!({ "headers": { "X-Requested-With": "test" } });
        refused.devtools("Network.setExtraHTTPHeaders", headers).await?;
        refused.goto(&format!("http://{address}/")).await?;
        refused.wait_for("return document.querySelector('h1') !== null").await?;
        album.take(&refused, "wrong-password").await?;
        refused.close().await?;

        let browser = Chromium::start().await?;
        browser.resize(1280, 800, false).await?;
        browser.open(&address, USER, PASSWORD_IN_URL).await?;
        browser.wait_for(DRAWN).await?;
        album.take(&browser, "streaming").await?;
        browser.run(OPEN_PANEL).await?;
        panel_in_view(&browser).await?;
        album.take(&browser, "panel").await?;
        browser.run(PAD).await?;
        browser.run("press(0, true); pad.axes[0] = -0.7; pad.axes[3] = 0.4").await?;
        browser.run("document.querySelector('.pad').scrollIntoView({ block: 'center' })").await?;
        // The note that it is there has gone.
        browser.wait_for("return document.querySelector('.toast') === null").await?;
        album.take(&browser, "panel-middle").await?;
        browser.run("document.querySelector('.sheet').scrollTo(0, 1e6)").await?;
        album.take(&browser, "panel-end").await?;

        // Somebody asks for control.
        let login = Some((USER, PASSWORD));
        let wish = json!({ "control": false });
        let mut asking = Viewer::start_with(&address, "/webrtc/signalling/", login, wish).await?;
        asking.wait_for_control(false).await?;
        asking.send("_control,ask").await?;
        browser.wait_for("return document.querySelector('.asking-chip') !== null").await?;
        browser.run(OPEN_PANEL).await?;
        album.take(&browser, "asking").await?;
        browser.run(OPEN_PANEL).await?;
        drop(asking);

        // Another one takes over.
        let mut other = Viewer::start(&address, PASSWORD).await?;
        other.wait_for_control(true).await?;
        browser.wait_for("return document.documentElement.dataset.control === 'false'").await?;
        browser.run("document.querySelector('.sheet').scrollTo(0, 0)").await?;
        album.take(&browser, "watching-panel").await?;
        browser.run(OPEN_PANEL).await?;
        album.take(&browser, "watching").await?;
        drop(other);

        // A guest, and a phone.
        let link = make_link(&address, (USER, PASSWORD), true).await?;
        let guest = Chromium::start().await?;
        guest.resize(1280, 800, false).await?;
        guest.open_url(&format!("http://{address}/join#{link}")).await?;
        album.take(&guest, "view-only").await?;
        guest.close().await?;

        let phone = Chromium::start().await?;
        phone.resize(390, 844, true).await?;
        phone.open(&address, USER, PASSWORD_IN_URL).await?;
        album.take(&phone, "phone").await?;
        phone.run(OPEN_PANEL).await?;
        panel_in_view(&phone).await?;
        album.take(&phone, "phone-panel").await?;
        phone.run("document.querySelector('.action.touch-only').click()").await?;
        // Where the on-screen keyboard of a phone would be.
        phone.run("document.documentElement.style.setProperty('--covered', '300px')").await?;
        album.take(&phone, "phone-keyboard").await?;
        phone.run("document.documentElement.style.setProperty('--covered', '0px')").await?;
        phone.run("document.querySelector('#keybar .key:last-child').click()").await?;
        let gamepad = "[...document.querySelectorAll('.action.touch-only')].at(-1).click()";
        phone.run(gamepad).await?;
        phone.wait_for("return document.querySelector('.toast') === null").await?;
        album.take(&phone, "phone-gamepad").await?;
        phone.close().await?;

        // The server is gone, and comes back with another password.
        desktop.process().signal(rustix::process::Signal::KILL)?;
        browser.wait_for_state("reconnecting").await?;
        album.take(&browser, "reconnecting").await?;
        browser.wait_for("return document.querySelector('.failing') !== null").await?;
        album.take(&browser, "unreachable").await?;
        drop(desktop);
        let _another = Desktop::start(&[("SIZEW", "1280"), ("SIZEH", "800"), ("PASSWD", "another one")])?;
        browser.wait_for_state("failed").await?;
        album.take(&browser, "signed-out").await?;
        browser.close().await
    });
}
