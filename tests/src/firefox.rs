//! Firefox, headless or on a screen, driven by WebDriver BiDi (<https://www.w3.org/TR/webdriver-bidi/>), which it speaks itself.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::browser::{Browser, Driver};
use crate::process::{Process, wait_for_line};
use crate::pulse;

/// WebRTC may use the loopback, and tells its addresses; the sound starts without a click; a login in an address needs no confirmation; the rest keeps the browser from talking to its vendor.
const PREFERENCES: &[(&str, &str)] = &[
    ("app.normandy.enabled", "false"),
    ("app.update.disabledForTesting", "true"),
    ("browser.aboutwelcome.enabled", "false"),
    ("browser.safebrowsing.downloads.enabled", "false"),
    ("browser.safebrowsing.malware.enabled", "false"),
    ("browser.safebrowsing.phishing.enabled", "false"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("dom.push.connection.enabled", "false"),
    ("full-screen-api.allow-trusted-requests-only", "true"),
    ("full-screen-api.warning.timeout", "0"),
    ("media.autoplay.default", "0"),
    ("media.gmp-manager.updateEnabled", "false"),
    ("media.peerconnection.ice.loopback", "true"),
    ("media.peerconnection.ice.obfuscate_host_addresses", "false"),
    ("network.auth.confirmAuth.enabled", "false"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("network.manage-offline-status", "false"),
    ("services.settings.server", "\"data:,\""),
    ("toolkit.telemetry.enabled", "false"),
];

/// A Firefox with one page.
pub type Firefox = Browser<Bidi>;

/// The connection to a Firefox.
#[derive(Debug)]
pub struct Bidi {
    line: Mutex<Line>,
    /// The browsing context, that is the tab.
    context: String,
    _process: Process,
    /// Without a device to play to, Web Audio stands still.
    _sound: Process,
    _profile: tempfile::TempDir,
}

#[derive(Debug)]
struct Line {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
}

impl Firefox {
    /// Starts a browser without a screen.
    pub async fn start() -> Result<Self> {
        Self::launch(None).await
    }

    /// Starts a browser on this X display.
    pub async fn start_on(display: &str) -> Result<Self> {
        Self::launch(Some(display)).await
    }

    async fn launch(display: Option<&str>) -> Result<Self> {
        let profile = tempfile::tempdir()?;
        let preferences: String =
            PREFERENCES.iter().map(|(name, value)| format!("user_pref(\"{name}\", {value});\n")).collect();
        std::fs::write(profile.path().join("user.js"), preferences)?;
        let sound = pulse::start_server(profile.path())?;
        let mut command = Command::new("firefox-esr");
        match display {
            Some(display) => command.env("DISPLAY", display),
            None => command.args(["--headless", "--width=1280", "--height=900"]).env_remove("DISPLAY"),
        };
        let mut process = Process::start(
            command
                .args(["--no-remote", "--remote-debugging-port=0"])
                .arg("--profile")
                .arg(profile.path())
                .env("HOME", profile.path())
                .env("PULSE_SERVER", pulse::address(profile.path()))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped()),
        )
        .context("package firefox-esr is needed")?;
        let lines = process.error_lines()?;
        let address =
            wait_for_line(&lines, |line| Some(line.strip_prefix("WebDriver BiDi listening on ")?.trim().to_owned()))?;
        let (socket, _) = tokio_tungstenite::connect_async(format!("{address}/session")).await?;
        let mut line = Line { socket, last_id: 0 };
        line.command("session.new", json!({ "capabilities": {} })).await?;
        let tree = line.command("browsingContext.getTree", json!({})).await?;
        let context = tree["contexts"][0]["context"].as_str().context("no tab")?.to_owned();
        Ok(Self {
            driver: Bidi { line: Mutex::new(line), context, _process: process, _sound: sound, _profile: profile },
        })
    }
}

impl Bidi {
    /// Runs a command in the tab.
    async fn command(&self, method: &str, mut parameters: Value) -> Result<Value> {
        parameters["context"] = json!(self.context);
        self.line.lock().await.command(method, parameters).await
    }

    /// Calls a function that returns a promise for a text in JSON.
    async fn call(&self, function: &str) -> Result<Value> {
        let parameters = json!({
            "functionDeclaration": function,
            "awaitPromise": true,
            "target": { "context": self.context },
        });
        let returned = self.line.lock().await.command("script.callFunction", parameters).await?;
        match returned["result"]["value"].as_str() {
            Some(text) => Ok(serde_json::from_str(text)?),
            None => bail!("{function}: {}", returned["exceptionDetails"]["text"]),
        }
    }
}

impl Driver for Bidi {
    async fn goto(&self, url: &str) -> Result<()> {
        self.command("browsingContext.navigate", json!({ "url": url, "wait": "complete" })).await.map(drop)
    }

    async fn execute(&self, script: &str) -> Result<Value> {
        self.call(&format!("async () => JSON.stringify((await (function () {{ {script} }})()) ?? null)")).await
    }

    async fn execute_async(&self, script: &str) -> Result<Value> {
        self.call(&format!(
            "async () => JSON.stringify((await new Promise((done) => (function () {{ {script} }})(done))) ?? null)"
        ))
        .await
    }

    async fn perform(&self, actions: Value) -> Result<()> {
        self.command("input.performActions", json!({ "actions": actions })).await.map(drop)
    }

    async fn set_page_size(&self, width: u32, height: u32) -> Result<()> {
        self.command("browsingContext.setViewport", json!({ "viewport": { "width": width, "height": height } }))
            .await
            .map(drop)
    }

    async fn screenshot(&self) -> Result<Vec<u8>> {
        let picture = self.command("browsingContext.captureScreenshot", json!({})).await?;
        Ok(base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().context("no picture")?)?)
    }

    async fn close(self) -> Result<()> {
        self.line.lock().await.command("browser.close", json!({})).await.map(drop)
    }
}

impl Line {
    /// Sends a command and waits for its result. No events are asked for, and none awaited.
    async fn command(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let message = json!({ "id": self.last_id, "method": method, "params": parameters });
        self.socket.send(Message::text(message.to_string())).await?;
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message? else { continue };
            let mut answer: Value = serde_json::from_str(&text)?;
            if answer["id"] != self.last_id {
                continue;
            }
            if answer["type"] == "error" {
                bail!("{method}: {}", answer["message"]);
            }
            return Ok(answer["result"].take());
        }
        bail!("Firefox has ended")
    }
}
