//! Who gets in.

use anyhow::{Context as _, Result};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::{ask, get, make_link, open_link};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::native::{open_socket, open_socket_with};
use egldesktop_tests::xvfb::Xvfb;
use tokio_tungstenite::tungstenite::http::header::{COOKIE, ORIGIN};

#[test]
fn a_wrong_password_gets_nothing() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        // More wrong passwords than it listens to otherwise.
        let variables =
            [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("EGLDESKTOP_LOGIN_ATTEMPTS", "100")];
        let desktop = Desktop::start(&variables)?;
        let url = |path: &str| format!("http://{}{path}", desktop.address);
        for path in ["/", "/js/main.js", "/turn", "/health", "/ws", "/webrtc/signalling/", "/nothing"] {
            for login in [(USER, "wrong"), ("root", PASSWORD), (USER, "")] {
                let (status, body) = get(&url(path), Some(login)).await?;
                assert_eq!((status, body.as_str()), (401, "Authorization required\n"), "{path} as {login:?}");
            }
            let expected = if path == "/health" { (200, "OK\n") } else { (401, "Authorization required\n") };
            let (status, body) = get(&url(path), None).await?;
            assert_eq!((status, body.as_str()), expected, "{path} without a password");
        }

        let right = Some((USER, PASSWORD));
        let (status, body) = get(&url("/"), right).await?;
        assert!(status == 200 && body.contains("<video"), "{status} {body}");
        assert_eq!(get(&url("/nothing"), right).await?.0, 404);
        let (status, body) = get(&url("/turn"), right).await?;
        assert!(status == 200 && body.contains("\"iceServers\":[]"), "{status} {body}");
        Ok(())
    });
}

#[test]
fn turn_credentials_are_given_to_who_logs_in() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let variables = [
            ("DISPLAY", xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            ("TURN_HOST", "turn.example"),
            ("TURN_PORT", "3479"),
            ("TURN_SHARED_SECRET", "keep this to yourself"),
        ];
        let desktop = Desktop::start(&variables)?;
        let (status, body) = get(&format!("http://{}/turn", desktop.address), Some((USER, PASSWORD))).await?;
        let configuration: serde_json::Value = serde_json::from_str(&body)?;
        // Before it, the same server for STUN.
        let server = &configuration["iceServers"][1];
        assert_eq!(status, 200);
        assert_eq!(server["urls"][0], "turn:turn.example:3479?transport=udp");
        assert!(server["username"].as_str().is_some_and(|name| name.ends_with(&format!(":{USER}"))), "{body}");
        assert!(!body.contains("keep this"));
        Ok(())
    });
}

const LOGIN: Option<(&str, &str)> = Some((USER, PASSWORD));

fn desktop(xvfb: &Xvfb, more: &[(&str, &str)]) -> Result<Desktop> {
    Desktop::start(&[&[("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false")], more].concat())
}

#[test]
fn who_guesses_has_to_wait_and_who_has_a_session_does_not() {
    isolated(async || {
        let xvfb = Xvfb::start(320, 240)?;
        let desktop = desktop(&xvfb, &[("EGLDESKTOP_LOGIN_ATTEMPTS", "3"), ("EGLDESKTOP_LOGIN_LOCKOUT", "86400")])?;
        let page = format!("http://{}/", desktop.address);
        let as_person = [("accept", "text/html")];
        let session = ask("GET", &page, LOGIN, &[], "").await?.cookie().context("no cookie")?;
        // The same one again is no further guess.
        for _ in 0..10 {
            assert_eq!(get(&page, Some((USER, "old password"))).await?.0, 401);
        }
        let mut guesses = 1;
        let locked = loop {
            let answer = ask("GET", &page, Some((USER, &guesses.to_string())), &as_person, "").await?;
            if answer.status != 401 {
                break answer;
            }
            guesses += 1;
        };
        assert_eq!((guesses, locked.status), (3, 429));
        assert!(locked.body.contains("Too many wrong passwords"), "{}", locked.body);
        assert!(locked.field("retry-after").parse::<u64>().is_ok_and(|wait| (1..=2).contains(&wait)));
        // Not even the right one is heard, on no path, and a WebSocket neither.
        assert_eq!(get(&page, LOGIN).await?.0, 429);
        assert!(
            open_socket(&desktop.address, "/ws", LOGIN).await.is_err_and(|error| error.to_string().contains("429"))
        );
        assert_eq!(get(&format!("http://{}/health", desktop.address), None).await?.0, 200);
        // But a browser that has a session.
        assert_eq!(ask("GET", &page, None, &[("cookie", &session)], "").await?.status, 200);
        open_socket_with(&desktop.address, "/ws", &[(COOKIE, &session)]).await?;
        // And somebody else, whom the proxy of this machine vouches for.
        let other = [("x-forwarded-for", "1.2.3.4, 192.0.2.1")];
        assert_eq!(ask("GET", &page, LOGIN, &other, "").await?.status, 200);
        // What the proxy does not know to be true does not make a guesser somebody else.
        let mut statuses = Vec::new();
        for made_up in 0..6 {
            let forwarded = format!("10.0.0.{made_up}, 192.0.2.9");
            let login = Some((USER, if made_up % 2 == 0 { "x" } else { "y" }));
            statuses.push(ask("GET", &page, login, &[("x-forwarded-for", &forwarded)], "").await?.status);
        }
        assert!(statuses.contains(&429), "{statuses:?}");
        Ok(())
    });
}

