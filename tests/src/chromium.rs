//! A real browser, headless, driven through chromedriver.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use fantoccini::Client;
use fantoccini::actions::{
    InputSource as _, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction, WheelAction, WheelActions,
};
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::painter::Patch;
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

/// A browser with one page.
#[derive(Debug)]
pub struct Chromium {
    client: Client,
    // Ends after the client; and the browser with it.
    _driver: Process,
    _profile: tempfile::TempDir,
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
        Ok(Self { client, _driver: driver, _profile: profile })
    }

    /// Opens a desktop and waits until its picture is there.
    pub async fn open(&self, address: &str, user: &str, password: &str) -> Result<()> {
        self.client.goto(&format!("http://{user}:{password}@{address}/")).await?;
        self.wait_for_state("live").await
    }

    /// The same where no password is asked.
    pub async fn open_freely(&self, address: &str) -> Result<()> {
        self.open_url(&format!("http://{address}/")).await
    }

    /// Opens any page.
    pub async fn goto(&self, url: &str) -> Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// Opens a desktop at this very address, and waits until its picture is there.
    pub async fn open_url(&self, url: &str) -> Result<()> {
        self.client.goto(url).await?;
        self.wait_for_state("live").await
    }

    /// Waits until the page says that it is in this state.
    pub async fn wait_for_state(&self, state: &str) -> Result<()> {
        self.wait_for(&format!("return document.documentElement.dataset.state === '{state}'"))
            .await
            .with_context(|| format!("the page does not become {state}"))
    }

    /// Waits until a script returns true.
    pub async fn wait_for(&self, script: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        // Once per frame of the page: nothing there tells a WebDriver that something has changed.
        while !self.run(script).await?.as_bool().unwrap_or(false) {
            if Instant::now() > deadline {
                let page = self
                    .run("return document.body.innerText + JSON.stringify(document.documentElement.dataset)")
                    .await?;
                bail!("{script} stays false; the page shows {page}");
            }
            self.client.execute_async("requestAnimationFrame(arguments[0])", vec![]).await?;
        }
        Ok(())
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, vec![]).await?)
    }

    /// Runs a script in the page that calls `arguments[0]` with what it returns.
    pub async fn run_async(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute_async(script, vec![]).await?)
    }

    /// Waits until such a script returns true.
    pub async fn wait_for_async(&self, script: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.run_async(script).await?.as_bool().unwrap_or(false) {
            ensure!(Instant::now() < deadline, "{script} stays false");
            self.run_async("requestAnimationFrame(arguments[0])").await?;
        }
        Ok(())
    }

    /// Chooses a file of this machine in a field for files.
    pub async fn choose_file(&self, selector: &str, path: &std::path::Path) -> Result<()> {
        let field = self.client.find(fantoccini::Locator::Css(selector)).await?;
        Ok(field.send_keys(path.to_str().context("a path that is not UTF-8")?).await?)
    }

    /// Presses these keys one after the other, and lets go of them in reverse.
    pub async fn press(&self, keys: &[char]) -> Result<()> {
        let mut actions = KeyActions::new("keys".into());
        for &value in keys {
            actions = actions.then(KeyAction::Down { value });
        }
        for &value in keys.iter().rev() {
            actions = actions.then(KeyAction::Up { value });
        }
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Waits until the video shows these colours.
    pub async fn wait_for_picture(&self, patches: &[Patch]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut wrong = Vec::new();
            for patch in patches {
                let seen = self.pixel(patch.x, patch.y).await?;
                // Coarse quantisation is within this; a wrong matrix or range is not.
                let far = seen.iter().zip(patch.rgb).any(|(&seen, painted)| seen.abs_diff(painted) > 10);
                if far {
                    wrong.push(format!("{patch:?} shows as {seen:?}"));
                }
            }
            if wrong.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{}", wrong.join("; "));
            }
            self.next_video_frame().await?;
        }
    }

    /// Waits for the next frame of the video: there is one each second at least.
    pub async fn next_video_frame(&self) -> Result<()> {
        let script = "document.querySelector('video').requestVideoFrameCallback(() => arguments[0]())";
        self.client.execute_async(script, vec![]).await?;
        Ok(())
    }

    /// The colour of a pixel of the video, in its own coordinates.
    pub async fn pixel(&self, x: u32, y: u32) -> Result<[u8; 3]> {
        let script = format!(
            "const canvas = new OffscreenCanvas(1, 1), context = canvas.getContext('2d');
             context.drawImage(document.querySelector('video'), {x}, {y}, 1, 1, 0, 0, 1, 1);
             return Array.from(context.getImageData(0, 0, 1, 1).data);"
        );
        let values = self.run(&script).await?;
        let channel =
            |index: usize| values[index].as_u64().and_then(|value| u8::try_from(value).ok()).context("no pixel");
        Ok([channel(0)?, channel(1)?, channel(2)?])
    }

    /// Where a pixel of the video is in the page, letterboxing counted in.
    pub async fn place(&self, x: u32, y: u32) -> Result<(f64, f64)> {
        let script = format!(
            "const video = document.querySelector('video'), box = video.getBoundingClientRect();
             const scale = Math.min(box.width / video.videoWidth, box.height / video.videoHeight);
             return [box.left + (box.width - video.videoWidth * scale) / 2 + {x} * scale,
                     box.top + (box.height - video.videoHeight * scale) / 2 + {y} * scale];"
        );
        let place = self.run(&script).await?;
        Ok((place[0].as_f64().context("no place")?, place[1].as_f64().context("no place")?))
    }

    /// Moves the mouse to a pixel of the video and clicks.
    pub async fn click(&self, x: u32, y: u32) -> Result<()> {
        let (x, y) = self.place(x, y).await?;
        let actions = MouseActions::new("mouse".into())
            .then(PointerAction::MoveTo { duration: None, x, y })
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Turns the wheel over a pixel of the video; positive is down, in CSS pixels.
    pub async fn wheel(&self, x: u32, y: u32, delta: i64) -> Result<()> {
        let (x, y) = self.place(x, y).await?;
        let scroll = WheelAction::Scroll { duration: None, x: x as i64, y: y as i64, delta_x: 0, delta_y: delta };
        Ok(self.client.perform_actions(WheelActions::new("wheel".into()).then(scroll)).await?)
    }

    /// Taps a pixel of the video with a finger.
    pub async fn tap(&self, x: u32, y: u32) -> Result<()> {
        let (x, y) = self.place(x, y).await?;
        for (kind, points) in [("touchStart", json!([{ "x": x, "y": y }])), ("touchEnd", json!([]))] {
            let params = json!({ "type": kind, "touchPoints": points });
            self.client.issue_cmd(Cdp { method: "Input.dispatchTouchEvent", params }).await?;
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
        self.client.issue_cmd(Cdp { method: "Input.dispatchMouseEvent", params }).await?;
        Ok(())
    }

    /// Presses and releases keys one after the other.
    pub async fn type_text(&self, text: &str) -> Result<()> {
        let mut actions = KeyActions::new("keys".into());
        for value in text.chars() {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Presses a key while Control is down.
    pub async fn control_and(&self, value: char) -> Result<()> {
        /// Of WebDriver ("Keyboard Actions").
        const CONTROL: char = '\u{e009}';
        let actions = KeyActions::new("keys".into())
            .then(KeyAction::Down { value: CONTROL })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: CONTROL });
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Lets pages read and write the clipboard, as its user would when asked.
    pub async fn allow_clipboard(&self) -> Result<()> {
        let permissions = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        self.client.issue_cmd(Cdp { method: "Browser.grantPermissions", params: permissions }).await?;
        Ok(())
    }

    /// Gives the page's window another size, in CSS pixels.
    pub async fn set_page_size(&self, width: u32, height: u32) -> Result<()> {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.client.issue_cmd(Cdp { method: "Emulation.setDeviceMetricsOverride", params }).await?;
        Ok(())
    }

    /// What a promise of the page resolves to; an error with its reason where it is rejected.
    pub async fn resolve(&self, expression: &str) -> Result<Value> {
        let script =
            format!("({expression}).then((value) => arguments[0]([value]), (error) => arguments[0](String(error)))");
        match self.client.execute_async(&script, vec![]).await? {
            Value::Array(mut value) => Ok(value.pop().unwrap_or_default()),
            reason => bail!("{expression}: {reason}"),
        }
    }

    /// Presses these keys one after the other, and releases them in reverse.
    pub async fn chord(&self, keys: &[char]) -> Result<()> {
        let down =
            keys.iter().fold(KeyActions::new("keys".into()), |actions, &value| actions.then(KeyAction::Down { value }));
        let all = keys.iter().rev().fold(down, |actions, &value| actions.then(KeyAction::Up { value }));
        Ok(self.client.perform_actions(all).await?)
    }

    /// Presses a key and keeps it down.
    pub async fn hold_key(&self, value: char) -> Result<()> {
        let actions = KeyActions::new("keys".into()).then(KeyAction::Down { value });
        Ok(self.client.perform_actions(actions).await?)
    }

    /// What an input method does: text without keys.
    pub async fn insert_text(&self, text: &str) -> Result<()> {
        self.devtools("Input.insertText", json!({ "text": text })).await.map(drop)
    }

    /// Runs a command of the DevTools protocol.
    pub async fn devtools(&self, method: &'static str, params: Value) -> Result<Value> {
        Ok(self.client.issue_cmd(Cdp { method, params }).await?)
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

    /// Goes to an address and waits for nothing but the page itself.
    pub async fn visit(&self, url: &str) -> Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// A picture of the page, PNG.
    pub async fn screenshot(&self) -> Result<Vec<u8>> {
        Ok(self.client.screenshot().await?)
    }

    /// Saves a picture of the page in `target/screenshots`, for a person to look at.
    pub async fn save_screenshot(&self, name: &str) -> Result<()> {
        let folder = crate::process::target_dir().with_file_name("screenshots");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(name).with_extension("png"), self.screenshot().await?)?)
    }

    /// Closes the browser.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }
}

/// A script that says whether the page's sound is like this: `frequency` is the peak of its spectrum in Hz, `level` how
/// loud that is in dB below full scale; measured by Web Audio.
pub fn heard(condition: &str) -> String {
    format!(
        "const stream = document.querySelector('audio').srcObject;
         if (!stream) {{ return false; }}
         if (!window.analyser) {{
             const context = new AudioContext();
             window.analyser = new AnalyserNode(context, {{ fftSize: 8192 }});
             context.createMediaStreamSource(stream).connect(window.analyser);
         }}
         const bins = new Float32Array(window.analyser.frequencyBinCount);
         window.analyser.getFloatFrequencyData(bins);
         const level = Math.max(...bins);
         const frequency = bins.indexOf(level) * window.analyser.context.sampleRate / window.analyser.fftSize;
         return {condition};"
    )
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
