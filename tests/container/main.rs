//! The image, run as a cluster runs it, and used by a browser. Builds it first, which takes minutes the first time:
//! `make test-container`.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::{Chromium, heard};
use egldesktop_tests::container::{Container, build};
use egldesktop_tests::desktop::{PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::get;
use egldesktop_tests::namespace::isolated;

/// Return.
const ENTER: &str = "\u{e007}";
/// How long a desktop may take to be back in the browser.
const BACK: Duration = Duration::from_secs(10);

/// Once for all tests; they run one after the other.
fn build_once() {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    assert_eq!(built, &Ok(()));
}

/// Runs a test in a network of its own, where the image is there already.
fn with_image(test: impl AsyncFnOnce() -> Result<()> + Send + 'static) {
    build_once();
    isolated(test);
}

fn seconds_until<T>(mut condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition()? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "it does not come to that");
        // Polled: what is awaited happens inside the container, which tells nobody.
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits for MATE's panels.
fn wait_for_desktop(container: &Container) -> Result<()> {
    seconds_until(|| {
        let windows = container.run("wmctrl -l")?;
        let windows = String::from_utf8_lossy(&windows.stdout).into_owned();
        Ok(["Top Panel", "Bottom Panel", "Desktop"].iter().all(|it| windows.contains(it)).then_some(()))
    })
}

/// Opens a terminal by MATE's keys, and waits until that has the keyboard.
async fn open_terminal(container: &Container, browser: &Chromium) -> Result<()> {
    browser.click(640, 360).await?;
    let has_it = || {
        let active = container.run("xdotool getactivewindow getwindowname")?;
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(&active.stdout).contains("Terminal").then_some(()))
    };
    browser.press(&['\u{e009}', '\u{e00a}', 't']).await?;
    seconds_until(has_it)
}

async fn is_used(user: &str, screenshot: &str) -> Result<()> {
    let mut container = Container::start(user, &[])?;
    let id = container.ask("id -u")?;
    assert_eq!(Some(id.trim()), user.split(':').next());
    let session = container
        .ask("tr '\\0' '\\n' < /proc/$(pgrep -o mate-session)/environ | grep -E '^(NSS_|LD_PRELOAD)' || true")?;
    // Whoever has no name gets one.
    let settings = session.lines().map(|line| format!("'{line}'")).collect::<Vec<_>>().join(" ");
    assert_eq!(container.ask(&format!("env {settings} id -un"))?.trim(), "user");
    let status = container.ask("cat /proc/1/status")?;
    for expected in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        ensure!(status.contains(expected), "{expected} is not in {status}");
    }
    ensure!(!container.run("touch /usr/local/x")?.status.success(), "the root can be written to");

    let browser = Chromium::start().await?;
    browser.open(&container.address, USER, PASSWORD_IN_URL).await?;
    wait_for_desktop(&container)?;
    open_terminal(&container, &browser).await?;
    browser.type_text(&format!("echo seen > typed{ENTER}")).await?;
    seconds_until(|| Ok(container.run("cat /home/user/typed")?.stdout.starts_with(b"seen").then_some(())))?;

    browser.type_text(&format!("gst-launch-1.0 audiotestsrc freq=440 volume=0.8 ! pulsesink{ENTER}")).await?;
    browser.wait_for(&heard("Math.abs(frequency - 440) < 15 && level > -40")).await?;
    browser.save_screenshot(screenshot).await?;
    ensure!(container.run("egldesktop --check-health")?.status.success(), "it is not healthy");
    assert_eq!(get(&format!("http://{}/ready", container.address), None).await?.0, 200);
    browser.close().await?;
    ensure!(container.stop()?.success());
    Ok(())
}

#[test]
#[ignore = "builds an image: make test-container"]
fn a_desktop_is_seen_typed_into_and_heard() {
    with_image(async || is_used("1000:1000", "container").await);
}

#[test]
#[ignore = "builds an image: make test-container"]
fn the_user_can_have_any_number() {
    with_image(async || is_used("1234567:0", "container-random-uid").await);
}

