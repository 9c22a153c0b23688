//! Somebody sets the clock of the machine, by hours, forward and back, during a session: nothing that lasts goes by it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::clock::Clock;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::{ask, get, make_link, open_link};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::Painter;
use egldesktop_tests::socket_viewer::SocketViewer;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::{Value, json};

use crate::reconnect::{MARK, works};

const LOGIN: Option<(&str, &str)> = Some((USER, PASSWORD));
/// How the clock is set, one after the other: longer than a session or a link is good, and before it began.
const SET: [(&str, i64); 3] = [("+3d", 3 * 86_400), ("-5h", -5 * 3600), ("+0", 0)];
/// What is between two readings of the clock, in seconds: more than anything in a test takes.
const NEAR: i64 = 1800;

struct World {
    clock: Clock,
    xvfb: Xvfb,
    painter: Painter,
}

impl World {
    fn new() -> Result<Self> {
        add_address()?;
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        Ok(Self { clock: Clock::new()?, xvfb, painter })
    }

    fn desktop(&self, more: &[(&str, &str)]) -> Result<Desktop> {
        let variables = [
            ("DISPLAY", self.xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            // Its credentials go by the time of day.
            ("TURN_HOST", "127.0.0.1"),
            ("TURN_SHARED_SECRET", "north"),
        ];
        Desktop::start(&[&variables, self.clock.variables().as_slice(), more].concat())
    }
}

/// The desktop's clock is off by so many seconds: what it makes for the TURN server tells, which is good for a day.
async fn is_set(address: &str, seconds: i64) -> Result<()> {
    let body = get(&format!("http://{address}/turn"), LOGIN).await?.1;
    let configuration: Value = serde_json::from_str(&body)?;
    let user = configuration["iceServers"][1]["username"].as_str().with_context(|| body.clone())?;
    let expiry: i64 = user.split(':').next().unwrap_or_default().parse()?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    ensure!((expiry - now - seconds - 86_400).abs() < NEAR, "the clock is not off by {seconds} s: {user}; it is {now}");
    Ok(())
}

async fn somebody_else_sees_it(address: &str, transport: &str) -> Result<()> {
    match transport {
        "webrtc" => Viewer::start(address, PASSWORD).await?.wait_for_frames(2).await,
        _ => SocketViewer::start(address, json!({})).await?.wait_for_frames(2).await,
    }
}

/// Notes that the session was lost, or begun anew.
const WATCH: &str = "window.wasLost = false;
    new MutationObserver(() => { window.wasLost ||= document.documentElement.dataset.state !== 'live'; })
        .observe(document.documentElement, { attributes: true });";

fn goes_on(transport: &'static str) {
    isolated(async move || {
        let world = World::new()?;
        let desktop = world.desktop(&[("EGLDESKTOP_TRANSPORT", transport)])?;
        let address = &desktop.address;
        let browser = Chromium::start().await?;
        browser.open(address, USER, PASSWORD_IN_URL).await?;
        browser.wait_for_transport(transport).await?;
        browser.run(MARK).await?;
        works(&browser, &world.painter).await?;
        browser.run(WATCH).await?;
        for (offset, seconds) in SET {
            world.clock.set(offset)?;
            is_set(address, seconds).await?;
            works(&browser, &world.painter).await.with_context(|| format!("at {offset}"))?;
            somebody_else_sees_it(address, transport).await.with_context(|| format!("somebody else at {offset}"))?;
            works(&browser, &world.painter).await.with_context(|| format!("at {offset}, alone again"))?;
        }
        browser.wait_for("return !window.wasLost").await?;
        browser.close().await
    });
}

#[test]
fn a_session_over_webrtc_goes_on() {
    goes_on("webrtc");
}

#[test]
fn a_session_over_a_websocket_goes_on() {
    goes_on("websocket");
}

/// What a request comes to, once it comes to that: what is over needs its seconds, and no more of them.
async fn wait_for_status(wanted: u16, request: impl AsyncFn() -> Result<u16>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = request().await?;
        if status == wanted {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "it is {status}, and does not become {wanted}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn who_may_come_in_does_not_go_by_it() {
    isolated(async || {
        let world = World::new()?;
        let desktop = world.desktop(&[("EGLDESKTOP_LOGIN_ATTEMPTS", "2"), ("EGLDESKTOP_SESSION_LIFETIME", "86400")])?;
        let address = &desktop.address;
        let page = format!("http://{address}/");
        let session = ask("GET", &page, LOGIN, &[], "").await?.cookie().context("no cookie")?;
        let status = async |login: Option<(&str, &str)>, fields: &[(&str, &str)]| -> Result<u16> {
            Ok(ask("GET", &page, login, fields, "").await?.status)
        };
        let with_session = async || status(None, &[("cookie", &session)]).await;
        let login = (USER, PASSWORD);
        let (at_once, later) = (make_link(address, login, true).await?, make_link(address, login, false).await?);
        let short = ask("POST", &format!("http://{address}/links"), LOGIN, &[], &json!({ "lifetime": 1 }).to_string())
            .await?
            .body;
        let short: Value = serde_json::from_str(&short)?;
        let short = short["link"].as_str().context("no link")?;

        // All three are good for a day, and are so after three.
        world.clock.set("+3d")?;
        is_set(address, 3 * 86_400).await?;
        ensure!(with_session().await? == 200, "the session is over");
        let guest = open_link(address, &at_once).await?.cookie().context("the link is over")?;
        let guest = Viewer::start_with_cookie(address, &guest).await?;
        guest.wait_for_frames(2).await?;
        ensure!(open_link(address, &at_once).await?.status == 403, "a link for one opens twice");

        // What is over after a second is so, though the clock says that it has not even begun.
        world.clock.set("-5h")?;
        is_set(address, -5 * 3600).await?;
        wait_for_status(403, async || Ok(open_link(address, short).await?.status)).await?;
        ensure!(open_link(address, &later).await?.status < 300, "a link is over");
        ensure!(with_session().await? == 200, "the session is over");

        // Who has to wait for a second waits for that, and not for the clock to be there again.
        let mut guesses = 0_u32;
        while status(Some((USER, &guesses.to_string())), &[]).await? != 429 {
            guesses += 1;
            ensure!(guesses < 10, "nobody has to wait");
        }
        world.clock.set("-3d")?;
        wait_for_status(200, async || status(LOGIN, &[]).await).await?;
        is_set(address, -3 * 86_400).await?;
        guest.wait_for_frames(1).await
    });
}
