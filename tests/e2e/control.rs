//! Who controls the desktop, who watches, and who is shown out.

use anyhow::{Context as _, Result};
use egldesktop_tests::browser::{CONTROL, SHIFT};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::{ask, make_link, open_link, post};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xvfb::Xvfb;
use serde_json::{Value, json};

const WATCH: &str = "only watch";

fn desktop(xvfb: &Xvfb, variables: &[(&str, &str)]) -> Result<Desktop> {
    let mut all = vec![("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("NOVNC_VIEWPASS", WATCH)];
    all.extend(variables);
    Desktop::start(&all)
}

async fn press(viewer: &mut Viewer, key: char) -> Result<()> {
    viewer.send(&format!("kd,{}", u32::from(key))).await?;
    viewer.send(&format!("ku,{}", u32::from(key))).await
}

fn key(key: char, down: bool) -> Seen {
    Seen::Key(u32::from(key), down)
}

#[test]
fn control_goes_from_hand_to_hand_and_a_watcher_never_has_it() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = desktop(&xvfb, &[])?;
        let mut first = Viewer::start(&desktop.address, PASSWORD).await?;
        let first_id = first.wait_for_control(true).await?["you"].as_u64().context("no number")?;
        let mut watcher = Viewer::start(&desktop.address, WATCH).await?;
        let seen = watcher.wait_for_control(false).await?;
        assert_eq!((&seen["may_control"], &seen["list"]), (&json!(false), &json!([])));

        // What a watcher does is not done; what the controller does after it is. The order holds: one X client sees both.
        press(&mut watcher, 'w').await?;
        watcher.send("_control,take").await?;
        watcher.message(|message| message["data"]["status"].as_str()?.contains("watch only").then_some(())).await?;
        press(&mut first, 'a').await?;
        let keys = |painter: &Painter| painter.wait_for(|seen| matches!(seen, Seen::Key(..)).then(|| seen.clone()));
        assert_eq!(keys(&painter)?, key('a', true));

        // Who comes later takes over; what the other one holds down goes up.
        first.send(&format!("kd,{}", u32::from('h'))).await?;
        painter.wait_for_seen(&key('h', true))?;
        let mut second = Viewer::start(&desktop.address, PASSWORD).await?;
        second.wait_for_control(true).await?;
        first.wait_for_control(false).await?;
        painter.wait_for_seen(&key('h', false))?;
        press(&mut first, 'x').await?;
        // Answered in order after it, so the key has been refused by then.
        first.send("_control,kick,1").await?;
        first.message(|message| message["data"]["status"].as_str()?.contains("controls").then_some(())).await?;
        press(&mut second, 'b').await?;
        assert_eq!(keys(&painter)?, key('b', true));

        second.send(&format!("_control,give,{first_id}")).await?;
        first.wait_for_control(true).await?;
        second.wait_for_control(false).await?;
        press(&mut first, 'c').await?;
        painter.wait_for_seen(&key('c', true))?;

        // Shown out: told, and closed with a code of its own. The others go on.
        let watcher_id = seen["you"].as_u64().context("no number")?;
        first.send(&format!("_control,kick,{watcher_id}")).await?;
        let end = watcher.wait_for_end().await?.context("no close frame")?;
        assert_eq!(end, (4001, "ended by who controls the desktop".to_owned()));
        first.wait_for_frames(1).await?;
        second.wait_for_frames(1).await
    });
}

#[test]
fn the_first_keeps_control_where_the_policy_says_so() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = desktop(&xvfb, &[("EGLDESKTOP_CONTROL", "first")])?;
        let mut first = Viewer::start(&desktop.address, PASSWORD).await?;
        first.wait_for_control(true).await?;
        let mut second = Viewer::start(&desktop.address, PASSWORD).await?;
        second.wait_for_control(false).await?;
        second.send("_control,take").await?;
        second.message(|message| message["data"]["status"].as_str()?.contains("keeps control").then_some(())).await?;
        drop(first);
        second.wait_for_control(true).await?;
        Ok(())
    });
}

