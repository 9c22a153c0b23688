//! WebRTC where only some ways are open.

use std::net::Ipv6Addr;

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::firewall::{Firewall, MEDIA, MEDIA_PORTS};
use egldesktop_tests::ice::{Candidate, offered, watch, way};
use egldesktop_tests::namespace::{IPV6, add_ipv6_address, isolated};
use egldesktop_tests::nat::{NEAR_ROUTER, Networks, Router};
use egldesktop_tests::painter::{Painter, Patch};
use egldesktop_tests::xvfb::Xvfb;

/// Opens the desktop at `address` by WebRTC and nothing else, and waits for its picture.
async fn watching(address: &str, patches: &[Patch]) -> Result<Chromium> {
    let browser = Chromium::start().await?;
    watch(&browser).await?;
    browser.open_url(&format!("http://{USER}:{PASSWORD_IN_URL}@{address}/?transport=webrtc")).await?;
    browser.wait_for("return document.documentElement.dataset.transport === 'webrtc'").await?;
    browser.wait_for_picture(patches).await?;
    Ok(browser)
}

/// A desktop on the loopback, with a port range; returns the way to it, and all that were offered.
async fn behind(_firewall: Firewall) -> Result<(Candidate, Vec<Candidate>)> {
    let xvfb = Xvfb::start(320, 240)?;
    let painter = Painter::start(&xvfb.display)?;
    let variables =
        [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("SELKIES_WEBRTC_PORT_RANGE", MEDIA_PORTS)];
    let desktop = Desktop::start(&variables)?;
    let browser = watching(&desktop.address, painter.patches()).await?;
    let found = (way(&browser).await?, offered(&browser).await?);
    browser.close().await?;
    Ok(found)
}

#[test]
fn only_the_page_and_udp_ports_pass() {
    isolated(async || {
        let (way, offered) = behind(Firewall::only_media_by_udp()?).await?;
        assert!(way.protocol == "udp" && MEDIA.contains(&way.port), "{way:?}");
        for candidate in offered {
            // What is not reached, but reaches out, has the port for "discard" (RFC 6544 §4.5).
            ensure!(MEDIA.contains(&candidate.port) || candidate.port == 9, "{candidate:?}");
        }
        Ok(())
    });
}

/// The desktop knows nothing of its public address but what it is told.
#[test]
fn an_announced_address_leads_through_a_router_that_maps_ports() -> Result<()> {
    let networks = Networks::new(Router::OneToOne, Router::Symmetric)?;
    let (_desktop, painter, _xvfb) = networks.near.run(|| {
        let xvfb = Xvfb::start(320, 240)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = Desktop::start(&[
            ("DISPLAY", &xvfb.display),
            ("ENABLE_AUDIO", "false"),
            ("SELKIES_ADDR", "0.0.0.0"),
            ("SELKIES_WEBRTC_PORT_RANGE", MEDIA_PORTS),
            ("SELKIES_WEBRTC_PUBLIC_IP", NEAR_ROUTER),
        ])?;
        Ok((desktop, painter, xvfb))
    })?;
    let patches = painter.patches().to_vec();
    networks.far.run_async(async move || {
        let browser = watching(&format!("{NEAR_ROUTER}:8080"), &patches).await?;
        let way = way(&browser).await?;
        assert!(way.protocol == "udp" && way.address == NEAR_ROUTER && MEDIA.contains(&way.port), "{way:?}");
        for candidate in offered(&browser).await? {
            ensure!(candidate.address == NEAR_ROUTER, "a private address: {candidate:?}");
        }
        browser.close().await
    })
}

#[test]
fn only_tcp_passes() {
    isolated(async || {
        let (way, _) = behind(Firewall::without_udp()?).await?;
        assert!(way.protocol == "tcp" && MEDIA.contains(&way.port), "{way:?}");
        Ok(())
    });
}

fn over_ipv6(address: &'static str) {
    isolated(async move || {
        let _firewall = Firewall::only_media_by_ipv6()?;
        add_ipv6_address()?;
        let xvfb = Xvfb::start(320, 240)?;
        let painter = Painter::start(&xvfb.display)?;
        let variables = [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("SELKIES_ADDR", address)];
        let desktop = Desktop::start(&variables)?;
        assert_eq!(desktop.address, format!("[{address}]:8080"));
        let browser = watching(&desktop.address, painter.patches()).await?;
        let way = way(&browser).await?;
        let found: Ipv6Addr = way.address.trim_matches(['[', ']']).parse().with_context(|| format!("{way:?}"))?;
        assert!([Ipv6Addr::LOCALHOST, IPV6.parse()?].contains(&found), "{way:?}");
        browser.close().await
    });
}

#[test]
fn the_loopback_of_ipv6() {
    over_ipv6("::1");
}

#[test]
fn an_address_of_ipv6() {
    over_ipv6(IPV6);
}
