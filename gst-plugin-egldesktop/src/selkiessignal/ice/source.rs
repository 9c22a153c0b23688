//! Where the ICE servers come from. The first that has something to say holds: Cloudflare, the file, the TURN REST
//! service, the configured TURN server; the order is that of Selkies.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::credentials;
use super::request::{RequestError, Service};
use super::server::{Configuration, ConfigurationError, Server, Url};
use crate::selkiessignal::settings::{Settings, TurnProtocol};

/// How often the file is looked at. A look costs a system call; file events would miss network file systems, and the
/// symbolic links that Kubernetes swaps.
const LOOK: Duration = Duration::from_secs(2);
/// No file of servers is longer, in bytes.
const MAX_FILE: u64 = 64 * 1024;
/// After a service has failed.
const RETRY: Duration = Duration::from_secs(10);
/// A service is asked again after half the lifetime of its credentials, within these bounds.
const REFRESH: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3600));

/// Why there are no servers to use.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum IceError {
    #[error("stun-server {0:?} is not of the form stun://host:port")]
    Stun(String),
    #[error("turn-host is set, but neither turn-shared-secret nor turn-username and turn-password")]
    NoCredentials,
    #[error("turn-host: {0}")]
    Turn(ConfigurationError),
    #[error("turn-separator must be \":\", or \"-\" for servers that are set up so")]
    Separator,
    #[error("cloudflare-turn needs cloudflare-turn-token-id and cloudflare-turn-api-token")]
    Cloudflare,
    #[error("port-range {0:?} is not of the form 59000-59100")]
    Ports(String),
    #[error("announced-addresses: {0:?} is not one IPv4 address, one IPv6 address, or both with a comma between")]
    Announced(String),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("{}: {error}", path.display())]
    Content { path: PathBuf, error: ConfigurationError },
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// See the module.
pub(super) struct Source {
    file: Option<PathBuf>,
    service: Option<Service>,
    stun: Option<Url>,
    turn: Option<Turn>,
}

struct Turn {
    url: Url,
    credentials: Credentials,
}

enum Credentials {
    SharedSecret { secret: String, separator: char },
    LongTerm { username: String, password: String },
}

impl Source {
    pub(super) fn new(settings: &Settings) -> Result<Self, IceError> {
        let service = Service::new(settings)?;
        let stun = settings.stun_server.as_ref().map(|uri| {
            let url = uri.strip_prefix("stun://").filter(|rest| rest.contains(':'));
            url.and_then(|rest| Url::parse(&format!("stun:{rest}")).ok()).ok_or_else(|| IceError::Stun(uri.clone()))
        });
        Ok(Self {
            // Cloudflare goes before the file, which then has nothing to say.
            file: settings.rtc_config_file.clone().map(PathBuf::from).filter(|_| !is_cloudflare(&service)),
            service,
            stun: stun.transpose()?,
            turn: settings.turn_host.as_ref().map(|host| Turn::new(host, settings)).transpose()?,
        })
    }

    /// What holds while neither file nor service has said anything.
    pub(super) fn configured(&self, user: &str, now: SystemTime) -> Configuration {
        let mut stun: Vec<_> = self.stun.iter().cloned().collect();
        let turn = self.turn.as_ref().map(|turn| {
            // Every TURN server answers STUN requests as well.
            stun.push(Url::stun(&turn.url.host, turn.url.port));
            Server { urls: vec![turn.url.clone()], login: Some(turn.credentials.at(user, now)) }
        });
        let stun = Some(Server { urls: stun, login: None }).filter(|server| !server.urls.is_empty());
        Configuration { servers: stun.into_iter().chain(turn).collect(), ..Configuration::default() }
    }

    /// Calls `update` with all that file and service have to say, `None` for nothing any more. Ends at once where there
    /// is neither.
    pub(super) async fn follow(&self, update: impl Fn(Result<Option<Configuration>, IceError>)) {
        let mut seen = None;
        let mut due = Instant::now();
        loop {
            if let Some(path) = &self.file {
                let stamp = stamp(path).await;
                if stamp != seen {
                    seen = stamp;
                    due = Instant::now();
                    let content = if seen.is_some() { read(path).await.map(Some) } else { Ok(None) };
                    update(content);
                }
            }
            let service = self.service.as_ref().filter(|_| seen.is_none());
            if let Some(service) = service.filter(|_| due <= Instant::now()) {
                let answer = service.ask().await;
                let pause = answer.as_ref().map_or(RETRY, |answer| (answer.lifetime / 2).clamp(REFRESH.0, REFRESH.1));
                due = Instant::now() + pause;
                update(answer.map(Some).map_err(IceError::from));
            }
            let next = match (&self.file, service) {
                (None, None) => return,
                (Some(_), None) => Instant::now() + LOOK,
                (Some(_), Some(_)) => due.min(Instant::now() + LOOK),
                (None, Some(_)) => due,
            };
            tokio::time::sleep_until(next).await;
        }
    }
}

fn is_cloudflare(service: &Option<Service>) -> bool {
    matches!(service, Some(Service::Cloudflare { .. }))
}

/// What changes whenever a file does; `None` when there is none.
async fn stamp(path: &Path) -> Option<[i64; 6]> {
    let path = path.to_owned();
    let metadata = tokio::task::spawn_blocking(move || std::fs::metadata(path)).await.ok()?.ok()?;
    let identity = [metadata.dev() as i64, metadata.ino() as i64, metadata.size() as i64];
    let [device, inode, size] = identity;
    Some([device, inode, size, metadata.mtime(), metadata.mtime_nsec(), metadata.ctime_nsec()])
}

