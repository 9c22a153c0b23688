//! Where the server listens: on an address, or on a Unix socket.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use tokio::io::{AsyncRead, AsyncWrite};

/// A place to listen at: `127.0.0.1:8080`, `[::]:8080` or `unix:/run/desktop.sock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Place {
    Inet(SocketAddr),
    Unix(PathBuf),
}

/// Somebody who has connected.
#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    Inet(SocketAddr),
    /// Through the Unix socket: a proxy on this machine.
    Local,
}

/// A bound socket. A Unix socket's file goes with it.
#[derive(Debug)]
pub(in super::super) enum Bound {
    Inet(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener, SocketFile),
}

/// The file of a Unix socket; removed on drop.
#[derive(Debug)]
pub(in super::super) struct SocketFile(PathBuf);

/// The same inside the runtime.
pub(super) enum Listener {
    Inet(tokio::net::TcpListener),
    Unix { listener: tokio::net::UnixListener, _file: SocketFile },
}

/// A connection of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Text that is no place.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "\"{0}\" is neither an address and port such as 127.0.0.1:8080 or [::]:8080 nor a path such as unix:/run/desktop.sock"
)]
pub(in super::super) struct NoPlace(String);

impl std::str::FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Self::Unix(path.into())),
            Some(_) => Err(NoPlace(text.to_owned())),
            None => text.parse().map(Self::Inet).map_err(|_| NoPlace(text.to_owned())),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

impl Place {
    /// Whether only this machine can connect.
    pub(in super::super) fn is_local(&self) -> bool {
        match self {
            Self::Inet(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }

    /// Binds it; returns also where that came to, with the port where that was 0.
    pub(in super::super) fn bind(&self) -> io::Result<(Bound, Self)> {
        match self {
            Self::Inet(address) => {
                let listener = std::net::TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                let place = Self::Inet(listener.local_addr()?);
                Ok((Bound::Inet(listener), place))
            }
            Self::Unix(path) => {
                remove_stale(path)?;
                let listener = std::os::unix::net::UnixListener::bind(path)?;
                listener.set_nonblocking(true)?;
                Ok((Bound::Unix(listener, SocketFile(path.clone())), self.clone()))
            }
        }
    }
}

/// A socket that nobody listens on any more, left by a program that was killed, is in the way of a new one.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_socket());
    let refused = || {
        let connected = std::os::unix::net::UnixStream::connect(path);
        connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    if is_socket && refused() { std::fs::remove_file(path) } else { Ok(()) }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it before us.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Bound {
    /// Needs a runtime.
    pub(super) fn listen(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Inet(listener) => Listener::Inet(tokio::net::TcpListener::from_std(listener)?),
            Self::Unix(listener, file) => {
                Listener::Unix { listener: tokio::net::UnixListener::from_std(listener)?, _file: file }
            }
        })
    }
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Inet(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Signalling is small messages that the next one waits for.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Peer::Inet(peer)))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Peer::Local))
            }
        }
    }
}

impl Peer {
    /// Its address; the loopback's for one on this machine.
    pub(super) fn ip(self) -> IpAddr {
        match self {
            Self::Inet(address) => address.ip(),
            Self::Local => Ipv4Addr::LOCALHOST.into(),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(formatter),
            Self::Local => formatter.write_str("the Unix socket"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for text in ["127.0.0.1:8080", "[::]:8080", "unix:/run/desktop.sock"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for bad in ["", "8080", "localhost:8080", "unix:"] {
            assert_eq!(bad.parse::<Place>(), Err(NoPlace(bad.into())));
        }
        let is_local = |text: &str| text.parse::<Place>().unwrap().is_local();
        assert!(is_local("[::1]:1") && is_local("unix:/x") && !is_local("0.0.0.0:1"));
    }

    #[test]
    fn a_dead_socket_makes_room_and_a_live_one_or_a_file_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("desktop.sock");
        let place = Place::Unix(path.clone());
        // Dropped without its guard, as by SIGKILL.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let bound = place.bind().unwrap();
        assert!(place.bind().is_err());
        drop(bound);
        assert!(!path.exists());
        std::fs::write(&path, "mine").unwrap();
        assert!(place.bind().is_err() && path.exists());
    }
}
