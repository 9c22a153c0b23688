//! Players that know nothing of this desktop but an address (WHEP).

use anyhow::{Context as _, Result};
use egldesktop_tests::chromium::{Chromium, heard};
use egldesktop_tests::desktop::{Desktop, PASSWORD, USER};
use egldesktop_tests::http::{Answer, ask, get, make_link};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::{Painter, Patch};
use egldesktop_tests::pulse;
use egldesktop_tests::whep::Player;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const WATCH: &str = "only watch";
const H265: &str = "media=video,encoding-name=H265,clock-rate=90000,payload=101";
const DECODER: &str = "rtph265depay ! h265parse ! libde265dec";
const BLACK: Patch = Patch { x: 640, y: 360, rgb: [0, 0, 0] };

fn desktop(xvfb: &Xvfb, more: &[(&str, &str)]) -> Result<Desktop> {
    Desktop::start(&[&[("DISPLAY", xvfb.display.as_str()), ("NOVNC_VIEWPASS", WATCH)], more].concat())
}

/// Waits until this many viewers are connected, as who controls the desktop is told.
async fn wait_for_count(viewer: &mut Viewer, count: u64) -> Result<serde_json::Value> {
    let is_it = |message: &serde_json::Value| {
        (message["type"] == "viewers" && message["data"]["count"] == count).then(|| message["data"].clone())
    };
    viewer.message(is_it).await
}

/// The address of an empty page that is nobody's.
async fn another_site() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let page =
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<body>";
            let _ = stream.write_all(page.as_bytes()).await;
        }
    });
    Ok(format!("http://{address}/"))
}

/// A page that plays what is at `url`; it has nothing of ours.
async fn play(browser: &Chromium, url: &str, authorization: &str) -> Result<()> {
    let script = format!(
        "(async () => {{
            document.body.innerHTML = '<video autoplay muted></video><audio autoplay></audio>';
            const connection = window.connection = new RTCPeerConnection();
            connection.addTransceiver('audio', {{ direction: 'recvonly' }});
            connection.addTransceiver('video', {{ direction: 'recvonly' }});
            connection.addEventListener('track', ({{ track, streams }}) => {{
                document.querySelector(track.kind).srcObject = streams[0];
            }});
            await connection.setLocalDescription();
            await new Promise((resolve) => {{
                const look = () => connection.iceGatheringState === 'complete' && resolve();
                connection.addEventListener('icegatheringstatechange', look);
                look();
            }});
            const headers = {{ 'Content-Type': 'application/sdp', Authorization: '{authorization}' }};
            const answer = await fetch('{url}', {{ method: 'POST', headers, body: connection.localDescription.sdp }});
            if (answer.status !== 201) {{
                throw new Error(`${{answer.status}} ${{await answer.text()}}`);
            }}
            window.session = new URL(answer.headers.get('Location'), '{url}').href;
            window.tag = answer.headers.get('ETag');
            await connection.setRemoteDescription({{ type: 'answer', sdp: await answer.text() }});
            return true;
        }})()"
    );
    browser.resolve(&script).await.map(drop)
}

#[test]
fn a_page_of_another_site_watches_and_listens_with_a_token() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = desktop(&xvfb, &[])?;
        let _tone = pulse::play_tone(&desktop.pulse_server())?;
        let browser = Chromium::start().await?;
        browser.goto(&another_site().await?).await?;
        let url = format!("http://{}/whep", desktop.address);
        let wrong = play(&browser, &url, "Bearer wrong").await.unwrap_err();
        assert!(wrong.to_string().contains("401"), "{wrong}");
        // Not even the right password counts, which browsers send for any page.
        let login = base64_of(&format!("{USER}:{PASSWORD}"));
        let ambient = play(&browser, &url, &format!("Basic {login}")).await.unwrap_err();
        assert!(ambient.to_string().contains("403"), "{ambient}");

        play(&browser, &url, &format!("Bearer {WATCH}")).await?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.wait_for(&heard("Math.abs(frequency - 440) < 15 && level > -40")).await?;
        // What else both can do is in use: repairs, and playing at once.
        let sdp = browser.run("return window.connection.remoteDescription.sdp").await?;
        let sdp = sdp.as_str().context("no answer")?;
        for line in ["apt=", "playout-delay", "nack pli", "transport-wide-cc"] {
            assert!(sdp.contains(line), "no {line} in {sdp}");
        }
        drop(painter);
        browser.wait_for_picture(&[BLACK]).await?;

        let ended = browser
            .resolve(&format!(
                "fetch(window.session, {{ method: 'DELETE', headers: {{ Authorization: 'Bearer {WATCH}' }} }})
                    .then(({{ status }}) => status)"
            ))
            .await?;
        assert_eq!(ended, 200);
        let (_, metrics) = get(&format!("http://{}/metrics", desktop.address), Some((USER, PASSWORD))).await?;
        assert!(!metrics.contains("viewer=\""), "{metrics}");
        browser.close().await
    });
}

