//! HTTP Basic authentication (RFC 7617).

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq as _;

use super::headers::{Answer, text};

/// The one user that may come in. No `Debug`: it holds the password.
pub(in super::super) struct Credentials {
    expected: [u8; 20],
}

/// What the request says about who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// No credentials at all.
    Missing,
    /// Credentials of nobody.
    Wrong,
    /// The right ones.
    Right,
}

impl Credentials {
    pub(in super::super) fn new(user: &str, password: &str) -> Self {
        Self { expected: digest(format!("{user}:{password}").as_bytes()) }
    }

    /// Compares in constant time: digests, so that not even the length tells anything.
    pub(super) fn check(&self, headers: &HeaderMap) -> Login {
        let Some(value) = headers.get(header::AUTHORIZATION) else { return Login::Missing };
        let given = value.to_str().ok().and_then(|value| {
            let (scheme, encoded) = value.split_once(' ')?;
            let basic = scheme.eq_ignore_ascii_case("basic");
            basic.then(|| base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok())?
        });
        let equal = given.is_some_and(|given| digest(&given).ct_eq(&self.expected).into());
        if equal { Login::Right } else { Login::Wrong }
    }
}

fn digest(text: &[u8]) -> [u8; 20] {
    // The key only has to be fixed: this makes the lengths equal, it keeps nothing secret.
    Hmac::<sha1::Sha1>::new_from_slice(b"egldesktop basic authentication")
        .map(|mac| mac.chain_update(text).finalize().into_bytes().into())
        .unwrap_or_default()
}

/// The answer that makes a browser ask for user and password.
pub(super) fn unauthorized() -> Answer {
    let mut answer = text(StatusCode::UNAUTHORIZED, "Authorization required\n");
    answer
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"egldesktop\", charset=\"UTF-8\""));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str) -> Login {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        Credentials::new("user", "pass:wörd").check(&headers)
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    }

    #[test]
    fn right_and_wrong() {
        assert_eq!(check(&basic("user:pass:wörd")), Login::Right);
        assert_eq!(check(&basic("user:pass:wörd").replace("Basic", "bAsIc")), Login::Right);
        for wrong in ["user:", "user:pass", "User:pass:wörd", "", ":"] {
            assert_eq!(check(&basic(wrong)), Login::Wrong, "{wrong}");
        }
        for wrong in ["Basic", "Basic !", "Bearer x", "x"] {
            assert_eq!(check(wrong), Login::Wrong, "{wrong}");
        }
        assert_eq!(Credentials::new("u", "p").check(&HeaderMap::new()), Login::Missing);
    }
}