async fn read(path: &Path) -> Result<Configuration, IceError> {
    use std::io::Read as _;
    let open = path.to_owned();
    let content = tokio::task::spawn_blocking(move || {
        let mut content = Vec::new();
        std::fs::File::open(open)?.take(MAX_FILE).read_to_end(&mut content)?;
        Ok(content)
    })
    .await
    .unwrap_or_else(|error| Err(std::io::Error::other(error)))
    .map_err(|error| IceError::File { path: path.to_owned(), error })?;
    Configuration::parse(&content).map_err(|error| IceError::Content { path: path.to_owned(), error })
}

impl Turn {
    fn new(host: &str, settings: &Settings) -> Result<Self, IceError> {
        let separator = match settings.turn_separator.as_str() {
            ":" => ':',
            "-" => '-',
            _ => return Err(IceError::Separator),
        };
        let credentials = match (&settings.turn_shared_secret, &settings.turn_username, &settings.turn_password) {
            (_, Some(username), Some(password)) => {
                Credentials::LongTerm { username: username.clone(), password: password.clone() }
            }
            (Some(secret), _, _) => Credentials::SharedSecret { secret: secret.clone(), separator },
            _ => return Err(IceError::NoCredentials),
        };
        let scheme = if settings.turn_tls { "turns" } else { "turn" };
        let transport = match settings.turn_protocol {
            TurnProtocol::Udp => "udp",
            TurnProtocol::Tcp => "tcp",
        };
        let literal_v6 = host.contains(':') && !host.starts_with('[');
        let host = if literal_v6 { format!("[{host}]") } else { host.to_owned() };
        let url = Url::parse(&format!("{scheme}:{host}:{}?transport={transport}", settings.turn_port));
        Ok(Self { url: url.map_err(IceError::Turn)?, credentials })
    }
}

impl Credentials {
    fn at(&self, user: &str, now: SystemTime) -> (String, String) {
        match self {
            Self::LongTerm { username, password } => (username.clone(), password.clone()),
            Self::SharedSecret { secret, separator } => credentials::make(secret, user, *separator, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::json;
    use tokio::sync::mpsc;

    use super::*;

    fn configured(settings: &Settings) -> Configuration {
        Source::new(settings).unwrap().configured("u", UNIX_EPOCH)
    }

    fn with_secret() -> Settings {
        Settings {
            turn_host: Some("turn.example".into()),
            turn_shared_secret: Some("north".into()),
            ..Settings::default()
        }
    }

    #[test]
    fn nothing_configured_contacts_nobody() {
        let configuration = configured(&Settings::default());
        assert_eq!(configuration.to_json()["iceServers"], json!([]));
        assert_eq!((configuration.stun_uri(), configuration.turn_uris()), (None, vec![]));
    }

    #[test]
    fn long_term_credentials_go_before_the_secret() {
        let settings = Settings {
            turn_username: Some("a@b".into()),
            turn_password: Some("p:/w".into()),
            turn_protocol: TurnProtocol::Tcp,
            turn_tls: true,
            turn_port: 5349,
            turn_host: Some("2001:db8::1".into()),
            ..with_secret()
        };
        let expected = "turns://a%40b:p%3A%2Fw@[2001:db8::1]:5349?transport=tcp";
        assert_eq!(configured(&settings).turn_uris(), [expected]);
        assert_eq!(configured(&settings).stun_uri().as_deref(), Some("stun://[2001:db8::1]:5349"));
        assert_eq!(
            configured(&with_secret()).turn_uris()[0].split('@').next_back(),
            Some("turn.example:3478?transport=udp")
        );
    }

    #[test]
    fn half_a_configuration_is_an_error() {
        let error = |settings: Settings| Source::new(&settings).err().map(|error| error.to_string());
        let host = Settings { turn_shared_secret: None, ..with_secret() };
        assert!(error(host).unwrap().contains("turn-shared-secret"));
        for bad in ["stun:x:1", "x:1", "stun://x", "stun://x:1/y", "stun://x:y"] {
            assert!(error(Settings { stun_server: Some(bad.into()), ..Settings::default() }).unwrap().contains(bad));
        }
        assert!(error(Settings { turn_separator: "+".into(), ..with_secret() }).unwrap().contains("turn-separator"));
        let cloudflare =
            Settings { cloudflare_turn: true, cloudflare_turn_token_id: Some("x".into()), ..Settings::default() };
        assert!(error(cloudflare).unwrap().contains("cloudflare-turn-api-token"));
    }

    /// The file wins while it is there, each of its versions is seen, and a broken one is an error.
    #[tokio::test]
    async fn the_file_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rtc.json");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write(r#"{"iceServers":[{"urls":["stun:first:1"]}]}"#);
        let settings = Settings { rtc_config_file: Some(path.display().to_string()), ..with_secret() };
        let source = Source::new(&settings).unwrap();
        let (sender, mut updates) = mpsc::unbounded_channel();
        let follow = source
            .follow(|update| sender.send(update.map(|update| update.and_then(|known| known.stun_uri()))).unwrap());
        let check = async {
            assert_eq!(updates.recv().await.unwrap().unwrap().as_deref(), Some("stun://first:1"));
            write(r#"{"iceServers":[{"urls":["stun:second:1"]}]}"#);
            assert_eq!(updates.recv().await.unwrap().unwrap().as_deref(), Some("stun://second:1"));
            write("{");
            let error = updates.recv().await.unwrap().unwrap_err().to_string();
            assert!(error.contains("rtc.json"), "{error}");
            std::fs::remove_file(&path).unwrap();
            assert_eq!(updates.recv().await.unwrap().unwrap(), None);
        };
        tokio::select! {
            () = follow => panic!("gave up"),
            () = check => {}
        }
    }
}
