//! Which path answers with what.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::{Instant, SystemTime};

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::auth::{Login, unauthorized};
use super::headers::{Answer, secure, text, with_type};
use super::{Assets, CAT, Context, Purpose, Vnc, files, links, websocket};
use crate::selkiessignal::roster::{Access, Caller};
use crate::selkiessignal::{metrics, session};

/// Answers one request. Everything needs a password or a link, but that `/health` and `/ready` answer those who show none.
pub(super) async fn respond(request: Request<Incoming>, context: Context) -> Result<Answer, Infallible> {
    if context.purpose == Purpose::Metrics {
        let is_it = request.uri().path().trim_end_matches('/') == "/metrics" && request.method() == Method::GET;
        let answer = if is_it { metrics(context).await } else { text(StatusCode::NOT_FOUND, "Only /metrics\n") };
        return Ok(secure(answer));
    }
    let link = links::shown(request.uri(), request.headers());
    let opened = link.as_ref().and_then(|link| context.site.hub.links.check(&link.token, Instant::now()));
    let answer = match (log_in(&request, &context), opened, link) {
        // A link in the address is what the user has chosen, whatever the browser remembers beside it.
        (_, Some(_), Some(link)) if link.in_address && !is_signalling(request.uri().path()) => {
            links::enter(&link.token)
        }
        (Login::Right(access), _, _) => serve(request, context, access, None).await,
        (_, Some(link), _) => serve(request, context, Access::View, Some(link)).await,
        (Login::Missing, None, _) if is_below(&request, &context, "/health") => health(),
        (Login::Missing, None, _) if is_below(&request, &context, "/ready") => ready(&context),
        (Login::Missing, None, _) => unauthorized(request.headers()),
        (Login::Wrong, None, _) => {
            gst::warning!(CAT, "wrong user or password from {}", context.peer);
            unauthorized(request.headers())
        }
    };
    Ok(secure(answer))
}

fn is_below(request: &Request<Incoming>, context: &Context, wanted: &str) -> bool {
    let path = below(&context.site.base_path, request.uri().path());
    path.is_some_and(|path| path.trim_end_matches('/') == wanted)
}

fn log_in(request: &Request<Incoming>, context: &Context) -> Login {
    let everybody = Login::Right(Access::Control);
    context.site.credentials.as_ref().map_or(everybody, |known| known.check(request.headers()))
}

/// Answers somebody who may come in.
async fn serve(request: Request<Incoming>, context: Context, access: Access, link: Option<links::LinkId>) -> Answer {
    let Some(path) = below(&context.site.base_path, request.uri().path()) else {
        return to_folder(&context.site.base_path);
    };
    if is_signalling(path) {
        if !same_origin(request.headers()) {
            return text(StatusCode::FORBIDDEN, "This page belongs to another site\n");
        }
        let caller = Caller { address: client(context.peer.ip(), request.headers()), access, link };
        return websocket::upgrade(request, context, websocket::Use::Signalling(caller));
    }
    if context.site.vnc.is_some() && Vnc::is_socket(path) {
        if !same_origin(request.headers()) {
            return text(StatusCode::FORBIDDEN, "This page belongs to another site\n");
        }
        return websocket::upgrade(request, context, websocket::Use::Vnc);
    }
    if let (Some(vnc), &Method::GET | &Method::HEAD) = (&context.site.vnc, request.method())
        && let Some(answer) = vnc.serve(&context.site.base_path, path, request.headers()).await
    {
        return answer;
    }
    if files::is_theirs(path) {
        let (folder, path) = (context.site.files.clone(), path.to_owned());
        return files::respond(folder.as_ref(), &path, access, request).await;
    }
    match (request.method(), path.trim_end_matches('/')) {
        (&Method::POST, "/links") => {
            if access != Access::Control || !same_origin(request.headers()) {
                return text(StatusCode::FORBIDDEN, "Only who may control the desktop can invite\n");
            }
            match context.site.hub.links.create(Instant::now()) {
                Ok(token) => {
                    let body = serde_json::json!({ "token": token, "lifetime": links::LIFETIME.as_secs() });
                    with_type(StatusCode::CREATED, "application/json", body.to_string())
                }
                Err(error) => {
                    gst::error!(CAT, "no random numbers: {error}");
                    text(StatusCode::INTERNAL_SERVER_ERROR, "No link can be made\n")
                }
            }
        }
        (&Method::GET | &Method::HEAD, "/health") => health_in_full(&context),
        (&Method::GET | &Method::HEAD, "/ready") => ready(&context),
        (&Method::GET | &Method::HEAD, "/metrics") if access == Access::Control => metrics(context).await,
        (&Method::GET | &Method::HEAD, "/turn") => {
            let mut configuration = context.site.hub.ice().rtc_configuration(SystemTime::now());
            // Browsers leave out what is no member of RTCConfiguration.
            configuration["transport"] = context.site.hub.transport().nick().into();
            with_type(StatusCode::OK, "application/json", configuration.to_string())
        }
        (&Method::GET | &Method::HEAD, "/manifest.webmanifest") if matches!(context.site.assets, Assets::Embedded) => {
            with_type(StatusCode::OK, "application/manifest+json", context.site.manifest.clone())
        }
        (&Method::GET | &Method::HEAD, _) => context.site.assets.serve(path, request.headers()).await,
        _ => {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD\n");
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            answer
        }
    }
}

