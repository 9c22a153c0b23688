//! Which path answers with what.

use std::convert::Infallible;
use std::time::SystemTime;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::auth::{Login, unauthorized};
use super::headers::{Answer, secure, text, with_type};
use super::{CAT, Context, websocket};

/// Answers one request. Everything needs the password, but that `/health` answers those who show none.
pub(super) async fn respond(request: Request<Incoming>, context: Context) -> Result<Answer, Infallible> {
    let path = request.uri().path();
    let login = context.site.credentials.as_ref().map_or(Login::Right, |known| known.check(request.headers()));
    let answer = match (login, path.trim_end_matches('/')) {
        (Login::Missing, "/health") => health(),
        (Login::Missing, _) => unauthorized(),
        (Login::Wrong, _) => {
            gst::warning!(CAT, "wrong user or password from {}", context.peer);
            unauthorized()
        }
        (Login::Right, _) if is_signalling(path) => {
            if same_origin(request.headers()) {
                websocket::upgrade(request, context)
            } else {
                text(StatusCode::FORBIDDEN, "This page belongs to another site\n")
            }
        }
        (Login::Right, _) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD\n");
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            answer
        }
        (Login::Right, "/health") => health(),
        (Login::Right, "/turn") => {
            let configuration = context.site.hub.ice().rtc_configuration(SystemTime::now()).to_string();
            with_type(StatusCode::OK, "application/json", configuration)
        }
        (Login::Right, _) => context.site.assets.serve(path, request.headers()).await,
    };
    Ok(secure(answer))
}

fn health() -> Answer {
    text(StatusCode::OK, "OK\n")
}

/// `/ws`, and every path that ends in `/signalling`: Selkies' clients put the name of the application before it.
fn is_signalling(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path == "/ws" || path.ends_with("/signalling")
}

/// Browsers open WebSockets to any server for any page, and send the stored password along; they also say whose page
/// it is. Clients that are no browsers say nothing. A reverse proxy may have changed `Host`, and then gives the
/// original one.
fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(authority) = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host) else {
        return false;
    };
    let names = [header::HOST, header::HeaderName::from_static("x-forwarded-host")];
    names
        .iter()
        .filter_map(|name| headers.get(name))
        .any(|host| host.as_bytes().eq_ignore_ascii_case(authority.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signalling_paths_of_all_ages() {
        for path in ["/ws", "/ws/", "/webrtc/signalling/", "/webrtc/signalling", "/a/b/signalling/", "/signalling"] {
            assert!(is_signalling(path), "{path}");
        }
        for path in ["/", "/wss", "/x/ws", "/signallings", "/signalling/x"] {
            assert!(!is_signalling(path), "{path}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)));
            same_origin(&headers.collect())
        };
        assert!(check(&[("host", "desk:8080")]));
        assert!(check(&[("host", "desk:8080"), ("origin", "http://desk:8080")]));
        assert!(check(&[("host", "127.0.0.1:8080"), ("x-forwarded-host", "desk"), ("origin", "https://desk")]));
        assert!(!check(&[("host", "desk:8080"), ("origin", "http://evil")]));
        assert!(!check(&[("host", "desk:8080"), ("origin", "null")]));
    }
}
