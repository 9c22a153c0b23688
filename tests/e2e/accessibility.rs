//! What axe-core finds in the states of the page, in the light and in the dark: nothing. And what people do with the
//! keyboard alone.

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;

use crate::gamepad::PAD;

const RULES: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";

/// Comes from npm, for tests alone: `make web-tools` puts it there. `None`, with a loud word, where nobody has, but in CI.
fn axe() -> Result<Option<String>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/node_modules/axe-core/axe.min.js");
    let script = std::fs::read_to_string(path).with_context(|| format!("{path} is missing: run make web-tools"));
    match script {
        Ok(script) => Ok(Some(script)),
        Err(error) if std::env::var_os("CI").is_some() => Err(error),
        Err(error) => {
            eprintln!("*** NO CHECK OF ACCESSIBILITY: {error} ***");
            Ok(None)
        }
    }
}

/// Runs it in both colour schemes.
async fn check(browser: &Chromium, axe: &str, state: &str) -> Result<()> {
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await?;
        browser
            .wait_for(
                "return document.getAnimations().every((animation) => animation.playState !== 'running'
                   || animation.effect?.getComputedTiming().endTime === Infinity)",
            )
            .await?;
        browser.run(&format!("if (!window.axe) {{ {axe} }}")).await?;
        let found = browser
            .run_async(&format!(
                "axe.run(document, {{ runOnly: {RULES} }}).then(({{ violations }}) => arguments[0](violations.map(
                   ({{ id, nodes }}) => `${{id}}: ${{nodes.map((node) => `${{node.html}} ${{node.failureSummary}}`)}}`)),
                   (error) => arguments[0]([String(error)]))"
            ))
            .await?;
        ensure!(found == json!([]), "{state} in the {scheme}: {found:#}");
    }
    Ok(())
}

#[test]
fn axe_finds_nothing() {
    isolated(async || {
        let Some(axe) = axe()? else { return Ok(()) };
        let xvfb = Xvfb::start(1280, 720)?;
        // It will be killed, and leave what its gamepads are.
        let folder = tempfile::tempdir()?;
        let sockets = folder.path().display().to_string();
        let variables = [("DISPLAY", &*xvfb.display), ("ENABLE_AUDIO", "false"), ("SELKIES_JS_SOCKET_PATH", &sockets)];
        let mut desktop = Desktop::start(&variables)?;
        let address = desktop.address.clone();
        let refused = Chromium::start().await?;
        // What is behind the browser's own window.
        refused.devtools("Network.enable", json!({})).await?;
        let headers = json!({ "headers": { "X-Requested-With": "test" } });
        refused.devtools("Network.setExtraHTTPHeaders", headers).await?;
        refused.goto(&format!("http://{address}/")).await?;
        refused.wait_for("return document.querySelector('h1') !== null").await?;
        check(&refused, &axe, "wrong password").await?;
        refused.close().await?;

        let browser = Chromium::start().await?;
        browser.open(&address, USER, PASSWORD_IN_URL).await?;
        check(&browser, &axe, "live").await?;
        browser.run("document.querySelector('[aria-controls=panel-sheet]').click()").await?;
        browser.run("document.querySelector('.help').open = true").await?;
        browser.run(PAD).await?;
        check(&browser, &axe, "panel").await?;
        browser.run("document.querySelector('[aria-controls=panel-sheet]').click()").await?;
        browser.resize(390, 844, true).await?;
        browser.run("document.querySelector('.action.touch-only').click()").await?;
        browser.wait_for("return !document.querySelector('#keybar').hidden").await?;
        check(&browser, &axe, "phone with keys").await?;

        desktop.process().signal(rustix::process::Signal::KILL)?;
        browser.wait_for("return document.querySelector('.failing') !== null").await?;
        check(&browser, &axe, "unreachable").await?;
        browser.close().await
    });
}

#[test]
fn the_panel_is_reached_and_left_with_the_keyboard() {
    isolated(async || {
        const FOCUS: &str = "document.activeElement";
        let xvfb = Xvfb::start(1280, 720)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.wait_for(&format!("return {FOCUS}.id === 'keys'")).await?;
        browser.press(&[CONTROL, SHIFT, 'm']).await?;
        browser.wait_for(&format!("return {FOCUS}.id === 'panel-sheet'")).await?;
        browser.press(&[TAB]).await?;
        browser.wait_for(&format!("return {FOCUS}.matches('.sheet button')")).await?;
        browser.press(&[ESCAPE]).await?;
        browser.wait_for(&format!("return {FOCUS}.id === 'keys'")).await?;
        browser.close().await
    });
}

/// WebDriver's names for keys (W3C WebDriver, 17.4.2).
const CONTROL: char = '\u{e009}';
const SHIFT: char = '\u{e008}';
const TAB: char = '\u{e004}';
const ESCAPE: char = '\u{e00c}';
