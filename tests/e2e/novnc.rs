//! The other way to see the screen: noVNC, behind the same address and password.

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::get;
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::native::open_socket;
use egldesktop_tests::rfb::Rfb;
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

const LOGIN: (&str, &str) = (USER, PASSWORD);
const VIEW_PASSWORD: &str = "look only";

fn start() -> Result<Desktop> {
    Desktop::start(&[
        ("NOVNC_ENABLE", "true"),
        ("NOVNC_VIEWPASS", VIEW_PASSWORD),
        ("ENABLE_AUDIO", "false"),
        ("SIZEW", "640"),
        ("SIZEH", "480"),
    ])
}

/// The VNC server starts along with the desktop, and is not waited for.
async fn connect(desktop: &Desktop, password: &str) -> Result<Option<Rfb>> {
    let deadline = std::time::Instant::now() + egldesktop_tests::PATIENCE;
    loop {
        match Rfb::connect(&desktop.address, LOGIN, password).await {
            Err(error) if std::time::Instant::now() < deadline => eprintln!("{error:#}"),
            ended => return ended,
        }
    }
}

fn pointer(screen: &RustConnection) -> Result<(i16, i16)> {
    use x11rb::connection::Connection as _;
    let answer = screen.query_pointer(screen.setup().roots[0].root)?.reply()?;
    Ok((answer.root_x, answer.root_y))
}

#[test]
fn a_vnc_client_controls_with_one_password_and_watches_with_the_other() {
    isolated(async || {
        let desktop = start()?;
        let screen = desktop.connect_to_screen()?;
        let mut control = connect(&desktop, PASSWORD).await?.context("the password is refused")?;
        assert_eq!(control.size, (640, 480));
        control.point(123, 45).await?;
        control.update().await?;
        assert_eq!(pointer(&screen)?, (123, 45));

        let mut view = connect(&desktop, VIEW_PASSWORD).await?.context("the view-only password is refused")?;
        view.point(321, 54).await?;
        view.update().await?;
        assert_eq!(pointer(&screen)?, (123, 45), "who watches has moved the pointer");

        assert!(connect(&desktop, "wrong").await?.is_none(), "a wrong password is taken");
        // The web server's password comes first.
        for login in [None, Some((USER, "wrong"))] {
            ensure!(open_socket(&desktop.address, "/websockify", login).await.is_err(), "{login:?} comes in");
        }
        assert_eq!(get(&format!("http://{}/novnc/vnc.html", desktop.address), None).await?.0, 401);
        Ok(())
    });
}

#[test]
fn the_vnc_server_comes_back_and_its_passwords_are_nowhere() {
    isolated(async || {
        let desktop = start()?;
        connect(&desktop, PASSWORD).await?.context("the password is refused")?;
        desktop.kill_child("x11vnc")?;
        connect(&desktop, PASSWORD).await?.context("the password is refused")?;
        for (line, secret) in [("cmdline", PASSWORD), ("cmdline", VIEW_PASSWORD), ("environ", VIEW_PASSWORD)] {
            for id in desktop.children()? {
                let text = std::fs::read(format!("/proc/{id}/{line}")).unwrap_or_default();
                let text = String::from_utf8_lossy(&text).into_owned();
                ensure!(!text.contains(secret), "{line} of {id}: {text}");
            }
        }
        ensure!(desktop.file("vnc-passwords").is_none(), "the file with the passwords is still there");
        Ok(())
    });
}

#[test]
fn novnc_is_the_front_page_and_shows_the_desktop() {
    isolated(async || {
        let desktop = start()?;
        connect(&desktop, PASSWORD).await?.context("the password is refused")?;
        let browser = Chromium::start().await?;
        let url = format!("http://{USER}:{PASSWORD_IN_URL}@{}/", desktop.address);
        browser.goto(&url).await?;
        browser
            .wait_for("return document.getElementById('noVNC_credentials_dlg')?.classList.contains('noVNC_open')")
            .await?;
        browser
            .run(&format!(
                "document.getElementById('noVNC_password_input').value = '{PASSWORD}';
                 document.getElementById('noVNC_credentials_button').click();"
            ))
            .await?;
        // A desktop is not of one colour.
        browser
            .wait_for(
                "const canvas = document.querySelector('#noVNC_container canvas');
                 if (!canvas || canvas.width !== 640) { return false; }
                 const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, 640, 480).data.buffer);
                 return new Set(pixels).size > 10;",
            )
            .await?;
        browser.save_screenshot("novnc").await?;
        // WebRTC is there as well.
        browser.open_url(&format!("http://{USER}:{PASSWORD_IN_URL}@{}/index.html", desktop.address)).await?;
        browser.close().await
    });
}
