//! Signed capabilities: what a session's cookie and a link to watch carry. Whoever has one may do what it says until its
//! time, or until it is void. Pure but for random numbers: the time comes from the caller.
//!
//! A capability is `base64url(kind, rights, times, id, link, HMAC-SHA256)`. The key is random and lives as long as the
//! server, so nothing in a capability helps to guess a password, and another password voids them all. Times are those of
//! the monotonic clock, which nobody sets.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};

use crate::selkiessignal::roster::Access;

/// Bytes that are signed: kind, rights, issued, expires, id, link.
const CLAIMS: usize = 1 + 1 + 8 + 8 + 16 + 16;
const SIGNATURE: usize = 32;
/// Void ones that are remembered. With more, all that are older are void.
const MAX_VOID: usize = 4096;
/// The longest that a link is good.
pub(super) const MAX_LINK_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What tells capabilities apart.
type Id = [u8; 16];

/// A link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct LinkId(Id);

#[cfg(test)]
impl LinkId {
    pub(in super::super) fn for_test(number: u8) -> Self {
        Self([number; 16])
    }
}

/// A session, as its cookie tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) access: Access,
    /// The link that it began with.
    pub(super) link: Option<LinkId>,
    /// How long it is still good.
    pub(super) left: Duration,
    id: Id,
    expires: u64,
}

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoLink {
    #[error("This is no link of this desktop\n")]
    Forged,
    #[error("This link is not good any more\n")]
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Session = 1,
    Link = 2,
}

/// Rights, as bits.
const CONTROL: u8 = 1;
const ONCE: u8 = 2;

/// What is signed. Times are milliseconds since the server started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claims {
    kind: Kind,
    rights: u8,
    issued: u64,
    expires: u64,
    id: Id,
    /// All zeros for none.
    link: Id,
}

/// What is not good any more, with the time from which on it would not be anyway.
#[derive(Debug, Default)]
struct Void {
    ids: HashMap<Id, u64>,
    /// Links that open once, and have.
    used: HashMap<Id, u64>,
    /// Everything that was issued before.
    before: u64,
    /// Every link that was issued before, and the sessions that began with it.
    links_before: u64,
}

/// See the module. No `Debug`: it holds the key.
pub(in super::super) struct Capabilities {
    key: [u8; 32],
    start: Instant,
    void: Mutex<Void>,
}

