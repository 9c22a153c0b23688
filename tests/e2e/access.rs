//! Who gets in.

use egldesktop_tests::desktop::{Desktop, PASSWORD, USER};
use egldesktop_tests::http::get;
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::xvfb::Xvfb;

#[test]
fn a_wrong_password_gets_nothing() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
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
