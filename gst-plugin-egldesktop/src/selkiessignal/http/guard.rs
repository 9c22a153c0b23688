//! Decides who comes in: by a session's cookie, by a password, or because a proxy that is believed says who it is.

mod bearer;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::header::{self, HeaderMap, HeaderName};

use super::auth::{Credentials, Login, digest};
use super::capability::{Capabilities, LinkId, Session};
use super::client::{self, Ranges};
use super::cookie::Cookie;
use super::limiter::{Limiter, Limits};
use super::listen::Peer;
use crate::selkiessignal::access::AccessSettings;
use crate::selkiessignal::roster::Access;

/// Who needs no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Open {
    /// Nobody.
    No,
    /// Everybody: something else asks for one.
    Everybody,
    /// Who is on this machine. A page of another site, in a browser here, is not (DNS rebinding).
    Local,
}

/// Who comes in without a password since a proxy has asked for one (OpenID Connect, mostly).
struct ProxyLogin {
    from: Ranges,
    header: HeaderName,
    /// Who may control; the others watch. Empty: everybody may.
    controllers: Vec<String>,
}

/// See the module. No `Debug`: it holds the passwords.
pub(in super::super) struct Guard {
    open: Open,
    passwords: Option<Credentials>,
    proxy_login: Option<ProxyLogin>,
    pub(super) proxies: Ranges,
    limiter: Mutex<Limiter>,
    pub(super) cookie: Cookie,
    pub(super) lifetime: Duration,
}

/// Who has come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visitor {
    pub(super) access: Access,
    pub(super) by: By,
}

/// What let a visitor in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Nothing is asked for.
    Nothing,
    Password,
    Session(Session),
    Proxy,
    /// A player's token, and the link that it is. No browser sends it by itself.
    Token(Option<LinkId>),
}

impl Visitor {
    /// The link that it came by.
    pub(super) fn link(&self) -> Option<LinkId> {
        match self.by {
            By::Session(session) => session.link,
            By::Token(link) => link,
            _ => None,
        }
    }

    /// What `/session` calls it.
    pub(super) fn means(&self) -> Option<&'static str> {
        match self.by {
            By::Nothing => None,
            By::Password => Some("password"),
            By::Session(session) if session.link.is_some() => Some("link"),
            By::Session(_) => Some("password"),
            By::Proxy => Some("proxy"),
            By::Token(_) => Some("token"),
        }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    In(Visitor),
    /// It shows nothing.
    Missing,
    /// It shows a password that is wrong.
    Wrong,
    /// Too many wrong ones came from there.
    Locked(Duration),
    /// The password is right, but this browser has signed out: it has to be typed again.
    SignedOut,
    /// It was sent to a name that is not this machine's.
    Foreign,
}

/// Settings that are none; the text is for the user.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum NoGuard {
    #[error("{0}: {1}")]
    Ranges(&'static str, client::NoRange),
    #[error("login-header: \"{0}\" is not the name of an HTTP header")]
    Header(String),
}

impl Guard {
    /// `place` is what tells this desktop from others on the same machine.
    pub(in super::super) fn new(
        open: Open,
        passwords: Option<Credentials>,
        settings: &AccessSettings,
        place: &str,
    ) -> Result<Self, NoGuard> {
        let ranges = |name, text: &str| text.parse().map_err(|error| NoGuard::Ranges(name, error));
        let limits = Limits { attempts: settings.login_attempts, longest: settings.longest_lockout() };
        let proxy_login = match &settings.login_header_from {
            Some(from) => {
                let name = &settings.login_header;
                let header = name.parse().map_err(|_| NoGuard::Header(name.clone()))?;
                let controllers = settings.login_header_control.iter().flat_map(|names| names.split(','));
                let controllers =
                    controllers.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
                Some(ProxyLogin { from: ranges("login-header-from", from)?, header, controllers })
            }
            None => None,
        };
        Ok(Self {
            open,
            passwords,
            proxy_login,
            proxies: ranges("trusted-proxies", &settings.trusted_proxies)?,
            limiter: Mutex::new(Limiter::new(limits)),
            cookie: Cookie::new(place),
            lifetime: settings.session_lifetime(),
        })
    }

    /// Whether there is a password to be asked for.
    pub(super) fn has_password(&self) -> bool {
        self.passwords.is_some()
    }

