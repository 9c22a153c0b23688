//! TLS, with a certificate that is read again when its files change.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

use super::CAT;

/// Why there is no TLS; the text is for the user.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum TlsError {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: pem::Error },
    #[error("{} has no certificate", .0.display())]
    Empty(PathBuf),
    #[error("the certificate can't be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate with its key, and the files they come from.
#[derive(Debug)]
struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    key: Arc<CertifiedKey>,
    version: [Option<Version>; 2],
}

/// Tells two contents of a file apart: which file, when it was written, and how long it is. The time alone does not,
/// because clocks of file systems are coarse.
type Version = (u64, SystemTime, u64);

/// Reads PEM files. The key may be in the file of the certificate.
pub(in super::super) fn acceptor(chain: &Path, key: Option<&Path>) -> Result<TlsAcceptor, TlsError> {
    let (chain, key) = (chain.to_owned(), key.unwrap_or(chain).to_owned());
    let version = versions(&chain, &key);
    let loaded = Mutex::new(Loaded { key: read(&chain, &key)?, version });
    let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Certificate { chain, key, loaded }));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read(chain: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        move |error| TlsError::File { path, error }
    };
    let certificates = CertificateDer::pem_file_iter(chain).map_err(of(chain))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(of(chain))?;
    if certificates.is_empty() {
        return Err(TlsError::Empty(chain.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(of(key))?;
    // Checks that the two belong together.
    Ok(Arc::new(CertifiedKey::from_der(certificates, key, &ring::default_provider())?))
}

fn versions(chain: &Path, key: &Path) -> [Option<Version>; 2] {
    [chain, key].map(|path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.ino(), metadata.modified().ok()?, metadata.len()))
    })
}

impl ResolvesServerCert for Certificate {
    /// Looks at the files with each connection: two system calls beside a handshake.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let version = versions(&self.chain, &self.key);
        if version != loaded.version {
            // While the two are being written they may not belong together; the next change, then.
            match read(&self.chain, &self.key) {
                Ok(key) => {
                    gst::info!(CAT, "there is a new certificate");
                    *loaded = Loaded { key, version };
                }
                Err(error) => gst::warning!(CAT, "keeping the old certificate: {error}"),
            }
        }
        Some(loaded.key.clone())
    }
}
