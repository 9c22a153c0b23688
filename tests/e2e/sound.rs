//! The browser plays what the desktop plays.

use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::pulse;
use egldesktop_tests::xvfb::Xvfb;

/// Peak of the spectrum of the page's sound in Hz, and its level in dB below full scale; measured by Web Audio.
fn heard(condition: &str) -> String {
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

#[test]
fn a_tone_is_heard() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display)])?;
        let tone = pulse::play_tone(&desktop.pulse_server())?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.wait_for(&heard("Math.abs(frequency - 440) < 15 && level > -40")).await?;
        drop(tone);
        // Silence is told apart from it.
        browser.wait_for(&heard("level < -60")).await?;
        browser.close().await
    });
}
