//! `--check-health`: whether the desktop that these variables describe answers. For whoever supervises a container.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::settings::{Listen, Settings};

/// For each step. The web server answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(5);
/// HTTP/1.0: the answer ends with the connection.
const REQUEST: &[u8] = b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n";

/// An error says why not.
pub(crate) fn check(settings: &Settings) -> anyhow::Result<()> {
    let place = &settings.listen;
    let status = ask(settings).with_context(|| format!("{place} does not answer"))?;
    ensure!(status == 200, "{place} answers with {status}");
    Ok(())
}

fn ask(settings: &Settings) -> anyhow::Result<u16> {
    match &settings.listen {
        Listen::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            encrypted(stream, settings.tls.is_some())
        }
        Listen::Inet(address) => {
            let stream = TcpStream::connect_timeout(&reachable(*address), PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            encrypted(stream, settings.tls.is_some())
        }
    }
}

fn encrypted(stream: impl Read + Write, tls: bool) -> anyhow::Result<u16> {
    if !tls {
        return status(stream);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let anyone = Arc::new(Anyone(provider.clone()));
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(anyone).with_no_client_auth();
    let name = ServerName::try_from("localhost")?;
    status(StreamOwned::new(ClientConnection::new(Arc::new(config), name)?, stream))
}

fn status(mut stream: impl Read + Write) -> anyhow::Result<u16> {
    stream.write_all(REQUEST)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let code = std::str::from_utf8(&head).ok().and_then(|head| head.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok());
    code.context("that is no HTTP")
}

/// The unspecified address is one to listen on, not to connect to.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Takes any certificate: this asks for a sign of life, and says nothing that is worth a secret.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::BufRead as _, net::TcpListener, thread};

    use super::*;
    use crate::settings::Environment;

    fn check_against(answer: &'static str) -> anyhow::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = std::io::BufReader::new(&stream).lines().map_while(Result::ok);
            assert_eq!(lines.next().as_deref(), Some("GET /health HTTP/1.0"));
            assert!(lines.any(|line| line.is_empty()));
            (&stream).write_all(answer.as_bytes()).unwrap();
        });
        let environment = Environment::from([("SELKIES_ADDR", "0.0.0.0"), ("SELKIES_PORT", &port)]);
        let checked = check(&Settings::read(&environment).unwrap());
        server.join().unwrap();
        checked
    }

    #[test]
    fn only_a_200_is_health() {
        check_against("HTTP/1.1 200 OK\r\n\r\nOK\n").unwrap();
        let error = check_against("HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap_err();
        assert!(error.to_string().ends_with("answers with 503"), "{error}");
        assert!(check_against("SSH-2.0-OpenSSH_9.2\r\n").is_err());
        assert!(check_against("").is_err());
    }
}
