//! HTTP Basic authentication (RFC 7617).

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq as _;

use super::headers::{Answer, text, with_type};
use crate::selkiessignal::roster::Access;

/// What passwords are compared by.
pub(super) type Digest = [u8; 20];

/// Who may come in. No `Debug`: it holds the passwords.
pub(in super::super) struct Credentials {
    control: Digest,
    view: Option<Digest>,
}

/// What the request says about who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// No credentials at all.
    Missing,
    /// Credentials of nobody.
    Wrong,
    /// The right ones, and what they allow.
    Right(Access),
}

impl Credentials {
    /// One user with a password that allows everything, and maybe another one that allows to watch.
    pub(in super::super) fn new(user: &str, password: &str, view_password: Option<&str>) -> Self {
        let digest = |password: &str| digest(format!("{user}:{password}").as_bytes());
        Self { control: digest(password), view: view_password.map(digest) }
    }

    /// Compares in constant time: digests, so that not even the length tells anything.
    pub(super) fn check(&self, headers: &HeaderMap) -> Login {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Login::Missing };
        let given = value.to_str().ok().and_then(|value| {
            let (scheme, encoded) = value.split_once(' ')?;
            let basic = scheme.eq_ignore_ascii_case("basic");
            basic.then(|| base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok())?
        });
        let given = given.map(|given| digest(&given));
        let is = |expected: &Digest| given.is_some_and(|given| given.ct_eq(expected).into());
        match (is(&self.control), self.view.as_ref().is_some_and(is)) {
            (true, _) => Login::Right(Access::Control),
            (false, true) => Login::Right(Access::View),
            (false, false) => Login::Wrong,
        }
    }
}

/// Equal for equal texts, and of one length for all.
pub(super) fn digest(text: &[u8]) -> Digest {
    // The key only has to be fixed: it keeps nothing secret.
    Hmac::<sha1::Sha1>::new_from_slice(b"egldesktop basic authentication")
        .map(|mac| mac.chain_update(text).finalize().into_bytes().into())
        .unwrap_or_default()
}

/// What people read who gave no right password.
const PAGE: &str = include_str!("unauthorized.html");
/// Nothing in that page comes from outside.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'self'";

/// The answer that makes a browser ask for user and password.
///
/// But not where our own page says that it asks: browsers would open their window over the desktop, and the page would
/// wait for an answer meanwhile, instead of saying that the password is another one now.
pub(super) fn unauthorized(request: &HeaderMap) -> Answer {
    let is_person = request.get(header::ACCEPT).is_some_and(|types| types.as_bytes().starts_with(b"text/html"));
    let mut answer = if is_person {
        with_type(StatusCode::UNAUTHORIZED, "text/html; charset=utf-8", PAGE)
    } else {
        text(StatusCode::UNAUTHORIZED, "Authorization required\n")
    };
    let headers = answer.headers_mut();
    if is_person {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    }
    if request.get("x-requested-with").is_none() {
        let challenge = "Basic realm=\"egldesktop\", charset=\"UTF-8\"";
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str) -> Login {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        Credentials::new("user", "pass:wörd", Some("watch")).check(&headers)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    }

    #[test]
    fn right_and_wrong() {
        assert_eq!(check(&basic("user:pass:wörd")), Login::Right(Access::Control));
        assert_eq!(check(&basic("user:pass:wörd").replace("Basic", "bAsIc")), Login::Right(Access::Control));
        assert_eq!(check(&basic("user:watch")), Login::Right(Access::View));
        for wrong in ["user:", "user:pass", "User:pass:wörd", "", ":"] {
            assert_eq!(check(&basic(wrong)), Login::Wrong, "{wrong}");
        }
        for wrong in ["Basic", "Basic !", "Bearer x", "x"] {
            assert_eq!(check(wrong), Login::Wrong, "{wrong}");
        }
        assert_eq!(Credentials::new("u", "p", None).check(&HeaderMap::new()), Login::Missing);
    }

    #[test]
    fn people_are_asked_and_our_page_is_told() {
        let answer = |name: &'static str, value: &'static str| {
            let name = header::HeaderName::from_static(name);
            unauthorized(&HeaderMap::from_iter([(name, HeaderValue::from_static(value))]))
        };
        let person = answer("accept", "text/html,application/xhtml+xml");
        assert_eq!(person.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(person.headers().contains_key(header::WWW_AUTHENTICATE));
        assert!(!PAGE.contains("<script"));
        let page = answer("x-requested-with", "fetch");
        assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
        assert!(!page.headers().contains_key(header::WWW_AUTHENTICATE));
        assert!(answer("accept", "*/*").headers().contains_key(header::WWW_AUTHENTICATE));
    }
}
