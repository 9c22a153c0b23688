//! Which path answers with what.

use std::convert::Infallible;
use std::time::{Instant, SystemTime};

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::guard::{Verdict, Visitor};
use super::headers::{Answer, foreign_page, secure, text, with_type};
use super::{Assets, CAT, Context, Purpose, Vnc, account, client, files, notice, websocket, whep};
use crate::selkiessignal::roster::{Access, Caller};
use crate::selkiessignal::{metrics, session};

/// Answers one request. Everything needs a login, but the page that opens links; and `/health` and `/ready`, which answer
/// those who show none.
pub(super) async fn respond(mut request: Request<Incoming>, context: Context) -> Result<Answer, Infallible> {
    if context.purpose == Purpose::Metrics {
        let is_it = request.uri().path().trim_end_matches('/') == "/metrics" && request.method() == Method::GET;
        let answer = if is_it { metrics(context).await } else { text(StatusCode::NOT_FOUND, "Only /metrics\n") };
        return Ok(secure(answer));
    }
    let Some(path) = below(&context.site.base_path, request.uri().path()).map(str::to_owned) else {
        return Ok(secure(to_folder(&context.site.base_path)));
    };
    if let Some(answer) = account::public(&path, &mut request, &context).await {
        return Ok(secure(answer));
    }
    if whep::is_theirs(&path) {
        return Ok(secure(whep::respond(&path, request, context).await));
    }
    let capabilities = &context.site.hub.capabilities;
    let verdict = context.site.guard.judge(context.peer, request.headers(), capabilities, Instant::now());
    let answer = match verdict {
        Verdict::In(visitor) => {
            let (is_secure, whole) = (account::is_secure(&request, &context), request.uri().path().to_owned());
            let mut answer = match account::respond(&path, &mut request, &context, visitor).await {
                Some(answer) => answer,
                None => serve(request, &path, context.clone(), visitor).await,
            };
            let below_base = whole.strip_prefix(&context.site.base_path).unwrap_or(&whole);
            account::keep_session(below_base, &mut answer, visitor, is_secure, &context);
            answer
        }
        Verdict::Missing if path.trim_end_matches('/') == "/health" => health(),
        Verdict::Missing if path.trim_end_matches('/') == "/ready" => ready(&context),
        Verdict::Missing => notice::unauthorized(request.headers(), context.site.guard.has_password()),
        Verdict::Wrong => {
            let address = client::address(context.peer, request.headers(), &context.site.guard.proxies);
            gst::warning!(CAT, "wrong user or password from {address}");
            notice::unauthorized(request.headers(), true)
        }
        Verdict::Locked(wait) => notice::locked(request.headers(), wait),
        Verdict::SignedOut => account::ask_again(&request, &context),
        Verdict::Foreign => notice::foreign_name(),
    };
    Ok(secure(answer))
}

/// Answers somebody who may come in.
async fn serve(request: Request<Incoming>, path: &str, context: Context, visitor: Visitor) -> Answer {
    let access = visitor.access;
    if is_signalling(path) {
        if !same_origin(request.headers()) {
            return text(StatusCode::FORBIDDEN, "This page belongs to another site\n");
        }
        let address = client::address(context.peer, request.headers(), &context.site.guard.proxies);
        let caller = Caller { address, access, link: visitor.link() };
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
        return files::respond(context.site.files.as_ref(), path, access, request).await;
    }
    match (request.method(), path.trim_end_matches('/')) {
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
        (&Method::GET | &Method::HEAD, _) => {
            let answer = context.site.assets.serve(path, request.headers()).await;
            if matches!(context.site.assets, Assets::Embedded) { answer } else { foreign_page(answer) }
        }
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
pub(super) fn is_signalling(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path == "/ws" || path.ends_with("/signalling")
}

/// The path below `base`, whether or not a proxy has taken `base` off already. `None` for `base` itself without a slash at
/// its end, below which a page would look for its files in the wrong place.
pub(super) fn below<'a>(base: &str, path: &'a str) -> Option<&'a str> {
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
