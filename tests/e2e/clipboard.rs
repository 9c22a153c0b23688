//! One clipboard for the browser's machine and the desktop.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xclip;

use crate::scene::Scene;

/// What the page makes, and the test too: 5 MB of text that is not ASCII, 2 MB that begin like a PNG.
const SAMPLES: &str = "
    const text = 'Straße 日本 🙂\\n'.repeat(227273);
    const png = new Uint8Array(2000008);
    png.set([137, 80, 78, 71, 13, 10, 26, 10]);
    for (let n = 0; n < 2000000; n++) png[n + 8] = Math.imul(n, 2654435761) >>> 13;";

fn samples() -> (Vec<u8>, Vec<u8>) {
    let noise = (0u32..2_000_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8);
    let text = "Straße 日本 🙂\n".repeat(227_273);
    (text.into_bytes(), b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise).collect())
}

fn wait_for_paste_key(painter: &Painter) -> Result<()> {
    painter.wait_for_seen(&Seen::Key(u32::from('v'), true))
}

#[test]
fn two_hundred_pairs_each_paste_their_own() {
    isolated(async || {
        let Scene { browser, painter, xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (640, 480), &[]).await?;
        browser.allow_clipboard().await?;
        browser.click(320, 240).await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("content");

        for pair in 0..200 {
            // From the page to the desktop: what the desktop would paste when the key arrives there.
            let ours = format!("page {pair} ß");
            browser.resolve(&format!("navigator.clipboard.writeText('{ours}')")).await?;
            browser.control_and('v').await?;
            wait_for_paste_key(&painter).with_context(|| ours.clone())?;
            let pasted = xclip::paste(&xvfb.display, "clipboard", "UTF8_STRING")?;
            assert_eq!(String::from_utf8(pasted)?, ours);

            // And from the desktop to the page.
            let theirs = format!("desktop {pair} 日");
            std::fs::write(&file, &theirs)?;
            let _owner = xclip::copy(&xvfb.display, "clipboard", "UTF8_STRING", &file)?;
            let deadline = Instant::now() + PATIENCE;
            while browser.resolve("navigator.clipboard.readText()").await? != theirs.as_str() {
                ensure!(Instant::now() < deadline, "{theirs:?} does not reach the page");
            }
            // It is the desktop's own: pasting it there must leave its owner alone.
            browser.control_and('v').await?;
            wait_for_paste_key(&painter)?;
            let pasted = xclip::paste(&xvfb.display, "clipboard", "UTF8_STRING")?;
            assert_eq!(String::from_utf8(pasted)?, theirs);
        }
        browser.close().await
    });
}

#[test]
fn large_content_arrives_byte_for_byte_in_both_directions() {
    isolated(async || {
        let Scene { browser, painter, xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (640, 480), &[]).await?;
        browser.click(320, 240).await?;
        let (text, png) = samples();

        // As the browser would on Ctrl+V; its own clipboard would encode the image anew.
        browser
            .run(&format!(
                "{SAMPLES}
                 const target = document.getElementById('keys'), clipboardData = new DataTransfer();
                 clipboardData.setData('text/plain', text);
                 clipboardData.items.add(new File([png], 'image.png', {{ type: 'image/png' }}));
                 const key = {{ key: 'v', code: 'KeyV', ctrlKey: true, cancelable: true }};
                 target.dispatchEvent(new KeyboardEvent('keydown', key));
                 target.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData, cancelable: true }}));
                 target.dispatchEvent(new KeyboardEvent('keyup', key));"
            ))
            .await?;
        wait_for_paste_key(&painter)?;
        assert!(xclip::paste(&xvfb.display, "clipboard", "UTF8_STRING")? == text);
        assert!(xclip::paste(&xvfb.display, "clipboard", "image/png")? == png);

        browser.run("navigator.clipboard.write = async ([item]) => { window.written = item; };").await?;
        let folder = tempfile::tempdir()?;
        for (target, mime, content) in [("UTF8_STRING", "text/plain", text), ("image/png", "image/png", png)] {
            let file = folder.path().join("content");
            std::fs::write(&file, &content)?;
            let _owner = xclip::copy(&xvfb.display, "clipboard", target, &file)?;
            browser.wait_for(&format!("return window.written?.types.includes('{mime}') ?? false")).await?;
            let read = format!(
                "window.written.getType('{mime}').then((blob) => new Promise((done) => {{
                     const reader = new FileReader();
                     reader.onload = () => done(reader.result.split(',')[1]);
                     reader.readAsDataURL(blob);
                 }}))"
            );
            let written = browser.resolve(&read).await?;
            let written = written.as_str().context("no content")?;
            assert!(base64::engine::general_purpose::STANDARD.decode(written)? == content, "{mime}");
        }
        browser.close().await
    });
}

