//! HTTP Basic authentication (RFC 7617).

use base64::Engine as _;
use hyper::HeaderMap;
use hyper::header;
use sha2::Digest as _;
use subtle::ConstantTimeEq as _;

use crate::selkiessignal::roster::Access;

/// What passwords are compared by.
pub(super) type Digest = [u8; 32];

/// Who may come in. No `Debug`: it holds the passwords.
pub(in super::super) struct Credentials {
    control: Digest,
    view: Option<Digest>,
    /// Of the password to watch alone.
    token: Option<Digest>,
}

/// What the request says about who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// No credentials at all.
    Missing,
    /// Credentials of nobody; the digest tells them apart from others.
    Wrong(Digest),
    /// The right ones, and what they allow.
    Right(Access),
}

impl Credentials {
    /// One user with a password that allows everything, and maybe another one that allows to watch.
    pub(in super::super) fn new(user: &str, password: &str, view_password: Option<&str>) -> Self {
        let login = |password: &str| digest(format!("{user}:{password}").as_bytes());
        let token = view_password.map(|password| digest(password.as_bytes()));
        Self { control: login(password), view: view_password.map(login), token }
    }

    /// Whether this is the password to watch; in constant time as well.
    pub(super) fn is_to_watch(&self, token: &str) -> bool {
        self.token.as_ref().is_some_and(|expected| digest(token.as_bytes()).ct_eq(expected).into())
    }

    /// Compares in constant time: digests, so that not even the length tells anything.
    pub(super) fn check(&self, headers: &HeaderMap) -> Login {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Login::Missing };
        let given = value.to_str().ok().and_then(|value| {
            let (scheme, encoded) = value.split_once(' ')?;
            let basic = scheme.eq_ignore_ascii_case("basic");
            basic.then(|| base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok())?
        });
        let is_basic = given.is_some();
        let given = digest(given.as_deref().unwrap_or(value.as_bytes()));
        let is = |expected: &Digest| is_basic && bool::from(given.ct_eq(expected));
        match (is(&self.control), self.view.as_ref().is_some_and(is)) {
            (true, _) => Login::Right(Access::Control),
            (false, true) => Login::Right(Access::View),
            (false, false) => Login::Wrong(given),
        }
    }
}

/// Equal for equal texts, and of one length for all.
pub(super) fn digest(text: &[u8]) -> Digest {
    sha2::Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

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
            assert!(matches!(check(&basic(wrong)), Login::Wrong(_)), "{wrong}");
        }
        for wrong in ["Basic", "Basic !", "Bearer x", "x"] {
            assert!(matches!(check(wrong), Login::Wrong(_)), "{wrong}");
        }
        assert_eq!(Credentials::new("u", "p", None).check(&HeaderMap::new()), Login::Missing);
    }
}
