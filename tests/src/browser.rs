//! A page in a browser, and what a user does with it, whichever browser it is.
//!
//! Chromium and Firefox are driven by different protocols; scripts, and actions as WebDriver describes them
//! (<https://www.w3.org/TR/webdriver2/#actions>), are the same in both.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::painter::Patch;

/// Control, as WebDriver writes it ("Keyboard Actions").
pub const CONTROL: char = '\u{e009}';
/// Shift, the same.
pub const SHIFT: char = '\u{e008}';
/// Command on a Mac, the key with the window elsewhere, the same.
pub const META: char = '\u{e03d}';

/// How a browser is driven.
pub trait Driver {
    /// Loads a page, and returns when it has loaded.
    fn goto(&self, url: &str) -> impl Future<Output = Result<()>>;

    /// Runs the body of a function in the page, and returns what it returns.
    fn execute(&self, script: &str) -> impl Future<Output = Result<Value>>;

    /// Runs the body of a function that calls `arguments[0]` with what it returns.
    fn execute_async(&self, script: &str) -> impl Future<Output = Result<Value>>;

    /// Performs actions: a list of WebDriver's input sources, each with its actions.
    fn perform(&self, actions: Value) -> impl Future<Output = Result<()>>;

    /// Gives the page's window another size, in CSS pixels.
    fn set_page_size(&self, width: u32, height: u32) -> impl Future<Output = Result<()>>;

    /// A picture of the page, PNG.
    fn screenshot(&self) -> impl Future<Output = Result<Vec<u8>>>;

    /// Closes the browser.
    fn close(self) -> impl Future<Output = Result<()>>;
}

/// What there is to say of a page that does not do what it should: where one script did not come, none runs.
const PAGE: &str = "const all = performance.getEntriesByType('resource');
    const missing = all.filter(({ responseStatus }) => responseStatus !== 200)
        .map(({ name, responseStatus, responseEnd }) => `${name} ${responseStatus} ${responseEnd}`);
    return [document.body.innerText, JSON.stringify(document.documentElement.dataset), document.readyState,
            `${all.length} requests, of which not answered by 200:`, ...missing].join(' | ')";

/// A browser with one page; it ends on drop.
#[derive(Debug)]
pub struct Browser<D> {
    pub(crate) driver: D,
}

impl<D: Driver> Browser<D> {
    /// Opens a desktop and waits until its picture is there.
    pub async fn open(&self, address: &str, user: &str, password: &str) -> Result<()> {
        self.open_url(&format!("http://{user}:{password}@{address}/")).await
    }

    /// The same where no password is asked.
    pub async fn open_freely(&self, address: &str) -> Result<()> {
        self.open_url(&format!("http://{address}/")).await
    }

    /// Goes to an address and waits for nothing but the page itself.
    pub async fn goto(&self, url: &str) -> Result<()> {
        self.driver.goto(url).await
    }

    /// Opens a desktop at this very address, and waits until its picture is there and no other transport is to come.
    pub async fn open_url(&self, url: &str) -> Result<()> {
        self.driver.goto(url).await?;
        self.wait_for_state("live").await?;
        self.wait_for("return document.documentElement.dataset.settled === 'true'").await?;
        // The server has said all that it has to say to one who comes.
        self.wait_for("return document.documentElement.dataset.control !== undefined").await?;
        self.wait_for("return document.querySelector('video').videoWidth > 0").await
    }

    /// Waits until the page says that it is in this state.
    pub async fn wait_for_state(&self, state: &str) -> Result<()> {
        self.wait_for(&format!("return document.documentElement.dataset.state === '{state}'"))
            .await
            .with_context(|| format!("the page does not become {state}"))
    }

    /// Waits until this transport, `webrtc` or `websocket`, is in use.
    pub async fn wait_for_transport(&self, transport: &str) -> Result<()> {
        let is_it = format!("return document.documentElement.dataset.transport === '{transport}'");
        self.wait_for(&is_it).await.with_context(|| format!("{transport} is not used"))?;
        self.wait_for_state("live").await
    }

    /// Waits until a script returns true.
    pub async fn wait_for(&self, script: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        // Once per frame of the page: nothing there tells a WebDriver that something has changed.
        while !self.run(script).await?.as_bool().unwrap_or(false) {
            if Instant::now() > deadline {
                let page = self.run(PAGE).await?;
                bail!("{script} stays false; the page shows {page}");
            }
            self.run_async("requestAnimationFrame(arguments[0])").await?;
        }
        Ok(())
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) -> Result<Value> {
        self.driver.execute(script).await
    }