impl Capabilities {
    /// With a new key.
    pub(in super::super) fn new(start: Instant) -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key, start, void: Mutex::default() })
    }

    /// Begins a session; returns what its cookie says.
    pub(super) fn session(&self, access: Access, lifetime: Duration, now: Instant) -> Result<String, getrandom::Error> {
        let rights = if access == Access::Control { CONTROL } else { 0 };
        self.issue(Kind::Session, rights, self.millis(now) + millis(lifetime), [0; 16], now)
    }

    /// Makes a link to watch, for one browser or for everybody who has it.
    pub(super) fn link(&self, once: bool, lifetime: Duration, now: Instant) -> Result<String, getrandom::Error> {
        let expires = self.millis(now) + millis(lifetime.min(MAX_LINK_LIFETIME));
        self.issue(Kind::Link, if once { ONCE } else { 0 }, expires, [0; 16], now)
    }

    /// The session of a cookie.
    pub(super) fn check(&self, cookie: &str, now: Instant) -> Option<Session> {
        let claims = self.verify(Kind::Session, cookie)?;
        let link = (claims.link != [0; 16]).then_some(claims.link);
        let now = self.millis(now);
        if claims.expires <= now || !self.lock().allows(&claims) {
            return None;
        }
        let access = if claims.rights & CONTROL != 0 { Access::Control } else { Access::View };
        let left = Duration::from_millis(claims.expires - now);
        Some(Session { access, link: link.map(LinkId), left, id: claims.id, expires: claims.expires })
    }

    /// Opens a link: begins a session that ends with it. Returns what its cookie says, and how long it is good.
    pub(super) fn open(&self, link: &str, now: Instant) -> Result<(String, Duration), NoLink> {
        let claims = self.verify(Kind::Link, link).ok_or(NoLink::Forged)?;
        let at = self.millis(now);
        {
            let mut void = self.lock();
            if claims.expires <= at || !void.allows(&claims) {
                return Err(NoLink::Over);
            }
            if claims.rights & ONCE != 0 {
                void.used.retain(|_, expires| *expires > at);
                if void.used.len() >= MAX_VOID || void.used.insert(claims.id, claims.expires).is_some() {
                    return Err(NoLink::Over);
                }
            }
        }
        let cookie = self.issue(Kind::Session, 0, claims.expires, claims.id, now).map_err(|_| NoLink::Over)?;
        Ok((cookie, Duration::from_millis(claims.expires - at)))
    }

    /// The link that a player shows as it is. One that opens once begins a session, which this is not.
    pub(super) fn guest(&self, link: &str, now: Instant) -> Option<LinkId> {
        let claims = self.verify(Kind::Link, link)?;
        let good = claims.expires > self.millis(now) && claims.rights & ONCE == 0 && self.lock().allows(&claims);
        good.then_some(LinkId(claims.id))
    }

    /// Ends a link, and the sessions that began with it.
    pub(in super::super) fn revoke(&self, link: LinkId) {
        let now = self.millis(Instant::now());
        self.lock().add(link.0, now + millis(MAX_LINK_LIFETIME), now);
    }

    /// Ends all links there are.
    pub(super) fn revoke_links(&self, now: Instant) {
        self.lock().links_before = self.millis(now) + 1;
    }

    /// Ends a session.
    pub(super) fn end(&self, session: &Session, now: Instant) {
        self.lock().add(session.id, session.expires, self.millis(now));
    }

    fn issue(&self, kind: Kind, rights: u8, expires: u64, link: Id, now: Instant) -> Result<String, getrandom::Error> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        // What was made void in the same millisecond stays so.
        let void = self.lock();
        let issued = self.millis(now).max(void.before).max(void.links_before);
        drop(void);
        let claims = Claims { kind, rights, issued, expires, id, link }.to_bytes();
        let signature = self.mac(&claims).finalize().into_bytes();
        Ok(URL_SAFE_NO_PAD.encode([&claims[..], &signature[..]].concat()))
    }

    fn verify(&self, kind: Kind, text: &str) -> Option<Claims> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == CLAIMS + SIGNATURE)?;
        let (claims, signature) = bytes.split_at(CLAIMS);
        // In constant time.
        self.mac(claims).verify_slice(signature).ok()?;
        Claims::from_bytes(claims.try_into().ok()?).filter(|claims| claims.kind == kind)
    }

    fn mac(&self, claims: &[u8]) -> Hmac<sha2::Sha256> {
        // HMAC takes keys of any length.
        let Ok(mac) = Hmac::<sha2::Sha256>::new_from_slice(&self.key) else { unreachable!() };
        mac.chain_update(claims)
    }

    fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.start))
    }

    fn lock(&self) -> MutexGuard<'_, Void> {
        self.void.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Void {
    fn allows(&self, claims: &Claims) -> bool {
        let of_link = claims.kind == Kind::Link || claims.link != [0; 16];
        let since = if of_link { self.before.max(self.links_before) } else { self.before };
        claims.issued >= since && !self.ids.contains_key(&claims.id) && !self.ids.contains_key(&claims.link)
    }

    fn add(&mut self, id: Id, expires: u64, now: u64) {
        self.ids.retain(|_, expires| *expires > now);
        if self.ids.len() >= MAX_VOID {
            self.ids.clear();
            self.before = now + 1;
        } else {
            self.ids.insert(id, expires);
        }
    }
}

impl Claims {
    fn to_bytes(self) -> [u8; CLAIMS] {
        let mut bytes = [0; CLAIMS];
        bytes[0] = self.kind as u8;
        bytes[1] = self.rights;
        bytes[2..10].copy_from_slice(&self.issued.to_be_bytes());
        bytes[10..18].copy_from_slice(&self.expires.to_be_bytes());
        bytes[18..34].copy_from_slice(&self.id);
        bytes[34..].copy_from_slice(&self.link);
        bytes
    }

