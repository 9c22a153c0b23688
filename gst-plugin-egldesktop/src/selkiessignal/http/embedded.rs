//! The files of the web client that were there at build time, compressed then.
//!
//! The page asks for its files below `v/<version>/`, where the version is a hash of all of them: what is there never
//! changes and is kept by the browser for good, and a new version is there with the next load of the page.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use sha1::Digest as _;

use super::headers::{Answer, policy_with_script, with_type};

/// A file, and what it is compressed to where that is smaller.
struct File {
    /// Path below the root of the client.
    name: &'static str,
    data: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

// From build.rs.
include!(concat!(env!("OUT_DIR"), "/client.rs"));

/// The folder of what never changes.
const VERSIONED: &str = "v/";
const PAGE: &str = "index.html";

/// Stands in the page itself, where build.rs has put it.
const BOOT: &str = "js/boot.js";

/// What the page may run.
static PAGE_POLICY: LazyLock<Option<HeaderValue>> =
    LazyLock::new(|| HeaderValue::from_str(&policy_with_script(&source(BOOT))).ok());

fn source(name: &str) -> Cow<'static, str> {
    String::from_utf8_lossy(find(name).map_or(&[], |file| file.data))
}

/// How a body is compressed, as `Content-Encoding` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

/// The file with this path, without a slash before it.
pub(super) fn serve(path: &str, content_type: &'static str, request: &HeaderMap) -> Option<Answer> {
    let versioned = path.strip_prefix(VERSIONED).and_then(|rest| rest.split_once('/'));
    let name = versioned.map_or(path, |(_, name)| name);
    let (data, encoding) = body(name, request)?;
    let tag = format!("\"{}\"", hex(&sha1::Sha1::digest(data)));
    let mut answer = if is_known(&tag, request) {
        with_type(StatusCode::NOT_MODIFIED, content_type, Bytes::new())
    } else {
        with_type(StatusCode::OK, content_type, Bytes::from_static(data))
    };
    // A page of another version may still ask while it loads: it gets what there is, and nobody keeps that.
    let is_final = versioned.is_some_and(|(version, _)| version == VERSION);
    let caching = if is_final { "private, max-age=31536000, immutable" } else { "no-cache" };
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(policy) = PAGE_POLICY.as_ref().filter(|_| name == PAGE) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    let encoding = match encoding {
        Encoding::Brotli => Some("br"),
        Encoding::Gzip => Some("gzip"),
        Encoding::Identity => None,
    };
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(answer)
}

fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

fn body(name: &str, request: &HeaderMap) -> Option<(&'static [u8], Encoding)> {
    let file = find(name)?;
    // The smaller one first; a file that does not become smaller has neither.
    let compressed = [(Encoding::Brotli, "br", file.brotli), (Encoding::Gzip, "gzip", file.gzip)]
        .into_iter()
        .find_map(|(encoding, name, data)| accepts(name, request).then_some((data?, encoding)));
    Some(compressed.unwrap_or((file.data, Encoding::Identity)))
}

/// Whether the browser takes this encoding (RFC 9110, 12.5.3).
fn accepts(encoding: &str, request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|entry| {
        let (name, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(encoding) && weight.is_some_and(|weight| weight > 0.0)
    })
}

fn is_known(tag: &str, request: &HeaderMap) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag)
}

fn hex(bytes: &[u8]) -> String {
    bytes[..10].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, headers: &[(header::HeaderName, &'static str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        serve(path, "text/plain", &headers).unwrap()
    }

    fn length(answer: &Answer) -> u64 {
        hyper::body::Body::size_hint(answer.body()).exact().unwrap()
    }

    #[test]
    fn the_page_names_the_version_and_the_version_is_kept_for_good() {
        let kept = |path: &str| get(path, &[]).headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable");
        let page = source(PAGE);
        assert!(page.contains(&format!("src=\"v/{VERSION}/js/main.js\"")), "{page}");
        assert!(!page.contains("=\"js/") && !page.contains("=\"css/"));
        assert!(kept(&format!("v/{}/js/main.js", VERSION)));
        assert!(!kept("v/0123456789/js/main.js") && !kept("js/main.js") && !kept("index.html") && !kept("sw.js"));
        assert!(serve(&format!("v/{}/package.json", VERSION), "text/plain", &HeaderMap::new()).is_none());
    }

    #[test]
    fn the_smallest_encoding_that_the_browser_takes() {
        let encoding = |accepted: &'static str| {
            let answer = get("js/main.js", &[(header::ACCEPT_ENCODING, accepted)]);
            let name = answer.headers().get(header::CONTENT_ENCODING).map(|name| name.to_str().unwrap().to_owned());
            (name, length(&answer))
        };
        let (name, full) = encoding("identity");
        assert_eq!(name, None);
        let (name, brotli) = encoding("gzip, deflate, br;q=0.5");
        assert_eq!(name.as_deref(), Some("br"));
        let (name, gzip) = encoding("gzip, br;q=0");
        assert_eq!(name.as_deref(), Some("gzip"));
        assert!(brotli < gzip && gzip < full / 2, "{brotli} {gzip} {full}");
    }

    /// The policy is the page's own, however the page comes.
    #[test]
    fn the_page_is_compressed_and_may_run_the_script_in_it() {
        let page = source(PAGE);
        let script = page.split_once("<script ").unwrap().1.split_once('>').unwrap().1;
        let script = script.split_once("</script>").unwrap().0;
        assert_eq!(script, source(BOOT));
        let full = get("index.html", &[]);
        for encoding in ["br", "gzip"] {
            let answer = get("index.html", &[(header::ACCEPT_ENCODING, encoding)]);
            assert_eq!(answer.headers()[header::CONTENT_ENCODING], encoding);
            assert!(length(&answer) < length(&full) * 2 / 3, "{} of {}", length(&answer), length(&full));
            assert_ne!(answer.headers()[header::ETAG], full.headers()[header::ETAG]);
            let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert_eq!(policy, policy_with_script(script));
        }
    }

    #[test]
    fn a_tag_is_known_again() {
        let first = get("index.html", &[]);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("\"other\", W/{tag}")] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(&known).unwrap())]);
            let again = serve("index.html", "text/html", &headers).unwrap();
            assert_eq!((again.status(), length(&again)), (StatusCode::NOT_MODIFIED, 0));
        }
    }

    /// What a browser that has nothing yet is sent: all scripts and styles, the page, its icon, and one language.
    #[test]
    fn the_first_load_is_small() {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        let sizes = |wanted: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let names = FILES.iter().map(|file| file.name).filter(|name| wanted(name));
            names.map(|name| body(name, &headers).unwrap().0.len() + 500).collect()
        };
        let code: usize = sizes(&|name| !name.starts_with("locales/") && !name.starts_with("icons/")).iter().sum();
        let language = sizes(&|name| name.starts_with("locales/")).into_iter().max().unwrap_or_default();
        assert!(code > 20_000 && code + language < 150_000, "{code} and {language} bytes with their heads");
    }
}
