//! What most tests begin with.

use anyhow::Result;
use egldesktop_tests::browser::{Browser, Driver};
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::painter::Painter;
use egldesktop_tests::xvfb::Xvfb;

/// A browser that shows a desktop, on whose screen is nothing but a painter. What it is made of ends in this order.
pub(crate) struct Scene<D> {
    pub(crate) browser: Browser<D>,
    pub(crate) painter: Painter,
    pub(crate) desktop: Desktop,
    pub(crate) xvfb: Xvfb,
}

impl<D: Driver> Scene<D> {
    /// Starts all of it, without sound, with these variables, and returns when the picture is in the browser.
    pub(crate) async fn open(
        browser: Browser<D>,
        (width, height): (u32, u32),
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let xvfb = Xvfb::start(width, height)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = start_desktop(&xvfb, variables)?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        Ok(Self { browser, painter, desktop, xvfb })
    }
}

/// A desktop that serves this screen, without sound.
pub(crate) fn start_desktop(xvfb: &Xvfb, variables: &[(&str, &str)]) -> Result<Desktop> {
    Desktop::start(&[&[("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false")], variables].concat())
}
