//! Services that hand out TURN servers: Selkies' TURN REST service, and Cloudflare.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::IceError;
use super::credentials::LIFETIME;
use super::server::{Configuration, ConfigurationError};
use crate::selkiessignal::settings::{Settings, TurnProtocol};

/// How long a service may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
const CLOUDFLARE: &str = "https://rtc.live.cloudflare.com";

/// Whom to ask, and how. No `Debug`: it holds a secret.
pub(super) enum Service {
    Rest { uri: Uri, headers: Vec<(HeaderName, HeaderValue)> },
    Cloudflare { uri: Uri, authorization: HeaderValue },
}

/// Why a service gave no servers. The text names the service, and no secret of it.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum RequestError {
    #[error("{0:?} is not the address of a TURN service, such as https://turn.example/")]
    Uri(String),
    #[error("{0:?} cannot stand in an HTTP header")]
    Header(String),
    #[error("this machine trusts no certificates (package ca-certificates): {0}")]
    Certificates(std::io::Error),
    #[error("the TURN service at {host} does not answer: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("the TURN service at {host} answers {status}")]
    Refused { host: String, status: StatusCode },
    #[error("the TURN service at {host}: {error}")]
    Content { host: String, error: ConfigurationError },
}

impl Service {
    /// The service that is configured, Cloudflare before the other.
    pub(super) fn new(settings: &Settings) -> Result<Option<Self>, IceError> {
        if settings.cloudflare_turn {
            let login = settings.cloudflare_turn_token_id.as_ref().zip(settings.cloudflare_turn_api_token.as_ref());
            let (id, token) = login.ok_or(IceError::Cloudflare)?;
            return Ok(Some(Self::cloudflare(CLOUDFLARE, id, token)?));
        }
        let Some(uri) = &settings.turn_rest_uri else { return Ok(None) };
        let protocol = match settings.turn_protocol {
            TurnProtocol::Udp => "udp",
            TurnProtocol::Tcp => "tcp",
        };
        let machine = || format!("selkies-{}", rustix::system::uname().nodename().to_string_lossy());
        let username = settings.turn_rest_username.clone().unwrap_or_else(machine).replace(':', "-");
        let values = [username.as_str(), protocol, if settings.turn_tls { "true" } else { "false" }];
        let names: Vec<_> = settings.turn_rest_headers.split(',').map(str::trim).collect();
        if names.len() != values.len() {
            return Err(RequestError::Header(settings.turn_rest_headers.clone()).into());
        }
        let headers = names.into_iter().zip(values).map(|(name, value)| {
            let name_error = || RequestError::Header(name.to_owned());
            let value_error = || RequestError::Header(value.to_owned());
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| name_error())?;
            Ok::<_, RequestError>((name, HeaderValue::from_str(value).map_err(|_| value_error())?))
        });
        Ok(Some(Self::Rest { uri: parse(uri)?, headers: headers.collect::<Result<_, _>>()? }))
    }

    fn cloudflare(base: &str, id: &str, token: &str) -> Result<Self, RequestError> {
        let uri = parse(&format!("{base}/v1/turn/keys/{id}/credentials/generate"))?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| RequestError::Header("cloudflare-turn-api-token".into()))?;
        authorization.set_sensitive(true);
        Ok(Self::Cloudflare { uri, authorization })
    }

    /// Asks once.
    pub(super) async fn ask(&self) -> Result<Configuration, RequestError> {
        let host = self.uri().host().unwrap_or_default().to_owned();
        let client = client()?;
        let unreachable = |reason: String| RequestError::Unreachable { host: host.clone(), reason };
        let exchange = async {
            let answer = client.request(self.request()).await.map_err(|error| unreachable(chain(&error)))?;
            let status = answer.status();
            if !status.is_success() {
                return Err(RequestError::Refused { host: host.clone(), status });
            }
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            Ok(body.map_err(|error| unreachable(error.to_string()))?.to_bytes())
        };
        let body = timeout(PATIENCE, exchange).await.map_err(|_| unreachable("no answer in time".into()))??;
        Configuration::parse(&body).map_err(|error| RequestError::Content { host: host.clone(), error })
    }

    fn uri(&self) -> &Uri {
        match self {
            Self::Rest { uri, .. } | Self::Cloudflare { uri, .. } => uri,
        }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = self.uri().clone();
        match self {
            Self::Rest { headers, .. } => request.headers_mut().extend(headers.iter().cloned()),
            Self::Cloudflare { authorization, .. } => {
                *request.method_mut() = Method::POST;
                request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
                request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                *request.body_mut() = Full::from(format!("{{\"ttl\":{}}}", LIFETIME.as_secs()));
            }
        }
        request
    }
}

