//! The page as an app: what browsers need to install it, and that nothing of an older one stays.

use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::{ask, get};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;

#[test]
fn the_page_can_be_installed() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let variables = [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("PWA_APP_NAME", "Render box")];
        let desktop = Desktop::start(&variables)?;
        let login = Some((USER, PASSWORD));
        let url = |path: &str| format!("http://{}/{path}", desktop.address);
        let (status, body) = get(&url("manifest.webmanifest"), login).await?;
        let manifest: serde_json::Value = serde_json::from_str(&body)?;
        assert_eq!((status, &manifest["name"]), (200, &json!("Render box")));
        for icon in manifest["icons"].as_array().into_iter().flatten() {
            assert_eq!(get(&url(icon["src"].as_str().unwrap_or_default()), login).await?.0, 200, "{icon}");
        }

        let browser = Chromium::start().await?;
        // What another client has left under this address, before our page is there.
        browser.goto(&format!("http://{USER}:{PASSWORD_IN_URL}@{}/turn", desktop.address)).await?;
        browser.run_async("caches.open('selkies-webrtc-pwa').then(() => arguments[0]())").await?;
        // With the password in it, the address would be another one than that of the manifest.
        browser.open_freely(&desktop.address).await?;
        let found = browser.devtools("Page.getInstallabilityErrors", json!({})).await?;
        assert_eq!(found["installabilityErrors"], json!([]), "{found}");

        // It goes, and the new worker keeps nothing itself.
        browser.wait_for_async("caches.keys().then((names) => arguments[0](names.length === 0))").await?;
        browser.close().await
    });
}

/// Selkies' clients have scripts and styles in their page, and compile templates.
#[test]
fn a_page_of_the_operators_own_may_do_what_it_wants() {
    isolated(async || {
        let page = "<!doctype html><meta charset=utf-8><title>mine</title><style>body { color: rgb(1, 2, 3) }</style>
                    <p style='margin: 7px'>mine</p><script>window.answer = new Function('return 42')()</script>";
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("index.html"), page)?;
        let root = folder.path().display().to_string();
        let xvfb = Xvfb::start(640, 480)?;
        let variables = [("DISPLAY", &*xvfb.display), ("ENABLE_AUDIO", "false"), ("SELKIES_WEB_ROOT", &root)];
        let desktop = Desktop::start(&variables)?;

        let browser = Chromium::start().await?;
        browser.goto(&format!("http://{USER}:{PASSWORD_IN_URL}@{}/", desktop.address)).await?;
        let seen = "return [window.answer, getComputedStyle(document.body).color,
                            getComputedStyle(document.querySelector('p')).margin]";
        assert_eq!(browser.run(seen).await?, json!([42, "rgb(1, 2, 3)", "7px"]));
        // But no other site may put it into a frame, and click there for the user.
        let answer = ask("GET", &format!("http://{}/", desktop.address), Some((USER, PASSWORD)), &[], "").await?;
        assert!(answer.field("content-security-policy").contains("frame-ancestors 'self'"), "{:?}", answer.headers);
        browser.close().await
    });
}

/// Browsers give up the requests of a page when the network changes, as it does when a laptop wakes: without any one
/// of its scripts, none would run.
#[test]
fn a_page_that_did_not_come_whole_comes_again() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        for missing in ["*/js/main.js", "*/css/app.css"] {
            let browser = Chromium::start().await?;
            browser.devtools("Network.enable", json!({})).await?;
            // Without the server's own answer to it, the page would be loaded again at once.
            browser.devtools("Network.setBlockedURLs", json!({ "urls": [missing, "*/health"] })).await?;
            browser.goto(&format!("http://{USER}:{PASSWORD_IN_URL}@{}/", desktop.address)).await?;
            let asks = "return performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/health'))";
            browser.wait_for(asks).await?;
            browser.devtools("Network.setBlockedURLs", json!({ "urls": [] })).await?;
            // All of its styles, that is.
            browser.wait_for("return document.styleSheets.length === 3").await?;
            browser.wait_for_state("live").await?;
            browser.wait_for("return history.state === null").await?;
            browser.close().await?;
        }
        Ok(())
    });
}
