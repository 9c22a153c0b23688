//! Links for viewers: whoever has one may watch, without a password.
//!
//! A link is the page's address with `?token=…`. The page's files are asked for without the token, so the first answer
//! puts it into a cookie, and sends the browser to the address without it: it stays out of bookmarks and of the history.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{StatusCode, Uri};

use super::auth::{Digest, digest};
use super::headers::{Answer, text};

/// How long a link can be used.
pub(super) const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Links at a time; the oldest one ends for a new one.
const MAX_LINKS: usize = 64;
const COOKIE: &str = "egldesktop_link";

/// A link, without what opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct LinkId(Digest);

#[cfg(test)]
impl LinkId {
    pub(in super::super) fn for_test(number: u8) -> Self {
        Self([number; 20])
    }
}

/// The links that are good at present.
#[derive(Debug, Default)]
pub(in super::super) struct Links(Mutex<HashMap<LinkId, Instant>>);

/// What a request shows of a link.
pub(super) struct Shown {
    pub(super) token: String,
    /// In the address, rather than in the cookie.
    pub(super) in_address: bool,
}

impl Links {
    /// Makes a link; returns its token.
    pub(super) fn create(&self, now: Instant) -> Result<String, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random);
        let mut links = self.lock();
        links.retain(|_, made| now.duration_since(*made) < LIFETIME);
        if links.len() >= MAX_LINKS
            && let Some(oldest) = links.iter().min_by_key(|(_, made)| **made).map(|(id, _)| *id)
        {
            links.remove(&oldest);
        }
        links.insert(LinkId(digest(token.as_bytes())), now);
        Ok(token)
    }

    /// The link that a token opens.
    pub(super) fn check(&self, token: &str, now: Instant) -> Option<LinkId> {
        // By its digest: how long the search takes tells nothing about the token.
        let id = LinkId(digest(token.as_bytes()));
        self.lock().get(&id).is_some_and(|made| now.duration_since(*made) < LIFETIME).then_some(id)
    }

    /// Ends a link.
    pub(in super::super) fn revoke(&self, id: LinkId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LinkId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token of a request: in its address, else in its cookie.
pub(super) fn shown(uri: &Uri, headers: &HeaderMap) -> Option<Shown> {
    let in_address = uri.query().and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("token=")));
    if let Some(token) = in_address {
        return Some(Shown { token: token.to_owned(), in_address: true });
    }
    headers.get_all(header::COOKIE).iter().find_map(|value| {
        let mut pairs = value.to_str().ok()?.split(';');
        let token = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
        Some(Shown { token: token.to_owned(), in_address: false })
    })
}

/// Puts the token into the cookie, and sends the browser on. The cookie's path is left out: the browser takes the
/// folder of the address, whatever a proxy has put before ours.
pub(super) fn enter(token: &str) -> Answer {
    let mut answer = text(StatusCode::SEE_OTHER, "The link is good\n");
    let cookie = format!("{COOKIE}={token}; Max-Age={}; HttpOnly; SameSite=Lax", LIFETIME.as_secs());
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer.headers_mut().insert(header::LOCATION, HeaderValue::from_static("./"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_until_its_time_or_its_end() {
        let (links, now) = (Links::default(), Instant::now());
        let token = links.create(now).unwrap();
        let id = links.check(&token, now).unwrap();
        assert_eq!(links.check(&token[1..], now), None);
        assert_eq!(links.check(&token, now + LIFETIME), None);
        links.revoke(id);
        assert_eq!(links.check(&token, now), None);
    }

    #[test]
    fn the_oldest_makes_room() {
        let (links, now) = (Links::default(), Instant::now());
        let first = links.create(now).unwrap();
        for second in 1..=MAX_LINKS as u64 {
            links.create(now + Duration::from_secs(second)).unwrap();
        }
        assert_eq!(links.check(&first, now), None);
        assert_eq!(links.lock().len(), MAX_LINKS);
    }

    #[test]
    fn tokens_in_address_and_cookie() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; egldesktop_link=cookie; b=2"));
        let shown = |uri: &'static str| shown(&Uri::from_static(uri), &headers).map(|it| (it.token, it.in_address));
        assert_eq!(shown("/?x=1&token=address"), Some(("address".into(), true)));
        assert_eq!(shown("/js/main.js"), Some(("cookie".into(), false)));
        let answer = enter("t");
        assert_eq!(answer.headers()[header::LOCATION], "./");
        assert!(answer.headers()[header::SET_COOKIE].to_str().unwrap().starts_with("egldesktop_link=t; "));
    }
}
