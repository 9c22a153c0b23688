//! Sessions and links, as the page and guests use them.
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /session` | tells what this browser may do, and what let it in |
//! | `DELETE /session` | signs it out |
//! | `POST /session` `{"link"}` | opens a link; needs nothing else |
//! | `POST /links` `{"once", "lifetime"}` | makes a link, for who may control the desktop; both may be left out |
//! | `DELETE /links` | makes all links void, and shows out who came by one |
//! | `GET /join` | the page of a link: the link stands behind `#` |

use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header;
use hyper::{Method, Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::timeout;

use super::capability::{MAX_LINK_LIFETIME, NoLink};
use super::guard::{By, Visitor};
use super::headers::{Answer, text, with_type};
use super::route::same_origin;
use super::{CAT, Context, client, notice};
use crate::selkiessignal::roster::Access;

/// How long a link is good where nobody says.
const LINK_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest body, in bytes.
const MAX_BODY: usize = 4096;
/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenLink {
    link: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct MakeLink {
    /// Good for one browser.
    once: bool,
    /// Seconds.
    lifetime: Option<u64>,
}

/// Answers those who need no login: guests with a link.
pub(super) async fn public(path: &str, request: &mut Request<Incoming>, context: &Context) -> Option<Answer> {
    match (request.method(), path) {
        (&Method::GET | &Method::HEAD, "/join") => {
            Some(with_type(StatusCode::OK, "text/html; charset=utf-8", include_str!("join.html")))
        }
        (&Method::GET | &Method::HEAD, "/join.js") => {
            Some(with_type(StatusCode::OK, "text/javascript; charset=utf-8", include_str!("join.js")))
        }
        (&Method::POST, "/session") => Some(open(request, context).await),
        _ => None,
    }
}

/// Answers who has come in.
pub(super) async fn respond(
    path: &str,
    request: &mut Request<Incoming>,
    context: &Context,
    visitor: Visitor,
) -> Option<Answer> {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    match (request.method(), path) {
        (_, "/session" | "/links") if changes && !same_origin(request.headers()) => {
            Some(text(StatusCode::FORBIDDEN, "This page belongs to another site\n"))
        }
        (&Method::GET | &Method::HEAD, "/session") => {
            let access = if visitor.access == Access::Control { "control" } else { "view" };
            let body = json!({ "access": access, "by": visitor.means() });
            Some(with_type(StatusCode::OK, "application/json", body.to_string()))
        }
        (&Method::DELETE, "/session") => Some(sign_out(request, context, visitor)),
        (_, "/links") if visitor.access != Access::Control => {
            Some(text(StatusCode::FORBIDDEN, "Only who may control the desktop can invite\n"))
        }
        (&Method::POST, "/links") => Some(make(request, context).await),
        (&Method::DELETE, "/links") => {
            context.site.hub.capabilities.revoke_links(Instant::now());
            context.site.hub.show_guests_out();
            Some(text(StatusCode::NO_CONTENT, ""))
        }
        _ => None,
    }
}

/// Begins the session of a guest.
async fn open(request: &mut Request<Incoming>, context: &Context) -> Answer {
    if !same_origin(request.headers()) {
        return text(StatusCode::FORBIDDEN, "This page belongs to another site\n");
    }
    let (guard, peer, now) = (&context.site.guard, context.peer, Instant::now());
    if let Some(wait) = guard.wait_for_links(peer, request.headers(), now) {
        return notice::locked(request.headers(), wait);
    }
    let Some(OpenLink { link }) = body(request).await else {
        return text(StatusCode::BAD_REQUEST, "A link is needed, as {\"link\": \"…\"}\n");
    };
    match context.site.hub.capabilities.open(&link, now) {
        Ok((session, left)) => {
            let mut answer = text(StatusCode::CREATED, "Welcome\n");
            guard.cookie.set(&mut answer, &session, left, is_secure(request, context));
            answer
        }
        Err(error) => {
            gst::warning!(CAT, "from {}: {error}", client::address(peer, request.headers(), &guard.proxies));
            if error == NoLink::Forged {
                guard.wrong_link(peer, request.headers(), &link, now);
            }
            let line = if error == NoLink::Over {
                "This link is not good any more. Ask for another one.\n"
            } else {
                "This is no link of this desktop. Ask for another one.\n"
            };
            text(StatusCode::FORBIDDEN, line)
        }
    }
}

fn sign_out(request: &Request<Incoming>, context: &Context, visitor: Visitor) -> Answer {
    let (site, now) = (&context.site, Instant::now());
    if let By::Session(session) = visitor.by {
        site.hub.capabilities.end(&session, now);
    }
    let mut answer = text(StatusCode::NO_CONTENT, "");
    site.guard.cookie.sign_out(&mut answer, site.guard.lifetime, is_secure(request, context));
    answer
}

async fn make(request: &mut Request<Incoming>, context: &Context) -> Answer {
    let wanted = match request.body().size_hint().exact() {
        Some(0) => Some(MakeLink::default()),
        _ => body(request).await,
    };
    let Some(MakeLink { once, lifetime }) = wanted else {
        return text(StatusCode::BAD_REQUEST, "Only \"once\" (true or false) and \"lifetime\" (seconds) can be said\n");
    };
    let lifetime = lifetime.map_or(LINK_LIFETIME, Duration::from_secs).min(MAX_LINK_LIFETIME);
    match context.site.hub.capabilities.link(once, lifetime, Instant::now()) {
        Ok(link) => {
            let body = json!({ "link": link, "lifetime": lifetime.as_secs(), "once": once });
            with_type(StatusCode::CREATED, "application/json", body.to_string())
        }
        Err(error) => no_random_numbers(error),
    }
}

/// Gives a browser that came by a password a session, so that it need not send it again: its WebSockets would not.
pub(super) fn keep_session(path: &str, answer: &mut Answer, visitor: Visitor, secure: bool, context: &Context) {
    let (guard, now) = (&context.site.guard, Instant::now());
    let due = match visitor.by {
        By::Password => true,
        // It goes on while it is used. That of a guest ends with the link.
        By::Session(session) => session.link.is_none() && session.left < guard.lifetime / 2,
        By::Nothing | By::Proxy | By::Token(_) => false,
    };
    // The cookie's path is the folder of the address. An answer that says something of the cookie knows better.
    let in_our_folder = path.rfind('/') == Some(0);
    if !due || !in_our_folder || answer.headers().contains_key(header::SET_COOKIE) {
        return;
    }
    match context.site.hub.capabilities.session(visitor.access, guard.lifetime, now) {
        Ok(session) => guard.cookie.set(answer, &session, guard.lifetime, secure),
        Err(error) => drop(no_random_numbers(error)),
    }
}

/// The browser that has signed out: its password does not count this time, so that it asks for it, and does then.
pub(super) fn ask_again(request: &Request<Incoming>, context: &Context) -> Answer {
    let mut answer = notice::unauthorized(request.headers(), true);
    // Only where the browser asks: what our page fetches meanwhile must not use this up.
    if answer.headers().contains_key(header::WWW_AUTHENTICATE) {
        context.site.guard.cookie.remove(&mut answer, is_secure(request, context));
    }
    answer
}

/// Whether the browser came by TLS, to us or to a proxy.
pub(super) fn is_secure<B>(request: &Request<B>, context: &Context) -> bool {
    context.tls || client::came_by_tls(context.peer, request.headers(), &context.site.guard.proxies)
}

async fn body<T: DeserializeOwned>(request: &mut Request<Incoming>) -> Option<T> {
    let body = timeout(BODY_TIMEOUT, Limited::new(request.body_mut(), MAX_BODY).collect()).await.ok()?.ok()?;
    serde_json::from_slice(&body.to_bytes()).ok()
}

fn no_random_numbers(error: getrandom::Error) -> Answer {
    gst::error!(CAT, "no random numbers: {error}");
    text(StatusCode::INTERNAL_SERVER_ERROR, "There are no random numbers\n")
}
