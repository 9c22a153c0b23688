//! What those get who do not come in: a page for people, a line for programs.

use std::time::Duration;

use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::headers::{Answer, text, with_type};

const PAGE: &str = include_str!("notice.html");
/// Nothing in these pages comes from outside.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'self'";

/// The answer that makes a browser ask for user and password, where there is one to be given.
///
/// But not where our own page says that it asks: browsers would open their window over the desktop, and the page would
/// wait for an answer meanwhile, instead of saying that the password is another one now.
pub(super) fn unauthorized(request: &HeaderMap, has_password: bool) -> Answer {
    let mut answer = notice(
        request,
        StatusCode::UNAUTHORIZED,
        [
            "Sign in",
            "The desktop did not let you in",
            "The user name or the password is not right, or none was given. The link you were sent may have expired. Who \
             started the desktop has them.",
            "Sign in again",
        ],
        "Authorization required\n",
    );
    if has_password && request.get("x-requested-with").is_none() {
        let challenge = HeaderValue::from_static("Basic realm=\"egldesktop\", charset=\"UTF-8\"");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// Too many wrong passwords came from there; nobody there is heard for so long (RFC 6585, 4).
pub(super) fn locked(request: &HeaderMap, wait: Duration) -> Answer {
    let mut answer = notice(
        request,
        StatusCode::TOO_MANY_REQUESTS,
        [
            "Wait",
            "Too many wrong passwords",
            "From your network came so many wrong passwords that the desktop does not listen for a while. Wait a moment, \
             up to some minutes, then try again.",
            "Try again",
        ],
        "Too many wrong passwords came from there; wait as long as Retry-After says\n",
    );
    // To the next full second, or who takes it at its word comes too early.
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    answer
}

/// The desktop has no password, and is for this machine: pages of other sites must not get here by a name of their own.
pub(super) fn foreign_name() -> Answer {
    text(
        StatusCode::FORBIDDEN,
        "This desktop has no password, so it answers only to localhost and to addresses: set a password\n",
    )
}

fn notice(request: &HeaderMap, status: StatusCode, words: [&str; 4], line: &'static str) -> Answer {
    let is_person = request.get(header::ACCEPT).is_some_and(|types| types.as_bytes().starts_with(b"text/html"));
    if !is_person {
        return text(status, line);
    }
    let places = ["{title}", "{heading}", "{text}", "{action}"];
    let page = places.iter().zip(words).fold(PAGE.to_owned(), |page, (place, word)| page.replace(place, word));
    let mut answer = with_type(status, "text/html; charset=utf-8", page);
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn people_are_asked_and_our_page_is_told() {
        let person = unauthorized(&headers("accept", "text/html,application/xhtml+xml"), true);
        assert_eq!(person.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(person.headers().contains_key(header::WWW_AUTHENTICATE));
        assert!(!PAGE.contains("<script"));
        let page = unauthorized(&headers("x-requested-with", "fetch"), true);
        assert_eq!(page.status(), StatusCode::UNAUTHORIZED);
        assert!(!page.headers().contains_key(header::WWW_AUTHENTICATE));
        assert!(unauthorized(&headers("accept", "*/*"), true).headers().contains_key(header::WWW_AUTHENTICATE));
        assert!(!unauthorized(&headers("accept", "*/*"), false).headers().contains_key(header::WWW_AUTHENTICATE));
    }

    #[test]
    fn who_has_to_wait_is_told_how_long() {
        let answer = locked(&headers("accept", "text/html"), Duration::from_millis(1500));
        assert_eq!(
            (answer.status(), &answer.headers()[header::RETRY_AFTER]),
            (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from(2))
        );
    }
}
