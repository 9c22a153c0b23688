//! Where `selkiessignal` can be reached: by TLS, on a Unix socket, below a path, and for Prometheus alone.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::http;
use gst::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// An element that serves, in a pipeline with a picture.
struct Serving {
    pipeline: gst::Pipeline,
    signal: gst::Element,
}

impl Serving {
    fn start(properties: &str) -> Result<Self> {
        super::init();
        let text = format!(
            "videotestsrc is-live=true num-buffers=100 ! x264enc tune=zerolatency ! selkiessignal name=signal {properties}"
        );
        let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let signal = pipeline.by_name("signal").context("no sink")?;
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self { pipeline, signal })
    }

    fn address(&self) -> Result<String> {
        self.signal.property::<Option<String>>("bound-address").context("no address")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Asks for a path on a connection that is there.
async fn get(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> Result<String> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Writes a new certificate for `desk` and its key into one file.
fn certificate(path: &Path) -> Result<CertificateDer<'static>> {
    let made = rcgen::generate_simple_self_signed(vec!["desk".to_owned()])?;
    // At once, as certbot does it.
    let new = path.with_extension("new");
    std::fs::write(&new, made.cert.pem() + &made.signing_key.serialize_pem())?;
    std::fs::rename(new, path)?;
    Ok(made.cert.der().clone())
}

async fn get_by_tls(address: &str, root: &CertificateDer<'static>, path: &str) -> Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone())?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("desk")?, stream).await?;
    get(stream, path).await
}

#[tokio::test]
async fn tls_with_a_certificate_that_is_renewed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("desk.pem");
    let first = certificate(&path)?;
    let serving = Serving::start(&format!("listen=127.0.0.1:0 tls-certificate={}", path.display()))?;
    let address = serving.address()?;
    let answer = get_by_tls(&address, &first, "/health").await?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let second = certificate(&path)?;
    let answer = get_by_tls(&address, &second, "/health").await?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    ensure!(get_by_tls(&address, &first, "/health").await.is_err(), "the old one is gone");

    // One that can't be used changes nothing.
    std::fs::write(&path, "nonsense")?;
    let answer = get_by_tls(&address, &second, "/health").await?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_unix_socket_that_goes_with_the_server() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("desktop.sock");
    let serving = Serving::start(&format!("listen=unix:{}", path.display()))?;
    ensure!(serving.address()? == format!("unix:{}", path.display()));
    let answer = get(tokio::net::UnixStream::connect(&path).await?, "/").await?;
    ensure!(answer.contains("<video"), "{answer}");
    drop(serving);
    ensure!(!path.exists());
    Ok(())
}

#[tokio::test]
async fn ipv6_and_a_base_path() -> Result<()> {
    let serving = Serving::start("listen=[::1]:0 base-path=/desks/1")?;
    let url = |path: &str| Ok::<_, anyhow::Error>(format!("http://{}{path}", serving.address()?));
    for path in ["/desks/1/", "/", "/desks/1/js/main.js", "/desks/1/turn", "/desks/1/health"] {
        let (status, body) = http::get(&url(path)?, None).await?;
        ensure!(status == 200, "{path}: {status} {body}");
    }
    ensure!(http::get(&url("/desks/1")?, None).await?.0 == 308);
    ensure!(http::get(&url("/desks/2/")?, None).await?.0 != 308);
    Ok(())
}

#[tokio::test]
async fn metrics_need_the_password_unless_they_have_an_address() -> Result<()> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let serving =
        Serving::start(&format!("listen=127.0.0.1:0 password=p view-password=v metrics-listen=127.0.0.1:{port}"))?;
    let url = format!("http://{}/metrics", serving.address()?);
    ensure!(http::get(&url, None).await?.0 == 401);
    ensure!(http::get(&url, Some(("user", "v"))).await?.0 == 404);
    let (status, text) = http::get(&url, Some(("user", "p"))).await?;
    ensure!(status == 200 && text.contains("egldesktop_viewers 0"), "{status} {text}");

    let gpu = "gpu, load=(double)0.5, memory-used=(guint64)1048576, memory-total=(guint64)2097152;";
    serving.signal.set_property("gpu-statistics", gpu);
    let (_, text) = http::get(&url, Some(("user", "p"))).await?;
    ensure!(
        text.contains("\ngpu_utilization 50.0\n") && text.contains("egldesktop_gpu_memory_bytes 2097152"),
        "{text}"
    );

    let open = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let (status, text) = http::get(&open("/metrics"), None).await?;
    ensure!(status == 200 && text.contains("fps_hist"), "{status} {text}");
    ensure!(http::get(&open("/"), None).await?.0 == 404);
    let stats = serving.signal.property::<gst::Structure>("stats");
    ensure!(stats.get::<gst::Array>("viewers")?.is_empty() && stats.get::<gst::Array>("streams")?.len() == 1);
    Ok(())
}
