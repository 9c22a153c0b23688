//! `selkiessignal` without a browser: how it starts, refuses and stops.

use anyhow::{Context as _, Result};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::{http, process::Process};
use gst::prelude::*;

fn signal(listen: &str) -> Result<gst::Element> {
    super::init();
    Ok(gst::ElementFactory::make("selkiessignal").property("listen", listen).build()?)
}

fn error_of(element: &gst::Element) -> Result<String> {
    let pipeline = gst::Pipeline::new();
    pipeline.add(element)?;
    assert!(pipeline.set_state(gst::State::Playing).is_err());
    let message = pipeline.bus().context("no bus")?.pop_filtered(&[gst::MessageType::Error]).context("no error")?;
    pipeline.set_state(gst::State::Null)?;
    let gst::MessageView::Error(error) = message.view() else { anyhow::bail!("{message:?}") };
    Ok(error.error().message().to_owned())
}

#[test]
fn no_password_only_on_the_loopback() -> Result<()> {
    let error = error_of(&signal("0.0.0.0:0")?)?;
    assert!(error.contains("without a password"), "{error}");
    let error = error_of(&signal("nonsense")?)?;
    assert!(error.contains("nonsense"), "{error}");
    let joins = signal("127.0.0.1:0")?;
    joins.set_property("signalling-uri", "ws://ada:hunter2@localhost/ws");
    let error = error_of(&joins)?;
    assert!(error.contains("properties of their own") && !error.contains("hunter2"), "{error}");
    Ok(())
}

#[test]
fn an_address_in_use_is_named() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let error = error_of(&signal(&address)?)?;
    assert!(error.contains(&address), "{error}");
    Ok(())
}

#[test]
fn it_starts_and_stops_again_and_again() -> Result<()> {
    super::init();
    let text = "videotestsrc is-live=true ! x264enc tune=zerolatency ! selkiessignal name=s listen=127.0.0.1:0";
    let pipeline = gst::parse::launch(text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
    let signal = pipeline.by_name("s").context("no sink")?;
    for _ in 0..5 {
        pipeline.set_state(gst::State::Playing)?;
        let address = signal.property::<Option<String>>("bound-address").context("no address")?;
        assert!(std::net::TcpStream::connect(&address).is_ok());
        pipeline.set_state(gst::State::Null)?;
        assert_eq!(signal.property::<Option<String>>("bound-address"), None);
        assert!(std::net::TcpStream::connect(&address).is_err());
    }
    Ok(())
}

/// The line of the README, word for word.
#[test]
fn gst_launch_serves_a_desktop() {
    isolated(async || {
        let xvfb = egldesktop_tests::xvfb::Xvfb::start(640, 480)?;
        let painter = egldesktop_tests::painter::Painter::start(&xvfb.display)?;
        let plugins = egldesktop_tests::process::built("libgstegldesktop.so")?;
        let home = tempfile::tempdir()?;
        let line = "egldesktopsrc show-pointer=false ! videoconvert ! x264enc tune=zerolatency ! selkiessignal";
        let mut launch = Process::start(
            std::process::Command::new("gst-launch-1.0")
                .args(line.split_ascii_whitespace())
                .env("DISPLAY", &xvfb.display)
                .env("GST_PLUGIN_PATH", plugins.parent().context("no folder")?)
                .env("GST_REGISTRY", home.path().join("registry.bin"))
                .stdout(std::process::Stdio::piped()),
        )?;
        let lines = launch.lines()?;
        egldesktop_tests::process::wait_for_line(&lines, |line| line.contains("New clock").then_some(()))?;
        let (status, body) = http::get("http://127.0.0.1:8080/", None).await?;
        assert!(status == 200 && body.contains("<video"));

        let browser = egldesktop_tests::chromium::Chromium::start().await?;
        browser.open_freely("127.0.0.1:8080").await?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.close().await
    });
}