#[test]
fn a_policy_of_one_way_holds() {
    isolated(async || {
        let Scene { browser, painter, xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (640, 480), &[("ENABLE_CLIPBOARD", "in")]).await?;
        browser.allow_clipboard().await?;
        browser.click(320, 240).await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("content");
        std::fs::write(&file, "secret of the desktop")?;
        let _owner = xclip::copy(&xvfb.display, "clipboard", "UTF8_STRING", &file)?;
        browser.resolve("navigator.clipboard.writeText('inwards')").await?;
        browser.control_and('v').await?;
        wait_for_paste_key(&painter)?;
        assert_eq!(xclip::paste(&xvfb.display, "clipboard", "UTF8_STRING")?, b"inwards");
        assert_eq!(browser.resolve("navigator.clipboard.readText()").await?, "inwards");
        // Nor does the panel show it.
        browser.run("document.querySelector('[aria-controls]').click()").await?;
        let shown =
            "[...document.querySelectorAll('.sheet textarea')].map(({ value }) => value).filter(Boolean).join()";
        assert_eq!(browser.run(&format!("return {shown}")).await?, "inwards");
        browser.close().await
    });
}

/// For browsers that let a page have their clipboard only now and then, or not at all.
#[test]
fn the_panel_shows_the_desktops_clipboard_and_fills_it() {
    isolated(async || {
        let Scene { browser, painter: _painter, xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (640, 480), &[]).await?;
        let content = |mime: &str| xclip::paste(&xvfb.display, "clipboard", mime);
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("content");
        browser.run("document.querySelector('[aria-controls]').click()").await?;
        let section = "const heading = [...document.querySelectorAll('.section h2')].find((h2) => h2.innerText === 'Clipboard');
                       const section = heading.closest('.section'), field = section.querySelector('textarea');
                       const button = (text) => [...section.querySelectorAll('button')].find((one) => one.innerText === text);";
        let theirs = "of the desktop 日";
        std::fs::write(&file, theirs)?;
        let owner = xclip::copy(&xvfb.display, "clipboard", "UTF8_STRING", &file)?;
        browser.wait_for(&format!("{section} return field.value === '{theirs}'")).await?;
        browser.run("navigator.clipboard.write = async ([item]) => { window.written = item; }").await?;
        browser.run(&format!("{section} button('Copy to this device').click()")).await?;
        let written = "window.written.getType('text/plain').then((blob) => blob.text())";
        browser.wait_for("return window.written !== undefined").await?;
        assert_eq!(browser.resolve(written).await?, theirs);
        drop(owner);
        // Of what is too long to be shown, the beginning is not to be sent back.
        std::fs::write(&file, "long ".repeat(10_000))?;
        let owner = xclip::copy(&xvfb.display, "clipboard", "UTF8_STRING", &file)?;
        browser.wait_for(&format!("{section} return field.readOnly && field.value.length === 20000")).await?;
        std::fs::write(&file, theirs)?;
        let shorter = xclip::copy(&xvfb.display, "clipboard", "UTF8_STRING", &file)?;
        browser.wait_for(&format!("{section} return !field.readOnly && field.value === '{theirs}'")).await?;
        drop((owner, shorter));

        browser.run(&format!("{section} field.value = 'by hand ß'; section.querySelector('.send').click()")).await?;
        browser.wait_for("return document.querySelector('.toast')?.innerText.includes('has it')").await?;
        assert_eq!(content("UTF8_STRING")?, "by hand ß".as_bytes());

        // What was copied here, by a click; a picture is seen when it comes back from there.
        let read = "const canvas = new OffscreenCanvas(4, 4);
             canvas.getContext('2d').fillRect(0, 0, 2, 2);
             navigator.clipboard.read = async () => [new ClipboardItem({ 'image/png': canvas.convertToBlob() })];";
        browser.run(read).await?;
        browser.run(&format!("{section} button('Paste from this device').click()")).await?;
        browser.wait_for(&format!("{section} return section.querySelector('img').naturalWidth === 4")).await?;
        let deadline = Instant::now() + PATIENCE;
        while !content("image/png").is_ok_and(|png| png.starts_with(b"\x89PNG")) {
            ensure!(Instant::now() < deadline, "no picture on the desktop");
            browser.next_video_frame().await?;
        }
        browser.close().await
    });
}