#[test]
#[ignore = "builds an image: make test-container"]
fn whatever_is_killed_comes_back_in_the_browser_without_a_reload() {
    with_image(async || {
        let container = Container::start("1000:1000", &[])?;
        let browser = Chromium::start().await?;
        browser.open(&container.address, USER, PASSWORD_IN_URL).await?;
        wait_for_desktop(&container)?;
        // A reload would take it away.
        browser.run("window.stays = true").await?;
        // What each takes with it; everything else keeps its process.
        let screen: &[&str] = &["Xvfb", "dbus-daemon", "mate-session"];
        for (name, with_it) in [
            ("mate-session", &["mate-session"][..]),
            ("pulseaudio", &["pulseaudio"]),
            ("dbus-daemon", &["dbus-daemon", "mate-session"]),
            ("Xvfb", screen),
        ] {
            let find = |all: &[(i32, String)], name: &str| {
                // The oldest: programs start a bus of their own, for accessibility.
                all.iter().filter(|(_, found)| found == name).map(|(id, _)| *id).min()
            };
            let before = container.processes()?;
            let victim = find(&before, name).with_context(|| format!("no {name} in {before:?}"))?;
            let killed = Instant::now();
            container.ask(&format!("kill -9 {victim}"))?;
            let after = seconds_until(|| {
                let after = container.processes()?;
                let back = screen.iter().chain(&["pulseaudio"]).all(|other| match find(&after, other) {
                    Some(id) => with_it.contains(other) != before.iter().any(|(old, _)| *old == id),
                    None => false,
                });
                Ok(back.then_some(after))
            })
            .with_context(|| format!("after {name}: {before:?}"))?;
            browser.wait_for_state("live").await?;
            browser.next_video_frame().await?;
            let took = killed.elapsed();
            eprintln!("{name}: back after {took:.1?}");
            ensure!(took < BACK, "{name}: {took:?}; {after:?}");
            ensure!(browser.run("return window.stays").await? == true, "{name}: the page was loaded again");
            // Its session is whole again before the next one goes.
            wait_for_desktop(&container)?;
        }
        browser.close().await
    });
}

#[test]
#[ignore = "builds an image: make test-container"]
fn a_stop_is_quick_and_clean() {
    with_image(async || {
        let mut container = Container::start("1000:1000", &[])?;
        let browser = Chromium::start().await?;
        browser.open(&container.address, USER, PASSWORD_IN_URL).await?;
        wait_for_desktop(&container)?;
        let asked = Instant::now();
        let status = container.stop()?;
        let took = asked.elapsed();
        eprintln!("stopped in {took:.1?}");
        ensure!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
        // The page knows at once.
        browser.wait_for("return document.documentElement.dataset.state !== 'live'").await?;
        browser.close().await
    });
}

#[test]
#[ignore = "builds an image: make test-container"]
fn secrets_stay_with_the_launcher() {
    const PLANTED: [&str; 3] = ["planted-view-only", "planted-turn-shared", "planted-turn-rest"];
    with_image(async || {
        let container = Container::start(
            "1000:1000",
            &[
                ("NOVNC_ENABLE", "true"),
                ("NOVNC_VIEWPASS", PLANTED[0]),
                ("TURN_HOST", "turn.example"),
                ("TURN_SHARED_SECRET", PLANTED[1]),
                ("SELKIES_CLOUDFLARE_TURN_API_TOKEN", PLANTED[2]),
                ("RUST_LOG", "debug"),
            ],
        )?;
        wait_for_desktop(&container)?;
        // As a program on the desktop. What it may not read says so on standard error.
        let everything = container.ask(
            "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; \
             grep -rsh -e planted-[vt] /tmp /home/user /run; true",
        )?;
        let log = container.said().join("\n");
        let page = get(&format!("http://{}/index.html", container.address), Some((USER, PASSWORD))).await?.1;
        let turn = get(&format!("http://{}/turn", container.address), Some((USER, PASSWORD))).await?.1;
        ensure!(everything.contains("mate-session") && everything.contains("XAUTHORITY="), "{everything}");
        for secret in PLANTED.into_iter().chain([PASSWORD]) {
            for (place, text) in [("/proc", &everything), ("the log", &log), ("the page", &page), ("/turn", &turn)] {
                let line = text.lines().find(|line| line.contains(secret));
                ensure!(line.is_none(), "{secret} is in {place}: {line:?}");
            }
        }
        Ok(())
    });
}