    /// Whether a request comes in, and as whom.
    pub(super) fn judge(&self, peer: Peer, headers: &HeaderMap, capabilities: &Capabilities, now: Instant) -> Verdict {
        match self.open {
            Open::Local if !is_local_name(peer, headers) => return Verdict::Foreign,
            Open::Local | Open::Everybody => {
                return Verdict::In(Visitor { access: Access::Control, by: By::Nothing });
            }
            Open::No => {}
        }
        if let Some(access) = self.proxy_login.as_ref().and_then(|login| login.access(peer, headers)) {
            return Verdict::In(Visitor { access, by: By::Proxy });
        }
        let sessions = self.cookie.values(headers).filter_map(|cookie| capabilities.check(cookie, now));
        // The best one, where there are several.
        let session = sessions.max_by_key(|session| session.access == Access::Control);
        let session = session.map(|session| Visitor { access: session.access, by: By::Session(session) });
        // Not even a wrong password beside it: whoever has a session is not locked out by those who guess.
        if let Some(session) = session.filter(|session| session.access == Access::Control) {
            return Verdict::In(session);
        }
        match (self.check_password(peer, headers, now), session) {
            (Verdict::In(visitor), _) => Verdict::In(visitor),
            (_, Some(session)) => Verdict::In(session),
            (verdict, None) => verdict,
        }
    }

    fn check_password(&self, peer: Peer, headers: &HeaderMap, now: Instant) -> Verdict {
        let Some(passwords) = self.passwords.as_ref().filter(|_| headers.contains_key(header::AUTHORIZATION)) else {
            return Verdict::Missing;
        };
        let address = client::address(peer, headers, &self.proxies);
        // Held while the password is compared: many at once are as many guesses.
        let mut limiter = self.limiter();
        if let Some(wait) = limiter.wait(address, now) {
            return Verdict::Locked(wait);
        }
        match passwords.check(headers) {
            Login::Missing => Verdict::Missing,
            Login::Wrong(guess) => {
                limiter.failed(address, guess, now);
                Verdict::Wrong
            }
            Login::Right(_) if self.cookie.is_out(headers) => Verdict::SignedOut,
            Login::Right(access) => {
                // Who knows only the lesser password may still be guessing the other one.
                if access == Access::Control {
                    limiter.succeeded(address);
                }
                Verdict::In(Visitor { access, by: By::Password })
            }
        }
    }

    /// A link was tried that is none of ours. Returns how long nobody from there is heard, before it is looked at.
    pub(super) fn wait_for_links(&self, peer: Peer, headers: &HeaderMap, now: Instant) -> Option<Duration> {
        self.limiter().wait(client::address(peer, headers, &self.proxies), now)
    }

    /// A link was tried that is none of ours.
    pub(super) fn wrong_link(&self, peer: Peer, headers: &HeaderMap, link: &str, now: Instant) {
        self.limiter().failed(client::address(peer, headers, &self.proxies), digest(link.as_bytes()), now);
    }

    fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProxyLogin {
    /// What the proxy lets do whom it names.
    fn access(&self, peer: Peer, headers: &HeaderMap) -> Option<Access> {
        if !self.from.contains(peer) {
            return None;
        }
        let mut names = headers.get_all(&self.header).iter();
        // Two of them: the proxy has passed on what the browser said.
        let (Some(name), None) = (names.next(), names.next()) else { return None };
        let name = name.to_str().ok().map(str::trim).filter(|name| !name.is_empty())?;
        let may_control = self.controllers.is_empty() || self.controllers.iter().any(|controller| controller == name);
        Some(if may_control { Access::Control } else { Access::View })
    }
}

/// Whether a request was sent to this machine by an address or by `localhost`. Names of other sites can be made to lead here.
fn is_local_name(peer: Peer, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return true };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or("");
    matches!(peer, Peer::Local)
        || name.parse::<std::net::IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use hyper::header::HeaderValue;

    use super::*;

    pub(super) const PASSWORDS: (&str, &str) = ("secret", "watch");

    pub(super) fn settings() -> AccessSettings {
        AccessSettings { login_header_from: Some("10.0.0.0/8".into()), ..AccessSettings::default() }
    }

    pub(super) fn guard(settings: &AccessSettings) -> (Guard, Capabilities, Instant) {
        let now = Instant::now();
        let passwords = Credentials::new("user", PASSWORDS.0, Some(PASSWORDS.1));
        let guard = Guard::new(Open::No, Some(passwords), settings, "here").ok().unwrap();
        (guard, Capabilities::new(now).unwrap(), now)
    }

    pub(super) fn peer(address: &str) -> Peer {
        Peer::Inet(std::net::SocketAddr::new(address.parse().unwrap(), 1))
    }

