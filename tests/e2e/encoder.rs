//! Which encoder runs, and what is said about it.

use anyhow::{Context as _, Result};
use egldesktop_tests::desktop::{Desktop, PASSWORD, USER};
use egldesktop_tests::http::get;
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::xvfb::Xvfb;

/// What the viewer is told on its data channel: the encoder, or a line of text.
async fn told(viewer: &mut Viewer, part: &str) -> Result<()> {
    viewer.message(|message| message["data"].to_string().contains(part).then_some(())).await
}

#[test]
fn a_file_of_the_users_folder_is_an_encoder() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let folder = tempfile::tempdir()?;
        let file = "description = 'mine'\ninclude = ['common/desktop.toml']\n\
                    launch = 'timing. ! vp8enc name=encoder deadline=1 ! signal.'\n\
                    [properties.raw]\ncaps = 'video/x-raw,format=I420'\n\
                    [variables.MY_SPEED]\nmeaning = 'speed'\nmin = 1\nmax = 16\ndefault = 8\n\
                    [properties.encoder]\ncpu-used = '${MY_SPEED}'\n";
        std::fs::write(folder.path().join("mine.toml"), file)?;
        let folder = folder.path().to_str().context("not UTF-8")?;
        let variables = [
            ("DISPLAY", xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            ("EGLDESKTOP_PIPELINES", folder),
            ("WEBRTC_ENCODER", "mine"),
        ];
        let desktop = Desktop::start(&variables)?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        told(&mut viewer, "encoder,vp8enc").await?;
        viewer.wait_for_frames(1).await?;
        drop(desktop);

        let mut variables = variables.to_vec();
        variables.push(("MY_SPEED", "17"));
        let (status, output) = Desktop::fail(&variables)?;
        assert!(!status.success() && output.contains("MY_SPEED is \"17\", but must be"), "{output}");
        Ok(())
    });
}

/// There is no plug-in for this one, whatever hardware the machine has.
#[test]
fn an_encoder_that_cannot_work_is_refused_or_stood_in_for() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let variables = [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("WEBRTC_ENCODER", "rav1enc")];
        let (status, output) = Desktop::fail(&variables)?;
        assert_eq!(status.code(), Some(2), "{output}");
        for part in ["rav1enc (package ", "These would work: x264enc, openh264enc, vp8enc"] {
            assert!(output.contains(part), "{part} is missing in {output}");
        }

        let (status, output) = Desktop::explain(&variables)?;
        assert_eq!(status.code(), Some(2), "{output}");
        for part in ["Rejected    rav1enc: ", "Would work  x264enc, openh264enc, vp8enc"] {
            assert!(output.contains(part), "{part} is missing in {output}");
        }

        let mut variables = variables.to_vec();
        variables.push(("WEBRTC_ENCODER_FALLBACK", "true"));
        let desktop = Desktop::start(&variables)?;
        let notice = "rav1enc cannot work here, so x264enc encodes on the CPU instead";
        let url = format!("http://{}/health", desktop.address);
        let (_, health) = get(&url, Some((USER, PASSWORD))).await?;
        assert!(health.starts_with("OK\n") && health.contains(notice), "{health}");
        assert_eq!(get(&url, None).await?.1, "OK\n");
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        told(&mut viewer, "encoder,x264enc").await?;
        told(&mut viewer, notice).await
    });
}