#[test]
fn pages_of_others_decode_every_codec_of_theirs() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let browser = Chromium::start().await?;
        for (encoder, codec) in [("vp8enc", "VP8"), ("vp9enc", "VP9"), ("av1enc", "AV1")] {
            let desktop = desktop(&xvfb, &[("WEBRTC_ENCODER", encoder), ("ENABLE_AUDIO", "false")])?;
            browser.goto(&another_site().await?).await?;
            play(&browser, &format!("http://{}/whep", desktop.address), &format!("Bearer {WATCH}")).await?;
            browser.wait_for_picture(painter.patches()).await.with_context(|| encoder.to_owned())?;
            let sdp = browser.run("return window.connection.remoteDescription.sdp").await?;
            let names = format!("{codec}/90000");
            assert!(sdp.as_str().is_some_and(|sdp| sdp.contains(&names)), "{encoder}: {sdp}");
        }
        browser.close().await
    });
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn a_native_player_is_a_viewer_that_can_be_shown_out() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = desktop(
            &xvfb,
            &[("WEBRTC_ENCODER", "x265enc"), ("ENABLE_AUDIO", "false"), ("EGLDESKTOP_MAX_VIEWERS", "2")],
        )?;
        let mut controller = Viewer::start(&desktop.address, PASSWORD).await?;
        controller.wait_for_control(true).await?;
        let link = make_link(&desktop.address, (USER, PASSWORD), false).await?;
        let bearer = format!("Bearer {link}");
        let player = Player::start(&desktop.address, &bearer, H265, DECODER).await?;
        player.wait_for_picture(painter.patches()).await?;
        let seen = wait_for_count(&mut controller, 2).await?;
        let guest = seen["list"].as_array().context("no list")?.iter().find(|viewer| viewer["id"] != seen["you"]);
        let guest = guest.context("no guest")?;
        assert_eq!((&guest["may_control"], &guest["control"]), (&json!(false), &json!(false)));
        let (_, metrics) = get(&format!("http://{}/metrics", desktop.address), Some((USER, PASSWORD))).await?;
        assert!(metrics.contains(&format!("viewer=\"{}\"", guest["id"])), "{metrics}");

        controller.send(&format!("_control,kick,{}", guest["id"])).await?;
        wait_for_count(&mut controller, 1).await?;
        let again = Player::start(&desktop.address, &bearer, H265, DECODER).await.unwrap_err();
        assert!(again.to_string().contains("401"), "the link is void: {again}");

        let player = Player::start(&desktop.address, &format!("Bearer {WATCH}"), H265, DECODER).await?;
        player.wait_for_picture(painter.patches()).await?;
        wait_for_count(&mut controller, 2).await?;
        let fragment = "a=ice-ufrag:Other\r\na=ice-pwd:0123456789012345678901\r\n";
        assert_eq!(player.trickle("*", fragment).await?.status, 422);
        assert_eq!(player.trickle("\"other\"", "a=mid:0\r\n").await?.status, 412);
        assert_eq!(player.trickle("*", "nonsense").await?.status, 400);
        let fields = [("authorization", "Bearer only watch"), ("content-type", "application/trickle-ice-sdpfrag")];
        assert_eq!(ask("PATCH", &player.session, None, &fields, "a=mid:0\r\n").await?.status, 428);
        // One more than there may be.
        let refused = Player::start(&desktop.address, &format!("Bearer {WATCH}"), H265, DECODER).await.unwrap_err();
        assert!(refused.to_string().contains("503"), "{refused}");
        assert_eq!(player.end().await?.status, 200);
        assert_eq!(player.end().await?.status, 404);
        assert_eq!(player.trickle("*", "a=mid:0\r\n").await?.status, 404);
        wait_for_count(&mut controller, 1).await?;

        // One that vanishes without a word ends as well.
        let player = Player::start(&desktop.address, &format!("Bearer {WATCH}"), H265, DECODER).await?;
        player.wait_for_picture(painter.patches()).await?;
        wait_for_count(&mut controller, 2).await?;
        drop(player);
        wait_for_count(&mut controller, 1).await?;
        controller.wait_for_frames(1).await
    });
}

