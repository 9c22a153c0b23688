//! Players over HTTP (WHEP, draft-ietf-wish-whep, the sibling of RFC 9725).
//!
//! | request | what it does |
//! | --- | --- |
//! | `POST /whep`, `application/sdp` | begins a session: the offer goes in, the answer comes out |
//! | `PATCH` on the session, `application/trickle-ice-sdpfrag` | tells where else the player can be reached |
//! | `DELETE` on the session | ends it |
//! | `OPTIONS` on both | tells browsers what pages of other sites may do |
//!
//! Pages of other sites may do all of it with a token, and nothing without one: what a browser sends by itself for any page,
//! or what its address opens, lets none of them watch.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use selkies_protocol::signalling::{Media, Transport};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::guard::{By, Verdict, Visitor};
use super::headers::{Answer, text, with_type};
use super::route::same_origin;
use super::{CAT, Context, client, notice};
use crate::selkiessignal::hub::SessionError;
use crate::selkiessignal::roster::Caller;
use crate::selkiessignal::session::{blocking, player};
use crate::selkiessignal::viewer::{Fragment, OfferError, Player, PlayerError, PlayerOffer};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// The longest body, in bytes: an offer of a browser has some 10 kB.
const MAX_BODY: usize = 64 * 1024;
/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// When to come again, in seconds.
const LATER: u32 = 5;
/// Digits of a session's name: 128 random bits.
const NAME: usize = 32;

/// The sessions there are, by their names.
#[derive(Default)]
pub(in super::super) struct Sessions(Mutex<HashMap<String, Session>>);

struct Session {
    player: Weak<Player>,
    ends: mpsc::Sender<player::End>,
    /// Of the ICE session, of which there is one.
    tag: String,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `/whep`, and the sessions below it.
pub(super) fn is_theirs(path: &str) -> bool {
    name_of(path).is_some()
}

/// The session of a path, or nothing for all of them.
fn name_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/whep")?.trim_end_matches('/');
    let name = rest.strip_prefix('/').unwrap_or(rest);
    let is_name = name.len() == NAME && rest.len() > NAME && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    (rest.is_empty() || is_name).then_some(name)
}

/// Answers a request of a player.
pub(super) async fn respond(path: &str, request: Request<Incoming>, context: Context) -> Answer {
    let name = name_of(path).unwrap_or_default().to_owned();
    let foreign = !same_origin(request.headers());
    let mut answer = match request.method() {
        &Method::OPTIONS => options(&name, request.headers(), &context),
        _ => admitted(&name, request, &context, foreign).await,
    };
    let headers = answer.headers_mut();
    if foreign {
        // Never with credentials: those are what browsers send by themselves.
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if answer.status() == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer realm=\"egldesktop\"");
        answer.headers_mut().append(header::WWW_AUTHENTICATE, bearer);
    }
    answer
}

fn judge(headers: &HeaderMap, context: &Context) -> Verdict {
    let capabilities = &context.site.hub.capabilities;
    context.site.guard.judge_player(context.peer, headers, capabilities, Instant::now())
}

/// Whether somebody who comes from a page of another site is let in by more than what its browser has.
fn may_come(visitor: Visitor, foreign: bool) -> bool {
    !foreign || matches!(visitor.by, By::Token(_))
}

fn options(name: &str, headers: &HeaderMap, context: &Context) -> Answer {
    let mut answer = text(StatusCode::NO_CONTENT, "");
    let methods = if name.is_empty() { "POST, OPTIONS" } else { "PATCH, DELETE, OPTIONS" };
    accept(&mut answer, name, methods);
    let fields = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, If-Match"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    for (name, value) in fields {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    // A browser that asks first shows nothing; who logs in may read the servers here.
    let shows = headers.contains_key(header::AUTHORIZATION) && name.is_empty();
    if shows
        && let Verdict::In(visitor) = judge(headers, context)
        && may_come(visitor, !same_origin(headers))
    {
        add_links(&mut answer, context);
    }
    answer
}

/// Tells what can be sent here.
fn accept(answer: &mut Answer, name: &str, methods: &'static str) {
    let (field, kind) = if name.is_empty() { ("accept-post", SDP) } else { ("accept-patch", FRAGMENT) };
    answer.headers_mut().insert(HeaderName::from_static(field), HeaderValue::from_static(kind));
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
}

/// STUN and TURN servers, with their passwords: for who has come in.
fn add_links(answer: &mut Answer, context: &Context) {
    for link in context.site.hub.ice().configuration(SystemTime::now()).links() {
        if let Ok(mut link) = HeaderValue::from_str(&link) {
            link.set_sensitive(true);
            answer.headers_mut().append(header::LINK, link);
        }
    }
}