async fn metrics(context: Context) -> Answer {
    let hub = context.site.hub.clone();
    let printed = session::blocking(move || hub.metrics());
    match printed.await {
        Ok(text) => with_type(StatusCode::OK, metrics::CONTENT_TYPE, text),
        Err(error) => {
            gst::error!(CAT, "the metrics can't be printed: {error}");
            text(StatusCode::INTERNAL_SERVER_ERROR, "No metrics\n")
        }
    }
}

fn health() -> Answer {
    text(StatusCode::OK, "OK\n")
}

/// Whether somebody who comes now sees a picture: the encoder has made one.
fn ready(context: &Context) -> Answer {
    let encoded = context.site.hub.video().is_some_and(|stream| stream.stats("video").frames > 0);
    if encoded { health() } else { text(StatusCode::SERVICE_UNAVAILABLE, "No picture yet\n") }
}

/// [`health`] for who logs in, with what viewers have to know.
fn health_in_full(context: &Context) -> Answer {
    match &context.site.hub.notice {
        Some(notice) => with_type(StatusCode::OK, "text/plain; charset=utf-8", format!("OK\n{notice}\n")),
        None => health(),
    }
}

/// `/ws`, and every path that ends in `/signalling`: Selkies' clients put the name of the application before it.
fn is_signalling(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path == "/ws" || path.ends_with("/signalling")
}

/// The path below `base`, whether or not a proxy has taken `base` off already. `None` for `base` itself without a slash at
/// its end, below which a page would look for its files in the wrong place.
fn below<'a>(base: &str, path: &'a str) -> Option<&'a str> {
    match path.strip_prefix(base) {
        Some("") if !base.is_empty() => None,
        Some(rest) if rest.starts_with('/') => Some(rest),
        _ => Some(path),
    }
}

fn to_folder(base: &str) -> Answer {
    let mut answer = text(StatusCode::PERMANENT_REDIRECT, "This is a folder\n");
    if let Ok(folder) = HeaderValue::from_str(&format!("{base}/")) {
        answer.headers_mut().insert(header::LOCATION, folder);
    }
    answer
}

/// Where a client really is. A proxy on this machine says so in the last entry of `X-Forwarded-For`; everybody else may
/// write there what they like.
fn client(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = || {
        let value = headers.get("x-forwarded-for")?.to_str().ok()?;
        value.rsplit(',').next()?.trim().parse().ok()
    };
    if peer.to_canonical().is_loopback() { forwarded().unwrap_or(peer) } else { peer }
}

/// Browsers open WebSockets to any server for any page, and send the stored password along; they also say whose page
/// it is. Clients that are no browsers say nothing. A reverse proxy may have changed `Host`, and then gives the
/// original one.
pub(super) fn same_origin(headers: &HeaderMap) -> bool {
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
    fn a_proxy_may_or_may_not_take_the_base_path_off() {
        assert_eq!(below("/desk", "/desk/turn"), Some("/turn"));
        assert_eq!(below("/desk", "/turn"), Some("/turn"));
        assert_eq!(below("/desk", "/desktop"), Some("/desktop"));
        assert_eq!(below("/desk", "/desk"), None);
        assert_eq!(below("", "/"), Some("/"));
        assert_eq!(to_folder("/desk").headers()[header::LOCATION], "/desk/");
    }

    #[test]
    fn only_a_proxy_of_this_machine_is_believed() {
        let headers = HeaderMap::from_iter([(
            header::HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static("10.0.0.1, 192.0.2.7"),
        )]);
        let client = |peer: &str| client(peer.parse().unwrap(), &headers).to_string();
        assert_eq!(client("127.0.0.1"), "192.0.2.7");
        assert_eq!(client("::ffff:127.0.0.1"), "192.0.2.7");
        assert_eq!(client("198.51.100.1"), "198.51.100.1");
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
