//! Headers that every answer carries, and short answers.

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use sha2::Digest as _;

/// Most bodies are whole; files are read while they are sent.
pub(super) type Body = BoxBody<Bytes, std::io::Error>;
pub(super) type Answer = Response<Body>;

/// Only our own scripts and styles; the same origin for everything else, and the WebSocket.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; manifest-src 'self'; worker-src 'self'; \
     frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
/// For a page of the operator's own: what it is made of is up to them. Selkies' clients have scripts and styles in
/// themselves, and templates that are compiled in the browser.
const FOREIGN_PAGE_POLICY: &str = "object-src 'none'; base-uri 'self'; frame-ancestors 'self'";
/// What no page here needs, whatever it has been made to run.
const PERMISSIONS_POLICY: &str = "camera=(), display-capture=(), geolocation=(), hid=(), midi=(), payment=(), \
     serial=(), usb=()";

/// The policy for a page that has this script in itself.
pub(super) fn policy_with_script(script: &str) -> String {
    let hash = base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(script));
    CONTENT_SECURITY_POLICY.replacen("script-src 'self'", &format!("script-src 'self' 'sha256-{hash}'"), 1)
}

/// The policy for a page that is not ours.
pub(super) fn foreign_page(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FOREIGN_PAGE_POLICY));
    answer
}

/// A short text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Answer {
    with_type(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

/// A body of a type, not to be stored anywhere.
pub(super) fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Adds what protects the page from other pages.
pub(super) fn secure(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
    ] {
        // The answer may have said it more strictly.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}