async fn admitted(name: &str, mut request: Request<Incoming>, context: &Context, foreign: bool) -> Answer {
    let guard = &context.site.guard;
    let address = client::address(context.peer, request.headers(), &guard.proxies);
    let visitor = match judge(request.headers(), context) {
        Verdict::In(visitor) if may_come(visitor, foreign) => visitor,
        Verdict::In(_) => return text(StatusCode::FORBIDDEN, "A page of another site needs a token to watch\n"),
        Verdict::Missing | Verdict::SignedOut => {
            return notice::unauthorized(request.headers(), guard.has_password());
        }
        Verdict::Wrong => {
            gst::warning!(CAT, "wrong password or token from {address}");
            return notice::unauthorized(request.headers(), guard.has_password());
        }
        Verdict::Locked(wait) => return notice::locked(request.headers(), wait),
        Verdict::Foreign => return notice::foreign_name(),
    };
    let result = match (request.method(), name) {
        (&Method::POST, "") => {
            let caller = Caller { address, access: visitor.access, link: visitor.link() };
            begin(&mut request, context, caller).await
        }
        (&Method::PATCH, _) if !name.is_empty() => trickle(name, &mut request, context).await,
        (&Method::DELETE, _) if !name.is_empty() => end(name, context).await,
        _ => {
            let methods = if name.is_empty() { "POST, OPTIONS" } else { "PATCH, DELETE, OPTIONS" };
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "This is for players: see Allow\n");
            accept(&mut answer, name, methods);
            Err(answer)
        }
    };
    result.unwrap_or_else(|answer| answer)
}

/// Begins a session.
async fn begin(request: &mut Request<Incoming>, context: &Context, caller: Caller) -> Result<Answer, Answer> {
    let hub = &context.site.hub;
    if !hub.transport().offers(Transport::WebRtc) {
        return Err(refused(StatusCode::FORBIDDEN, &SessionError::NotOffered));
    }
    let offer = body(request, SDP).await?;
    let offer = PlayerOffer::parse(&offer).map_err(|error| of_offer(&error))?;
    let media = Media { video: true, audio: offer.wants_audio() };
    let (video, audio) = match hub.sources(media).await.map_err(|error| of_session(&error))? {
        (Some(video), audio) => (video, audio),
        (None, _) => return Err(of_session(&SessionError::NoVideo)),
    };
    let (name, tag) = random_name().zip(random_name()).ok_or_else(|| {
        gst::error!(CAT, "no random numbers");
        text(StatusCode::INTERNAL_SERVER_ERROR, "There are no random numbers\n")
    })?;
    // A few of the pipeline's errors, of which the first one counts.
    let (failures, failed) = mpsc::channel(4);
    let starting = hub.clone();
    let started = blocking(move || Player::start(&starting, offer, (video, audio), caller, failures)).await;
    let (player, description) = started.map_err(|error| {
        gst::warning!(CAT, "no session for the player at {}: {error}", caller.address);
        match &error {
            PlayerError::Offer(error) => of_offer(error),
            PlayerError::Session(error) => of_session(error),
            PlayerError::NoAnswer => refused(StatusCode::NOT_ACCEPTABLE, &error),
        }
    })?;
    gst::info!(CAT, "{} watches by a player", caller.address);
    let location = format!("{}/whep/{name}", context.site.base_path);
    keep(player, failed, (name, tag.clone()), context);

    let mut answer = with_type(StatusCode::CREATED, SDP, description);
    for (name, value) in [(header::LOCATION, location), (header::ETAG, format!("\"{tag}\""))] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer.headers_mut().insert(HeaderName::from_static("accept-patch"), HeaderValue::from_static(FRAGMENT));
    add_links(&mut answer, context);
    Ok(answer)
}

/// Keeps a session, in a task of its own.
fn keep(player: Player, failed: mpsc::Receiver<String>, (name, tag): (String, String), context: &Context) {
    let (player, mut context) = (std::sync::Arc::new(player), context.clone());
    let session: std::sync::Arc<dyn crate::selkiessignal::viewer::Connection> = player.clone();
    context.site.hub.register(&session);
    drop(session);
    let (ends, asked) = mpsc::channel(1);
    let session = Session { player: std::sync::Arc::downgrade(&player), ends, tag };
    context.site.players.lock().insert(name.clone(), session);
    tokio::spawn(async move {
        let (hub, site) = (context.site.hub.clone(), context.site.clone());
        player::run(hub, player, failed, asked, async { context.stopped().await }).await;
        site.players.lock().remove(&name);
    });
}