#[test]
fn what_is_wrong_is_said() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let variables = [
            ("ENABLE_AUDIO", "false"),
            ("WEBRTC_ENCODER", "vp8enc"),
            ("TURN_HOST", "turn.example"),
            ("TURN_SHARED_SECRET", "keep this to yourself"),
            ("EGLDESKTOP_LOGIN_ATTEMPTS", "100"),
        ];
        let desktop = desktop(&xvfb, &variables)?;
        let url = format!("http://{}/whep", desktop.address);
        let login = Some((USER, PASSWORD));
        let post = async |kind: &str, body: &str| ask("POST", &url, login, &[("content-type", kind)], body).await;
        let said = |answer: &Answer| (answer.status, answer.body.trim_end().to_owned());

        assert_eq!(post("text/plain", "v=0\r\n").await?.field("accept-post"), "application/sdp");
        assert_eq!(post("text/plain", "v=0\r\n").await?.status, 415);
        assert_eq!(post("application/sdp", "nonsense").await?.status, 400);
        assert_eq!(post("application/sdp", &"a=x\r\n".repeat(100_000)).await?.status, 413);
        let session =
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AB:CD\r\na=setup:actpass\r\n";
        let ice = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n";
        let video = |codec: &str| format!("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 {codec}/90000\r\n");
        let (status, text) = said(&post("application/sdp", &format!("{session}{ice}{}", video("H264"))).await?);
        assert!(status == 406 && text.contains("video/VP8") && text.contains("H264"), "{status} {text}");
        let sends = format!("{session}{ice}{}a=sendonly\r\n", video("VP8"));
        assert_eq!(post("application/sdp", &sends).await?.status, 406);
        let (status, text) = said(&post("application/sdp", &format!("{session}{}", video("VP8"))).await?);
        assert!(status == 400 && text.contains("ice-ufrag"), "{status} {text}");
        for method in ["GET", "PUT", "DELETE"] {
            let answer = ask(method, &url, login, &[], "").await?;
            assert_eq!((answer.status, answer.field("allow")), (405, "POST, OPTIONS"), "{method}");
        }
        let nobody = format!("{url}/{}", "0".repeat(32));
        assert_eq!(ask("DELETE", &nobody, login, &[], "").await?.status, 404);
        assert_eq!(ask("POST", &nobody, login, &[], "").await?.status, 405);

        // Strangers learn what may be sent, and no password of a server.
        let options = ask("OPTIONS", &url, None, &[("origin", "https://player.example")], "").await?;
        assert_eq!((options.status, options.field("accept-post")), (204, "application/sdp"));
        assert_eq!(options.field("access-control-allow-origin"), "*");
        assert_eq!((options.field("access-control-allow-credentials"), options.field("link")), ("", ""));
        assert_eq!(ask("POST", &url, None, &[], "").await?.status, 401);
        let wrong = [("authorization", "Bearer x"), ("content-type", "application/sdp")];
        assert_eq!(ask("POST", &url, None, &wrong, "").await?.status, 401);
        let from_elsewhere = [("origin", "https://player.example"), ("content-type", "application/sdp")];
        assert_eq!(ask("POST", &url, login, &from_elsewhere, "").await?.status, 403);
        // Who logs in gets the servers.
        let options = ask("OPTIONS", &url, login, &[], "").await?;
        let links: Vec<_> = options.headers.get_all("link").iter().filter_map(|link| link.to_str().ok()).collect();
        let is_turn = |link: &&str| link.contains("turn:turn.example") && link.contains("credential=\"");
        assert!(links.iter().any(is_turn) && links.iter().all(|link| link.contains("rel=\"ice-server\"")), "{links:?}");
        Ok(())
    });
}
