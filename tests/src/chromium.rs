//! Chromium, headless, driven through chromedriver.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use fantoccini::Client;
use serde_json::{Value, json};

pub use crate::browser::heard;
use crate::browser::{Browser, Driver};
use crate::process::{Process, wait_for_line};

/// Two flags let WebRTC use the loopback in a namespace that has nothing else; the sound starts without a click; the
/// rest keeps the browser from talking to its vendor.
const ARGUMENTS: &[&str] = &[
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1280,800",
];

/// A Chromium with one page.
pub type Chromium = Browser<Chromedriver>;

/// The connection to a chromedriver.
#[derive(Debug)]
pub struct Chromedriver {
    client: Client,
    // Ends after the client; and the browser with it.
    _driver: Process,
    _profile: tempfile::TempDir,
}

impl Driver for Chromedriver {
    async fn goto(&self, url: &str) -> Result<()> {
        Ok(self.client.goto(url).await?)
    }

    async fn execute(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, vec![]).await?)
    }

    async fn execute_async(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute_async(script, vec![]).await?)
    }

    async fn perform(&self, actions: Value) -> Result<()> {
        self.client.issue_cmd(Actions(actions)).await?;
        Ok(())
    }

    async fn set_page_size(&self, width: u32, height: u32) -> Result<()> {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.client.issue_cmd(Cdp { method: "Emulation.setDeviceMetricsOverride", params }).await?;
        Ok(())
    }

    async fn screenshot(&self) -> Result<Vec<u8>> {
        Ok(self.client.screenshot().await?)
    }

    async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }
}

impl Chromium {
    /// Starts a browser.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts one whose microphone beeps each second, and whose user allows everything.
    pub async fn start_with_microphone() -> Result<Self> {
        Self::start_with(&["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]).await
    }

    /// Starts one that trusts these origins, with commas between, as if they were served by TLS: pages have WebCodecs and
    /// the clipboard in such only.
    pub async fn start_trusting(origins: &str) -> Result<Self> {
        Self::start_with(&[&format!("--unsafely-treat-insecure-origin-as-secure={origins}")]).await
    }

    async fn start_with(more: &[&str]) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut driver = Process::start(
            Command::new("chromedriver")
                .arg("--port=0")
                .env("HOME", profile.path())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )
        .context("package chromium-driver is needed")?;
        let lines = driver.lines()?;
        let port: u16 = wait_for_line(&lines, |line| {
            line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
        })?;
        let mut arguments: Vec<String> = ARGUMENTS.iter().chain(more).map(ToString::to_string).collect();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let Value::Object(capabilities) = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        }) else {
            bail!("not an object");
        };
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let client = fantoccini::ClientBuilder::new(connector)
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await?;
        Ok(Self { driver: Chromedriver { client, _driver: driver, _profile: profile } })
    }

    /// Chooses a file of this machine in a field for files.
    pub async fn choose_file(&self, selector: &str, path: &std::path::Path) -> Result<()> {
        let field = self.driver.client.find(fantoccini::Locator::Css(selector)).await?;
        Ok(field.send_keys(path.to_str().context("a path that is not UTF-8")?).await?)
    }

    /// Drags a file of this machine over a place of the page, in CSS pixels; `kind` is `dragEnter`, `dragOver` or `drop`.
    pub async fn drag_file(&self, kind: &str, (x, y): (u32, u32), path: &std::path::Path) -> Result<()> {
        /// Of the DevTools protocol.
        const COPY: u32 = 1;
        let data = json!({ "items": [], "files": [path], "dragOperationsMask": COPY });
        let params = json!({ "type": kind, "x": x, "y": y, "data": data });
        self.devtools("Input.dispatchDragEvent", params).await.map(drop)
    }

    /// Taps a pixel of the video with a finger.
    pub async fn tap(&self, x: u32, y: u32) -> Result<()> {
        let (x, y) = self.place(x, y).await?;
        for (kind, points) in [("touchStart", json!([{ "x": x, "y": y }])), ("touchEnd", json!([]))] {
            let params = json!({ "type": kind, "touchPoints": points });
            self.driver.client.issue_cmd(Cdp { method: "Input.dispatchTouchEvent", params }).await?;
        }
        Ok(())
    }

    /// Two fingers go apart on a touchpad, over a pixel of the video: browsers make a wheel with Control of it.
    pub async fn pinch(&self, x: u32, y: u32, delta: i64) -> Result<()> {
        /// Of the DevTools protocol.
        const CONTROL: u32 = 2;
        let (x, y) = self.place(x, y).await?;
        let params =
            json!({ "type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": delta, "modifiers": CONTROL });
        self.driver.client.issue_cmd(Cdp { method: "Input.dispatchMouseEvent", params }).await?;
        Ok(())
    }

    /// Lets pages read and write the clipboard, as its user would when asked.
    pub async fn allow_clipboard(&self) -> Result<()> {
        let permissions = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.driver.client.issue_cmd(Cdp { method: "Browser.grantPermissions", params: permissions }).await?;
        Ok(())
    }

    /// What an input method does: text without keys.
    pub async fn insert_text(&self, text: &str) -> Result<()> {
        self.devtools("Input.insertText", json!({ "text": text })).await.map(drop)
    }

    /// Runs a command of the DevTools protocol.
    pub async fn devtools(&self, method: &'static str, params: Value) -> Result<Value> {
        Ok(self.driver.client.issue_cmd(Cdp { method, params }).await?)
    }

    /// Makes the page as large as this, in CSS pixels; `touch` makes a phone of it, held upright, with three pixels to one.
    pub async fn resize(&self, width: u32, height: u32, touch: bool) -> Result<()> {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": if touch { 3 } else { 1 }, "mobile": touch,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        self.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": touch, "maxTouchPoints": 5 })).await?;
        Ok(())
    }

    /// Makes the page believe that the user prefers `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) -> Result<()> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await.map(drop)
    }

    /// Runs a script in every page from now on, before the page's own.
    pub async fn prepare(&self, script: &str) -> Result<()> {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await.map(drop)
    }
}

/// Actions of a user, as WebDriver's command takes them.
#[derive(Debug)]
struct Actions(Value);

impl fantoccini::wd::WebDriverCompatibleCommand for Actions {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/actions", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (hyper::Method, Option<String>) {
        (hyper::Method::POST, Some(json!({ "actions": self.0 }).to_string()))
    }
}

/// A command of the DevTools protocol, which chromedriver passes on.
#[derive(Debug)]
struct Cdp {
    method: &'static str,
    params: Value,
}

impl fantoccini::wd::WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (hyper::Method, Option<String>) {
        let body = json!({ "cmd": self.method, "params": self.params });
        (hyper::Method::POST, Some(body.to_string()))
    }
}