/// Takes candidates.
async fn trickle(name: &str, request: &mut Request<Incoming>, context: &Context) -> Result<Answer, Answer> {
    let (player, tag) = {
        let sessions = context.site.players.lock();
        let session = sessions.get(name).ok_or_else(gone)?;
        (session.player.upgrade().ok_or_else(gone)?, session.tag.clone())
    };
    let matches = request.headers().get(header::IF_MATCH).map(|field| {
        let field = field.to_str().unwrap_or_default();
        // Players that know no tag write an asterisk; what they send says itself whether it is a restart.
        field.split(',').map(str::trim).any(|known| known == "*" || known.trim_matches('"') == tag)
    });
    match matches {
        None => return Err(text(StatusCode::PRECONDITION_REQUIRED, "If-Match is needed, with the ETag\n")),
        Some(false) => return Err(text(StatusCode::PRECONDITION_FAILED, "This is another ICE session\n")),
        Some(true) => {}
    }
    let fragment = body(request, FRAGMENT).await?;
    let fragment = Fragment::parse(&fragment)
        .ok_or_else(|| text(StatusCode::BAD_REQUEST, "This is no fragment of SDP (RFC 8840)\n"))?;
    match blocking(move || player.trickle(&fragment)).await {
        Ok(()) => Ok(text(StatusCode::NO_CONTENT, "")),
        Err(error) => Err(refused(StatusCode::UNPROCESSABLE_ENTITY, &error)),
    }
}

/// Ends a session, and waits until it has ended.
async fn end(name: &str, context: &Context) -> Result<Answer, Answer> {
    let ends = context.site.players.lock().get(name).map(|session| session.ends.clone()).ok_or_else(gone)?;
    let (sender, ended) = oneshot::channel();
    ends.send(sender).await.map_err(|_| gone())?;
    // Another one may have come first, or it ended by itself: it has ended all the same.
    let _ = ended.await;
    Ok(text(StatusCode::OK, "The session has ended\n"))
}

async fn body(request: &mut Request<Incoming>, wanted: &'static str) -> Result<String, Answer> {
    let field = request.headers().get(header::CONTENT_TYPE).and_then(|field| field.to_str().ok()).unwrap_or_default();
    let kind = field.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(wanted) {
        let mut answer = refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &format!("The body has to be {wanted}"));
        let field = if wanted == SDP { "accept-post" } else { "accept-patch" };
        answer.headers_mut().insert(HeaderName::from_static(field), HeaderValue::from_static(wanted));
        return Err(answer);
    }
    let body = timeout(BODY_TIMEOUT, Limited::new(request.body_mut(), MAX_BODY).collect()).await;
    let body = body.map_err(|_| text(StatusCode::REQUEST_TIMEOUT, "The body takes too long\n"))?;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            text(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long\n")
        } else {
            text(StatusCode::BAD_REQUEST, "The body does not arrive\n")
        }
    })?;
    String::from_utf8(body.to_bytes().into()).map_err(|_| text(StatusCode::BAD_REQUEST, "The body is no text\n"))
}

fn of_offer(error: &OfferError) -> Answer {
    let status = match error {
        OfferError::Malformed | OfferError::Missing(_) => StatusCode::BAD_REQUEST,
        OfferError::NoVideo | OfferError::NoCodec { .. } => StatusCode::NOT_ACCEPTABLE,
    };
    refused(status, error)
}

fn of_session(error: &SessionError) -> Answer {
    let later = matches!(error, SessionError::NoVideo | SessionError::NotPlaying | SessionError::Refused(_));
    if !later {
        return refused(StatusCode::INTERNAL_SERVER_ERROR, error);
    }
    let mut answer = refused(StatusCode::SERVICE_UNAVAILABLE, error);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(LATER));
    answer
}

fn refused(status: StatusCode, reason: &dyn std::fmt::Display) -> Answer {
    with_type(status, "text/plain; charset=utf-8", format!("{reason}\n"))
}

fn gone() -> Answer {
    text(StatusCode::NOT_FOUND, "There is no such session\n")
}

fn random_name() -> Option<String> {
    let mut bytes = [0; NAME / 2];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_names_that_are_random() {
        let name = random_name().unwrap();
        assert_ne!(Some(&name), random_name().as_ref());
        assert_eq!(name_of(&format!("/whep/{name}")), Some(name.as_str()));
        for path in ["/whep", "/whep/"] {
            assert_eq!(name_of(path), Some(""), "{path}");
        }
        for path in ["/", "/whepx", "/whep/signalling/", "/whep/0123", "/x/whep", &format!("/whep{name}")] {
            assert!(!is_theirs(path), "{path}");
        }
    }
}