#[test]
fn who_asks_for_control_is_answered_by_who_has_it() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = desktop(&xvfb, &[("EGLDESKTOP_CONTROL", "first")])?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        let mut other = Viewer::start(&desktop.address, PASSWORD).await?;
        assert_eq!(other.wait_for_control(false).await?["must_ask"], true);

        // No, and then yes.
        for (button, answer) in [("button:not(.primary)", false), (".primary", true)] {
            other.send("_control,ask").await?;
            other.message(|message| (message["data"]["asks"] == true).then_some(())).await?;
            browser.wait_for("return document.querySelector('.asking-chip') !== null").await?;
            browser.run(&format!("document.querySelector('.asking-chip {button}').click()")).await?;
            let answered = |data: &Value| (data["asks"] == false && data["control"] == answer).then_some(());
            other.message(|message| answered(&message["data"])).await?;
            browser.wait_for("return document.querySelector('.asking-chip') === null").await?;
        }

        // What is of no use to who watches is not offered.
        browser.wait_for("return document.documentElement.dataset.control === 'false'").await?;
        browser.run("document.querySelector('[aria-controls]').click()").await?;
        let offered = "return [...document.querySelectorAll('.sheet button')].filter((button) => button.offsetParent)
                           .map((button) => button.innerText).filter((text) => /Capture|Esc|Alt|Copy to/.test(text)).length === 0";
        browser.wait_for(offered).await?;
        browser.click_with(&[CONTROL, SHIFT], 320, 240).await?;
        browser.wait_for("return document.pointerLockElement === null").await?;

        // The page asks in its turn.
        browser.run("document.querySelector('.watching-chip button').click()").await?;
        let asking = |message: &Value| {
            let list = message["data"]["list"].as_array()?;
            list.iter().find(|entry| entry["asks"] == true)?["id"].as_u64()
        };
        let id = other.message(asking).await?;
        let button =
            |text: &str| format!("return document.querySelector('.watching-chip button').innerText === '{text}'");
        browser.wait_for(&button("Asked; waiting")).await?;
        other.send(&format!("_control,refuse,{id}")).await?;
        browser.wait_for(&button("Ask for control")).await?;
        browser.wait_for("return document.querySelector('.toast')?.innerText.includes('keeps control')").await?;
        browser.run("document.querySelector('.watching-chip button').click()").await?;
        let id = other.message(asking).await?;
        other.send(&format!("_control,give,{id}")).await?;
        browser.wait_for("return document.documentElement.dataset.control === 'true'").await?;
        browser.type_text("k").await?;
        painter.wait_for_seen(&key('k', true))?;
        browser.close().await
    });
}

#[test]
fn the_page_of_a_guest_says_so() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = desktop(&xvfb, &[])?;
        let link = make_link(&desktop.address, (USER, PASSWORD), true).await?;
        let browser = Chromium::start().await?;
        browser.open_url(&format!("http://{}/join#{link}", desktop.address)).await?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.wait_for("return document.documentElement.dataset.control === 'false'").await?;
        browser.run("document.querySelector('[aria-controls]').click()").await?;
        browser.wait_for("return document.body.innerText.includes('You are watching')").await?;
        // What opens the desktop is in a cookie by now, which scripts do not see, and nowhere else.
        browser.wait_for("return location.pathname === '/' && location.hash === '' && document.cookie === ''").await?;
        // A link for one: the browser that has it goes on, another one does not come in.
        browser.run("location.reload()").await?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.goto(&format!("http://{}/join#{link}", desktop.address)).await?;
        browser.wait_for("return document.body.innerText.includes('not good any more')").await?;
        browser.close().await
    });
}

#[test]
fn a_link_lets_watch_until_it_is_void() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = desktop(&xvfb, &[])?;
        let url = format!("http://{}/links", desktop.address);
        assert_eq!(post(&url, None).await?.0, 401);
        assert_eq!(post(&url, Some((USER, WATCH))).await?.0, 403);
        let link = make_link(&desktop.address, (USER, PASSWORD), false).await?;
        let opened = open_link(&desktop.address, &link).await?;
        assert_eq!(opened.status, 201);
        let cookie = opened.cookie().context("no cookie")?;

        let mut controller = Viewer::start(&desktop.address, PASSWORD).await?;
        controller.wait_for_control(true).await?;
        let mut guest = Viewer::start_with_cookie(&desktop.address, &cookie).await?;
        let seen = guest.wait_for_control(false).await?;
        assert_eq!(seen["may_control"], false);
        guest.wait_for_frames(1).await?;

        controller.send(&format!("_control,kick,{}", seen["you"])).await?;
        assert_eq!(guest.wait_for_end().await?.context("no close frame")?.0, 4001);
        let again = Viewer::start_with_cookie(&desktop.address, &cookie).await;
        assert!(again.is_err_and(|error| error.to_string().contains("401")), "the session is void");
        assert_eq!(open_link(&desktop.address, &link).await?.status, 403, "the link is void");

        // All links at once, with those who came by one.
        let link = make_link(&desktop.address, (USER, PASSWORD), false).await?;
        let cookie = open_link(&desktop.address, &link).await?.cookie().context("no cookie")?;
        let mut guest = Viewer::start_with_cookie(&desktop.address, &cookie).await?;
        guest.wait_for_frames(1).await?;
        let forbidden = ask("DELETE", &url, None, &[("cookie", &cookie)], "").await?;
        assert_eq!(forbidden.status, 403, "a guest does not void links");
        assert_eq!(ask("DELETE", &url, Some((USER, PASSWORD)), &[], "").await?.status, 204);
        assert_eq!(guest.wait_for_end().await?.context("no close frame")?.0, 4001);
        assert_eq!(open_link(&desktop.address, &link).await?.status, 403);
        controller.wait_for_frames(1).await
    });
}
