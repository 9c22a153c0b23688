//! Whatever a client sends, and wherever it stops: nothing stays down, and the desktop goes on.

use std::time::{Duration, Instant};

use anyhow::ensure;
use egldesktop_tests::PATIENCE;
use egldesktop_tests::desktop::{Desktop, PASSWORD};
use egldesktop_tests::keymap::{anything_down, set_layout};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::random::Random;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;

/// 10 000 in all.
const ROUNDS: u32 = 20;
const MESSAGES: u32 = 500;

/// In turns, so that AltGr, dead keys and second levels are in play.
const LAYOUTS: [&str; 5] = ["us", "de", "fr", "ru", "jp"];

/// Modifiers, letters, what a us layout has with Shift or not at all, keys that type nothing.
const KEYSYMS: [u32; 16] = [
    0xffe1,
    0xffe2,
    0xffe3,
    0xffe9,
    0xffeb,
    0xfe03,
    0x61,
    0x41,
    0x21,
    0xdf,
    0x6d1,
    0x0100_65e5,
    0x0101_f642,
    0xff0d,
    0xffb7,
    0xfe51,
];

/// What no client sends.
const GARBAGE: [&str; 17] = [
    ",",
    "m",
    "m,1",
    "m,NaN,inf,1",
    "kd,-1",
    "kd,99999999999",
    "kh,",
    "co,end",
    "cw,!!!!",
    "cbs,1,text/plain,99999999999",
    "cwe,7",
    "r,0x0",
    "s,1e999",
    "ws,1e9,nan",
    "ws,-10,0.3",
    "td,4294967296,0,0,1",
    "pen,1,1,1,1,1,255",
];

fn message(random: &mut Random) -> String {
    let number = |random: &mut Random| i64::from(random.below(5000)) - 1000;
    let keysym = random.pick(&KEYSYMS);
    match random.below(14) {
        0 => format!("m,{},{},{},{}", number(random), number(random), random.below(256), random.below(12)),
        1 => format!("m2,{},{},{},{}", number(random), number(random), random.below(256), random.below(12)),
        2..=4 => format!("kd,{keysym}"),
        5 => format!("ku,{keysym}"),
        6 => format!("kh,{keysym},{}", random.pick(&KEYSYMS)),
        7 => "co,end,aßЯ日".to_owned(),
        8 => format!("kl,{},{}", random.below(2), random.below(2)),
        9 => {
            ["cws,1,4", "cwd,1,YWI=", "cwe,1", "cw,YQ==", "cbs,2,text/html,2,more"][random.below(5) as usize].to_owned()
        }
        10 => random.pick(&GARBAGE).to_owned(),
        11 => {
            let (verb, finger) = (random.pick(&["td", "tm", "tu", "tc"]), random.below(12));
            match verb {
                "tc" => verb.to_owned(),
                "tu" => format!("{verb},{finger}"),
                _ => format!("{verb},{finger},{},{},0.5", number(random), number(random)),
            }
        }
        12 => format!("pen,{},{},0.5,10,-10,{}", number(random), number(random), random.below(18)),
        _ => {
            // Cut, or with a character changed.
            let mut text = message(random);
            if random.below(2) == 0 {
                // Not to nothing: webrtcbin closes a channel rather than send an empty message.
                text = text.chars().take(1 + random.below(text.len() as u32) as usize).collect();
            } else {
                text.push(char::from(random.below(128) as u8).max(' '));
            }
            text
        }
    }
}

#[test]
fn ten_thousand_messages_cut_off_anywhere_leave_nothing_down() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let (connection, _) = x11rb::connect(Some(&xvfb.display))?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let mut random = Random(std::process::id().into());
        eprintln!("seed {}", random.0);
        for (round, layout) in (0..ROUNDS).zip(LAYOUTS.into_iter().cycle()) {
            set_layout(&xvfb.display, layout)?;
            let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
            viewer.wait_for_control(true).await?;
            for _ in 0..MESSAGES {
                viewer.send(&message(&mut random)).await?;
            }
            if round % 2 == 0 {
                // Some stop when all of it has been done (a digit, whatever Caps Lock is), some while it is under way.
                viewer.send("co,end,8").await?;
                painter.wait_for_seen(&Seen::Char('8'))?;
            }
            drop(viewer);
            let deadline = Instant::now() + PATIENCE;
            while anything_down(&connection)? {
                ensure!(Instant::now() < deadline, "something stays down with layout {layout}");
                // The runtime has to get on with closing the viewer's socket.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }

        // Nobody is hurt: another one controls the desktop, and its clipboard is taken.
        let login = Some((egldesktop_tests::desktop::USER, PASSWORD));
        let mut last = Viewer::start_with(&desktop.address, "/ws", login, json!({})).await?;
        last.wait_for_control(true).await?;
        last.send("kl,0,0").await?;
        last.send("co,end,done").await?;
        painter.wait_for_seen(&Seen::Char('e'))?;
        last.send("cbs,5,text/plain,2").await?;
        last.send("cbd,5,b2s=").await?;
        last.send("cbe,5").await?;
        last.message(|message| (message["type"] == "clipboard-taken" && message["data"]["id"] == 5).then_some(()))
            .await?;
        ensure!(!anything_down(&connection)?, "something is down");
        Ok(())
    });
}