    fn from_bytes(bytes: &[u8; CLAIMS]) -> Option<Self> {
        let number = |from: usize| Some(u64::from_be_bytes(bytes[from..from + 8].try_into().ok()?));
        let kind = match bytes[0] {
            1 => Kind::Session,
            2 => Kind::Link,
            _ => return None,
        };
        let (id, link) = (bytes[18..34].try_into().ok()?, bytes[34..].try_into().ok()?);
        Some(Self { kind, rights: bytes[1], issued: number(2)?, expires: number(10)?, id, link })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn new() -> (Capabilities, Instant) {
        let now = Instant::now();
        (Capabilities::new(now).unwrap(), now)
    }

    #[test]
    fn a_session_is_good_until_its_time_or_its_end() {
        let (capabilities, now) = new();
        for access in [Access::Control, Access::View] {
            let cookie = capabilities.session(access, HOUR, now).unwrap();
            let session = capabilities.check(&cookie, now).unwrap();
            assert_eq!((session.access, session.link, session.left), (access, None, HOUR));
            assert_eq!(capabilities.check(&cookie, now + HOUR), None);
            let other = capabilities.session(access, HOUR, now).unwrap();
            capabilities.end(&session, now);
            assert_eq!(capabilities.check(&cookie, now), None);
            assert!(capabilities.check(&other, now).is_some());
        }
        let cookie = new().0.session(Access::Control, HOUR, now).unwrap();
        assert_eq!(capabilities.check(&cookie, now), None, "of another server");
    }

    #[test]
    fn a_link_begins_sessions_that_watch_and_end_with_it() {
        let (capabilities, now) = new();
        let link = capabilities.link(false, HOUR, now).unwrap();
        let (cookie, left) = capabilities.open(&link, now + HOUR / 2).unwrap();
        assert_eq!(left, HOUR / 2);
        let session = capabilities.check(&cookie, now).unwrap();
        assert_eq!(session.access, Access::View);
        assert!(capabilities.open(&link, now).is_ok(), "a second browser");
        // One is not the other.
        assert_eq!(capabilities.check(&link, now), None);
        assert_eq!(capabilities.open(&cookie, now), Err(NoLink::Forged));
        assert_eq!(capabilities.open(&link, now + HOUR), Err(NoLink::Over));
        assert_eq!(capabilities.check(&cookie, now + HOUR), None);
        capabilities.revoke(session.link.unwrap());
        assert_eq!(capabilities.open(&link, now), Err(NoLink::Over));
        assert_eq!(capabilities.check(&cookie, now), None);
    }

    #[test]
    fn a_link_for_one_browser_opens_once() {
        let (capabilities, now) = new();
        let link = capabilities.link(true, HOUR, now).unwrap();
        let (cookie, _) = capabilities.open(&link, now).unwrap();
        assert_eq!(capabilities.open(&link, now), Err(NoLink::Over));
        assert!(capabilities.check(&cookie, now).is_some(), "the session goes on");
    }

    #[test]
    fn all_links_end_at_once_and_new_ones_are_good() {
        let (capabilities, now) = new();
        let own = capabilities.session(Access::Control, HOUR, now).unwrap();
        let link = capabilities.link(false, HOUR, now).unwrap();
        let (cookie, _) = capabilities.open(&link, now).unwrap();
        capabilities.revoke_links(now);
        assert_eq!(capabilities.open(&link, now), Err(NoLink::Over));
        assert_eq!(capabilities.check(&cookie, now), None);
        assert!(capabilities.check(&own, now).is_some());
        let new = capabilities.link(false, HOUR, now).unwrap();
        assert!(capabilities.open(&new, now).is_ok());
    }

    #[test]
    fn what_is_void_is_remembered_in_bounded_memory_and_never_good_again() {
        let (capabilities, now) = new();
        let first = capabilities.session(Access::Control, HOUR, now).unwrap();
        capabilities.end(&capabilities.check(&first, now).unwrap(), now);
        let bystander = capabilities.session(Access::Control, HOUR, now).unwrap();
        for _ in 0..MAX_VOID + 10 {
            let cookie = capabilities.session(Access::Control, HOUR, now).unwrap();
            capabilities.end(&capabilities.check(&cookie, now).unwrap(), now);
            assert_eq!(capabilities.check(&cookie, now), None);
        }
        assert!(capabilities.lock().ids.len() <= MAX_VOID);
        assert_eq!(capabilities.check(&first, now), None);
        assert_eq!(capabilities.check(&bystander, now), None, "it has to sign in again");
    }

    proptest! {
        #[test]
        fn nothing_that_is_changed_or_made_up_is_good(at in 0..CLAIMS + SIGNATURE, bit in 0..8u8, text in ".{0,200}") {
            let (capabilities, now) = new();
            let cookie = capabilities.session(Access::View, HOUR, now).unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(cookie).unwrap();
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(capabilities.check(&URL_SAFE_NO_PAD.encode(bytes), now), None);
            prop_assert_eq!(capabilities.check(&text, now), None);
            prop_assert_eq!(capabilities.open(&text, now), Err(NoLink::Forged));
        }
    }
}