    pub(super) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value)));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.unwrap());
        }
        headers
    }

    fn basic(password: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("user:{password}")))
    }

    fn access(verdict: Verdict) -> Option<Access> {
        match verdict {
            Verdict::In(visitor) => Some(visitor.access),
            _ => None,
        }
    }

    #[test]
    fn a_session_needs_no_password_and_is_not_locked_out() {
        let (guard, capabilities, now) = guard(&settings());
        let judge =
            |pairs: &[(&'static str, &str)]| guard.judge(peer("192.0.2.1"), &headers(pairs), &capabilities, now);
        let cookie = |access| {
            let mut answer = super::super::headers::text(hyper::StatusCode::OK, "");
            let session = capabilities.session(access, guard.lifetime, now).unwrap();
            guard.cookie.set(&mut answer, &session, guard.lifetime, false);
            answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
        };
        let (control, view) = (cookie(Access::Control), cookie(Access::View));
        assert_eq!(judge(&[]), Verdict::Missing);
        assert_eq!(access(judge(&[("authorization", &basic("secret"))])), Some(Access::Control));
        assert_eq!(access(judge(&[("cookie", &view)])), Some(Access::View));
        assert_eq!(access(judge(&[("cookie", &view), ("authorization", &basic("secret"))])), Some(Access::Control));
        for number in 0..5 {
            assert_eq!(judge(&[("authorization", &basic(&number.to_string()))]), Verdict::Wrong);
        }
        assert!(matches!(judge(&[("authorization", &basic("secret"))]), Verdict::Locked(_)), "not even the right one");
        assert_eq!(judge(&[]), Verdict::Missing);
        assert_eq!(access(judge(&[("cookie", &control), ("authorization", &basic("x"))])), Some(Access::Control));
        assert_eq!(access(judge(&[("cookie", &view), ("authorization", &basic("x"))])), Some(Access::View));
    }

    #[test]
    fn the_lesser_password_does_not_help_to_guess_the_other_one() {
        let (guard, capabilities, now) = guard(&settings());
        let judge = |password: &str| {
            guard.judge(peer("192.0.2.1"), &headers(&[("authorization", &basic(password))]), &capabilities, now)
        };
        for number in 0..5 {
            judge(&number.to_string());
            judge("watch");
        }
        assert!(matches!(judge("secret"), Verdict::Locked(_)));
    }

    #[test]
    fn behind_a_proxy_each_browser_counts_for_itself() {
        let (guard, capabilities, now) = guard(&settings());
        let judge = |from: &str, password: &str| {
            let headers = headers(&[("authorization", &basic(password)), ("x-forwarded-for", from)]);
            guard.judge(peer("127.0.0.1"), &headers, &capabilities, now)
        };
        for number in 0..5 {
            judge("192.0.2.1", &number.to_string());
        }
        assert!(matches!(judge("192.0.2.1", "secret"), Verdict::Locked(_)));
        assert_eq!(access(judge("192.0.2.2", "secret")), Some(Access::Control));
    }

    #[test]
    fn only_the_proxy_says_who_somebody_is() {
        let (guard, capabilities, now) =
            guard(&AccessSettings { login_header_control: Some("alice, bob".into()), ..settings() });
        let judge = |from: &str, names: &[&str]| {
            let pairs: Vec<_> = names.iter().map(|name| ("x-forwarded-user", *name)).collect();
            access(guard.judge(peer(from), &headers(&pairs), &capabilities, now))
        };
        assert_eq!(judge("10.1.1.1", &["alice"]), Some(Access::Control));
        assert_eq!(judge("10.1.1.1", &["mallory"]), Some(Access::View));
        for (from, names) in [("10.1.1.1", &["alice", "alice"][..]), ("10.1.1.1", &[""]), ("10.1.1.1", &[])] {
            assert_eq!(judge(from, names), None, "{names:?}");
        }
        for from in ["192.0.2.1", "127.0.0.1"] {
            assert_eq!(judge(from, &["alice"]), None, "{from}");
        }
    }

    #[test]
    fn without_a_password_only_names_of_this_machine_are_answered() {
        let now = Instant::now();
        let guard = Guard::new(Open::Local, None, &AccessSettings::default(), "").ok().unwrap();
        let capabilities = Capabilities::new(now).unwrap();
        let judge = |host: &str| guard.judge(peer("127.0.0.1"), &headers(&[("host", host)]), &capabilities, now);
        for host in ["127.0.0.1:8080", "[::1]:8080", "localhost:8080", "LocalHost", "desk.localhost"] {
            assert_eq!(access(judge(host)), Some(Access::Control), "{host}");
        }
        for host in ["evil.example:8080", "localhost.evil.example", "", "1.2.3.4.evil.example"] {
            assert_eq!(judge(host), Verdict::Foreign, "{host}");
        }
    }

    #[test]
    fn who_has_signed_out_types_the_password_again() {
        let (guard, capabilities, now) = guard(&settings());
        let mut answer = super::super::headers::text(hyper::StatusCode::OK, "");
        guard.cookie.sign_out(&mut answer, guard.lifetime, false);
        let out = answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let headers = headers(&[("authorization", &basic("secret")), ("cookie", &out)]);
        assert_eq!(guard.judge(peer("192.0.2.1"), &headers, &capabilities, now), Verdict::SignedOut);
    }
}