#[test]
fn pages_of_other_sites_get_no_socket_and_no_change() {
    isolated(async || {
        let xvfb = Xvfb::start(320, 240)?;
        let desktop = desktop(&xvfb, &[])?;
        let session =
            ask("GET", &format!("http://{}/", desktop.address), LOGIN, &[], "").await?.cookie().context("no cookie")?;
        for path in ["/ws", "/webrtc/signalling/"] {
            let mine = format!("http://{}", desktop.address);
            open_socket_with(&desktop.address, path, &[(COOKIE, &session), (ORIGIN, &mine)]).await?;
            for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "file://"] {
                let refused = open_socket_with(&desktop.address, path, &[(COOKIE, &session), (ORIGIN, origin)]).await;
                assert!(refused.is_err_and(|error| error.to_string().contains("403")), "{path} from {origin}");
            }
        }
        for (method, path) in [("POST", "/links"), ("DELETE", "/links"), ("DELETE", "/session"), ("POST", "/session")] {
            let fields = [("cookie", session.as_str()), ("origin", "http://evil.example")];
            let url = format!("http://{}{path}", desktop.address);
            assert_eq!(ask(method, &url, None, &fields, "").await?.status, 403, "{method} {path}");
        }
        Ok(())
    });
}

#[test]
fn every_answer_protects_itself_and_tells_no_version() {
    isolated(async || {
        let xvfb = Xvfb::start(320, 240)?;
        let desktop = desktop(&xvfb, &[])?;
        for (path, login) in [("/", LOGIN), ("/", None), ("/join", None), ("/nothing", LOGIN), ("/health", None)] {
            let answer = ask("GET", &format!("http://{}{path}", desktop.address), login, &[], "").await?;
            let policy = answer.field("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'self'"),
                "{path}: {policy}"
            );
            assert!(!policy.contains("script-src 'unsafe"), "{path}: {policy}");
            assert_eq!(answer.field("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.field("referrer-policy"), "no-referrer", "{path}");
            assert_eq!(answer.field("cross-origin-resource-policy"), "same-origin", "{path}");
            for banner in ["server", "x-powered-by", "via"] {
                assert_eq!(answer.field(banner), "", "{path}");
            }
            let told = format!("{:?}{}", answer.headers, answer.body);
            assert!(!told.contains(env!("CARGO_PKG_VERSION")) || path == "/", "{path}: {told}");
        }
        Ok(())
    });
}

#[test]
fn a_proxy_that_is_named_says_who_somebody_is() {
    isolated(async || {
        let xvfb = Xvfb::start(320, 240)?;
        let variables = [
            ("EGLDESKTOP_LOGIN_HEADER_FROM", "127.0.0.2"),
            ("EGLDESKTOP_LOGIN_HEADER", "X-Auth-Request-Email"),
            ("EGLDESKTOP_LOGIN_HEADER_CONTROL", "alice@example.com"),
            ("SELKIES_ADDR", "0.0.0.0"),
        ];
        let with_proxy = desktop(&xvfb, &variables)?;
        let port = with_proxy.address.rsplit(':').next().context("no port")?;
        let url = format!("http://127.0.0.1:{port}/session");
        // This test is at 127.0.0.1, which is not the proxy.
        for name in ["alice@example.com", "bob@example.com"] {
            assert_eq!(ask("GET", &url, None, &[("x-auth-request-email", name)], "").await?.status, 401, "{name}");
        }
        drop(with_proxy);
        let variables = [variables[1], variables[2], ("EGLDESKTOP_LOGIN_HEADER_FROM", "127.0.0.1")];
        let with_proxy = desktop(&xvfb, &variables)?;
        let url = format!("http://{}/session", with_proxy.address);
        for (name, access) in [("alice@example.com", "control"), ("bob@example.com", "view")] {
            let answer = ask("GET", &url, None, &[("x-auth-request-email", name)], "").await?;
            let told: serde_json::Value = serde_json::from_str(&answer.body)?;
            assert_eq!((told["access"].as_str(), told["by"].as_str()), (Some(access), Some("proxy")), "{name}");
            assert_eq!(answer.cookie(), None, "who signs out at the proxy is out here");
        }
        assert_eq!(ask("GET", &url, None, &[], "").await?.status, 401);
        drop(with_proxy);
        assert!(
            Desktop::fail(&[("DISPLAY", &xvfb.display), ("EGLDESKTOP_LOGIN_HEADER_FROM", "everybody")])?
                .1
                .contains("everybody")
        );
        Ok(())
    });
}

#[test]
fn a_session_ends_with_signing_out_and_with_the_password() {
    isolated(async || {
        let xvfb = Xvfb::start(320, 240)?;
        let first = desktop(&xvfb, &[])?;
        let page = format!("http://{}/", first.address);
        let session = ask("GET", &page, LOGIN, &[], "").await?.cookie().context("no cookie")?;
        let link = make_link(&first.address, (USER, PASSWORD), false).await?;
        let with = [("cookie", session.as_str())];
        assert_eq!(ask("GET", &page, None, &with, "").await?.status, 200);
        let out = ask("DELETE", &format!("{page}session"), None, &with, "").await?;
        assert_eq!(out.status, 204);
        assert_eq!(ask("GET", &page, None, &with, "").await?.status, 401, "the cookie of before");
        // The browser still has the password: it does not count until the browser has asked for it again.
        let out = out.cookie().context("no cookie")?;
        let by_page = [("cookie", out.as_str()), ("x-requested-with", "fetch")];
        assert_eq!(ask("GET", &page, LOGIN, &by_page, "").await?.status, 401);
        let asked = ask("GET", &page, LOGIN, &[("cookie", out.as_str())], "").await?;
        assert_eq!(asked.status, 401);
        assert!(
            asked.field("www-authenticate").starts_with("Basic") && asked.field("set-cookie").contains("Max-Age=0")
        );
        let again = ask("GET", &page, LOGIN, &[], "").await?;
        let session = again.cookie().context("no cookie")?;
        drop(first);

        let other = desktop(&xvfb, &[("PASSWD", "another one")])?;
        let answer = ask("GET", &format!("http://{}/", other.address), None, &[("cookie", &session)], "").await?;
        assert_eq!(answer.status, 401, "a session outlives its password");
        assert_eq!(open_link(&other.address, &link).await?.status, 403, "a link outlives its password");
        Ok(())
    });
}

#[test]
fn the_page_signs_out() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = desktop(&xvfb, &[])?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.run("document.querySelector('[aria-controls]').click()").await?;
        let button = "[...document.querySelectorAll('button')].find((button) => button.innerText === 'Sign out')";
        browser.wait_for(&format!("return {button} && !{button}.hidden && {button}.offsetParent !== null")).await?;
        browser.run(&format!("{button}.click()")).await?;
        // What it shows then is the browser's window for a password, which nobody sees here.
        browser.wait_for("return document.querySelector('video') === null").await?;
        // It has forgotten the password.
        let _ = browser.goto(&format!("http://{}/", desktop.address)).await;
        browser.wait_for("return document.querySelector('video') === null").await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.close().await
    });
}
