//! The cookie of a session (RFC 6265).

use std::time::Duration;

use hyper::header::{self, HeaderMap, HeaderValue};

use super::auth::digest;
use super::headers::Answer;

/// Tells that this browser has signed out: its stored password does not count until it is typed again.
const OUT: &str = "out";

/// A cookie with a name of this desktop's own: browsers give cookies to all ports of a machine.
pub(super) struct Cookie {
    name: String,
}

impl Cookie {
    /// `place` is what tells this desktop from others on the same machine.
    pub(super) fn new(place: &str) -> Self {
        let suffix: String = digest(place.as_bytes())[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("egldesktop_{suffix}") }
    }

    /// What the browser has for us. More than one, maybe: of other paths.
    pub(super) fn values<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(';')).filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == self.name).then_some(value)
        })
    }

    /// Whether this browser has signed out.
    pub(super) fn is_out(&self, headers: &HeaderMap) -> bool {
        self.values(headers).any(|value| value == OUT)
    }

    /// Gives it to the browser. The path is left out: the browser takes the folder of the address, whatever a proxy has put
    /// before ours. So only for addresses right in our folder.
    pub(super) fn set(&self, answer: &mut Answer, value: &str, lifetime: Duration, secure: bool) {
        let secure = if secure { "; Secure" } else { "" };
        let cookie = format!("{}={value}; Max-Age={}; HttpOnly; SameSite=Lax{secure}", self.name, lifetime.as_secs());
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// The browser has signed out, until it closes or somebody signs in.
    pub(super) fn sign_out(&self, answer: &mut Answer, lifetime: Duration, secure: bool) {
        self.set(answer, OUT, lifetime, secure);
    }

    /// Takes it away.
    pub(super) fn remove(&self, answer: &mut Answer, secure: bool) {
        self.set(answer, "", Duration::ZERO, secure);
    }
}

#[cfg(test)]
mod tests {
    use super::super::headers::text;
    use super::*;

    #[test]
    fn each_desktop_has_a_cookie_of_its_own() {
        let (one, other) = (Cookie::new("127.0.0.1:8080"), Cookie::new("127.0.0.1:8081"));
        assert_ne!(one.name, other.name);
        let value = format!("a=1; {}=x; {}=y; {0}=z", one.name, other.name);
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&value).unwrap())]);
        assert_eq!(one.values(&headers).collect::<Vec<_>>(), ["x", "z"]);
        assert!(!one.is_out(&headers));
    }

    #[test]
    fn scripts_and_other_sites_do_not_get_it() {
        let cookie = Cookie::new("");
        let mut answer = text(hyper::StatusCode::OK, "");
        cookie.set(&mut answer, "v", Duration::from_secs(9), true);
        let told = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(told.ends_with("=v; Max-Age=9; HttpOnly; SameSite=Lax; Secure"), "{told}");
    }
}
