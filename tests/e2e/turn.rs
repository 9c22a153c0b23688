//! Through a TURN server, and nothing else.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::coturn::Coturn;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::get;
use egldesktop_tests::namespace::{IPV6, add_ipv6_address, isolated};
use egldesktop_tests::nat::{INTERNET, NEAR_ROUTER, Networks, Router};
use egldesktop_tests::painter::Painter;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;

const TURN: &str = "127.0.0.1";

/// A file of servers that allows no way but the relay.
fn write(path: &Path, host: &str, transport: &str, user: &str, password: &str) -> Result<()> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.into() };
    let url = format!("turn:{host}:3478?transport={transport}");
    let server = json!({ "urls": [url], "username": user, "credential": password });
    let text = json!({ "iceTransportPolicy": "relay", "iceServers": [server] }).to_string();
    // As editors and Kubernetes do it, so that nobody reads half a file.
    let new = path.with_extension("new");
    std::fs::write(&new, text)?;
    Ok(std::fs::rename(new, path)?)
}

fn relay_only(host: &'static str, transport: &'static str) {
    isolated(async move || {
        add_ipv6_address()?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("rtc.json");
        write(&file, host, transport, "ada", "first")?;
        let turn = Coturn::start(host, &["--lt-cred-mech", "--user=ada:first", "--user=eve:second"])?;
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let path = file.display().to_string();
        let variables = [
            ("DISPLAY", xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            ("EGLDESKTOP_TRANSPORT", "webrtc"),
            ("RTC_CONFIG_JSON", &path),
        ];
        let desktop = Desktop::start(&variables)?;
        let first = Chromium::start().await?;
        first.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        first.wait_for_picture(painter.patches()).await?;
        // The desktop and the browser: both log in.
        turn.wait_for_allocation("ada")?;
        turn.wait_for_allocation("ada")?;

        // Other credentials, while the session runs: who comes now gets these.
        write(&file, host, transport, "eve", "second")?;
        let deadline = Instant::now() + PATIENCE;
        let url = format!("http://{}/turn", desktop.address);
        while !get(&url, Some((USER, PASSWORD))).await?.1.contains("eve") {
            ensure!(Instant::now() < deadline, "the desktop does not read its file again");
        }
        let second = Chromium::start().await?;
        second.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        second.wait_for_picture(painter.patches()).await?;
        turn.wait_for_allocation("eve")?;
        turn.wait_for_allocation("eve")?;
        // And who was there goes on.
        first.next_video_frame().await?;
        first.next_video_frame().await?;
        second.close().await?;
        first.close().await
    });
}

#[test]
fn relay_only_over_udp() {
    relay_only(TURN, "udp");
}

#[test]
fn relay_only_over_tcp() {
    relay_only(TURN, "tcp");
}

#[test]
fn relay_only_over_udp_and_ipv6() {
    relay_only(IPV6, "udp");
}

#[test]
fn relay_only_over_tcp_and_ipv6() {
    relay_only(IPV6, "tcp");
}

/// What the desktop makes of a shared secret is what coTURN accepts.
#[test]
fn a_shared_secret() {
    isolated(async || {
        let turn = Coturn::start(TURN, &["--use-auth-secret", "--static-auth-secret=north"])?;
        let xvfb = Xvfb::start(640, 480)?;
        let variables = [
            ("DISPLAY", xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            ("TURN_HOST", TURN),
            ("TURN_SHARED_SECRET", "north"),
        ];
        let desktop = Desktop::start(&variables)?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        let body = get(&format!("http://{}/turn", desktop.address), Some((USER, PASSWORD))).await?.1;
        let configuration: serde_json::Value = serde_json::from_str(&body)?;
        let user = configuration["iceServers"][1]["username"].as_str().unwrap_or_default().to_owned();
        ensure!(user.ends_with(&format!(":{USER}")), "{body}");
        // Names differ by the second in which they were made.
        turn.wait_for_allocation(&format!(":{USER}"))?;
        browser.close().await
    });
}

fn behind_routers(transport: &'static str, far: Router) -> Result<()> {
    let networks = Networks::new(Router::Symmetric, far)?;
    let turn = networks.internet.run(|| Coturn::start(INTERNET, &["--lt-cred-mech", "--user=ada:first"]))?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rtc.json");
    write(&file, INTERNET, transport, "ada", "first")?;
    let desk = networks.near.run(move || {
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let path = file.display().to_string();
        let variables = [
            ("DISPLAY", xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            ("EGLDESKTOP_TRANSPORT", "webrtc"),
            ("RTC_CONFIG_JSON", &path),
            ("SELKIES_ADDR", "0.0.0.0"),
        ];
        let desktop = Desktop::start(&variables)?;
        Ok((desktop, painter, xvfb))
    })?;
    let patches = desk.1.patches().to_vec();
    networks.far.run_async(async move || {
        let browser = Chromium::start().await?;
        browser.open(&format!("{NEAR_ROUTER}:8080"), USER, PASSWORD_IN_URL).await?;
        browser.wait_for_picture(&patches).await?;
        browser.close().await
    })?;
    turn.wait_for_allocation("ada")?;
    turn.wait_for_allocation("ada")
}

#[test]
fn behind_routers_over_udp() -> Result<()> {
    behind_routers("udp", Router::Symmetric)
}

/// Where the browser's network lets no UDP out at all.
#[test]
fn behind_routers_over_tcp() -> Result<()> {
    behind_routers("tcp", Router::WithoutUdp)
}