fn parse(text: &str) -> Result<Uri, RequestError> {
    let uri: Option<Uri> = text.parse().ok();
    uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
        .ok_or_else(|| RequestError::Uri(text.to_owned()))
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client that trusts what this machine trusts. Made for each request: there is one in hours.
fn client() -> Result<HttpClient, RequestError> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(RequestError::Certificates)?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// What hyper's own text leaves out stands in the sources of the error.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request, and returns its head and body in lower case.
    async fn serve(listener: TcpListener, answer: String) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        // The requests here end in a header's empty line, or in a JSON object.
        while !request.ends_with(b"\r\n\r\n") && !request.ends_with(b"}") {
            stream.read_buf(&mut request).await.unwrap();
        }
        // Head and body may come apart.
        if request.starts_with(b"POST") && !request.ends_with(b"}") {
            stream.read_buf(&mut request).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap().to_lowercase()
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    async fn exchange(
        service: Service,
        listener: TcpListener,
        answer: String,
    ) -> (Result<Configuration, RequestError>, String) {
        tokio::join!(service.ask(), serve(listener, answer))
    }

    async fn listen() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, format!("http://{address}"))
    }

    fn rest(uri: &str) -> Service {
        let settings = Settings {
            turn_rest_uri: Some(uri.into()),
            turn_rest_username: Some("desk:1".into()),
            turn_tls: true,
            ..Settings::default()
        };
        Service::new(&settings).unwrap().unwrap()
    }

    #[tokio::test]
    async fn the_rest_service_is_asked_as_selkies_asks() {
        let (listener, uri) = listen().await;
        let answer =
            r#"{"lifetimeDuration":"600s","iceServers":[{"urls":["turn:t:1"],"username":"u","credential":"p"}]}"#;
        let (configuration, request) = exchange(rest(&format!("{uri}/turn")), listener, ok(answer)).await;
        assert_eq!(configuration.unwrap().turn_uris(), ["turn://u:p@t:1?transport=udp"]);
        for part in
            ["get /turn http/1.1", "x-auth-user: desk-1\r\n", "x-turn-protocol: udp\r\n", "x-turn-tls: true\r\n"]
        {
            assert!(request.contains(part), "{request}");
        }
    }

    #[tokio::test]
    async fn cloudflare_is_asked_with_its_token() {
        let (listener, uri) = listen().await;
        let service = Service::cloudflare(&uri, "key", "Secret").unwrap();
        let answer = r#"{"iceServers":{"urls":["stun:s:1","turn:t:1"],"username":"u","credential":"p"}}"#;
        let (configuration, request) = exchange(service, listener, ok(answer)).await;
        assert_eq!(configuration.unwrap().stun_uri().as_deref(), Some("stun://s:1"));
        for part in
            ["post /v1/turn/keys/key/credentials/generate", "authorization: bearer secret\r\n", r#"{"ttl":86400}"#]
        {
            assert!(request.contains(part), "{request}");
        }
    }

    #[tokio::test]
    async fn bad_answers_are_errors_that_name_the_service() {
        let huge = ok(&" ".repeat(MAX_ANSWER + 1));
        for answer in ["HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".into(), ok("<html>"), "x".into(), huge] {
            let (listener, uri) = listen().await;
            let (result, _) = exchange(rest(&uri), listener, answer).await;
            let error = result.unwrap_err().to_string();
            assert!(error.contains("127.0.0.1"), "{error}");
        }
        for bad in ["", "turn.example", "ftp://x/", "/x"] {
            let settings = Settings { turn_rest_uri: Some(bad.into()), ..Settings::default() };
            assert!(Service::new(&settings).is_err(), "{bad}");
        }
    }
}