    /// Runs a script in the page that calls `arguments[0]` with what it returns.
    pub async fn run_async(&self, script: &str) -> Result<Value> {
        self.driver.execute_async(script).await
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

    /// What a promise of the page resolves to; an error with its reason where it is rejected.
    pub async fn resolve(&self, expression: &str) -> Result<Value> {
        let script =
            format!("({expression}).then((value) => arguments[0]([value]), (error) => arguments[0](String(error)))");
        match self.run_async(&script).await? {
            Value::Array(mut value) => Ok(value.pop().unwrap_or_default()),
            reason => bail!("{expression}: {reason}"),
        }
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
    ///
    /// The page replaces the element when another transport or session takes over, and this goes on with the new one.
    pub async fn next_video_frame(&self) -> Result<()> {
        let script = "const done = arguments[0];
            let watched, over = false;
            const shown = () => { over = true; done(); };
            const look = () => {
                if (over) return;
                const video = document.querySelector('video');
                if (video !== watched) {
                    watched = video;
                    video.requestVideoFrameCallback(shown);
                }
                requestAnimationFrame(look);
            };
            look();";
        self.run_async(script).await.map(drop)
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
        self.click_at(x, y).await
    }

    async fn click_at(&self, x: f64, y: f64) -> Result<()> {
        let actions = json!([
            { "type": "pointerMove", "x": x, "y": y },
            { "type": "pointerDown", "button": 0 },
            { "type": "pointerUp", "button": 0 },
        ]);
        self.mouse(actions).await
    }

    async fn mouse(&self, actions: Value) -> Result<()> {
        let mouse =
            json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.driver.perform(json!([mouse])).await
    }

    /// Clicks a pixel of the video while these keys are down.
    pub async fn click_with(&self, keys: &[char], x: u32, y: u32) -> Result<()> {
        self.keys(keys.iter().map(|&key| (key, true))).await?;
        self.click(x, y).await?;
        self.keys(keys.iter().rev().map(|&key| (key, false))).await
    }

    /// Moves the mouse to a pixel of the video.
    pub async fn point(&self, x: u32, y: u32) -> Result<()> {
        let (x, y) = self.place(x, y).await?;
        self.mouse(json!([{ "type": "pointerMove", "x": x, "y": y }])).await
    }

    /// Turns the wheel over a pixel of the video; positive is down, in CSS pixels.
    pub async fn wheel(&self, x: u32, y: u32, delta: i64) -> Result<()> {
        let (x, y) = self.place(x, y).await?;
        let scroll = json!({ "type": "scroll", "x": x as i64, "y": y as i64, "deltaX": 0, "deltaY": delta });
        self.driver.perform(json!([{ "type": "wheel", "id": "wheel", "actions": [scroll] }])).await
    }

    /// Presses and releases keys one after the other.
    pub async fn type_text(&self, text: &str) -> Result<()> {
        self.keys(text.chars().flat_map(|key| [(key, true), (key, false)])).await
    }

    /// Presses these keys one after the other, and lets go of them in reverse.
    pub async fn press(&self, keys: &[char]) -> Result<()> {
        let down = keys.iter().map(|&key| (key, true));
        self.keys(down.chain(keys.iter().rev().map(|&key| (key, false)))).await
    }

    /// Presses a key while Control is down.
    pub async fn control_and(&self, key: char) -> Result<()> {
        self.press(&[CONTROL, key]).await
    }

    /// Presses a key and keeps it down.
    pub async fn hold_key(&self, key: char) -> Result<()> {
        self.keys([(key, true)]).await
    }

    /// Keys that go down (`true`) or up.
    async fn keys(&self, keys: impl IntoIterator<Item = (char, bool)>) -> Result<()> {
        let action = |(key, down)| json!({ "type": if down { "keyDown" } else { "keyUp" }, "value": key });
        let actions: Vec<_> = keys.into_iter().map(action).collect();
        self.driver.perform(json!([{ "type": "key", "id": "keys", "actions": actions }])).await
    }

    /// Gives the page's window another size, in CSS pixels.
    pub async fn set_page_size(&self, width: u32, height: u32) -> Result<()> {
        self.driver.set_page_size(width, height).await
    }

    /// A picture of the page, PNG.
    pub async fn screenshot(&self) -> Result<Vec<u8>> {
        self.driver.screenshot().await
    }

    /// Saves a picture of the page in `target/screenshots`, for a person to look at.
    pub async fn save_screenshot(&self, name: &str) -> Result<()> {
        let folder = crate::process::target_dir().with_file_name("screenshots");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(name).with_extension("png"), self.screenshot().await?)?)
    }

    /// Closes the browser.
    pub async fn close(self) -> Result<()> {
        self.driver.close().await
    }
}

/// A script that says whether the page's sound is like this: `frequency` is the peak of its spectrum in Hz, `level` how
/// loud that is in dB below full scale; measured by Web Audio.
pub fn heard(condition: &str) -> String {
    format!(
        "const stream = document.querySelector('audio').srcObject;
         if (!stream) {{ return false; }}
         if (window.analysed !== stream) {{
             const context = new AudioContext();
             window.analysed = stream;
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
