//! What the head of a request meets before anybody has logged in, and the paths to files.

use std::io::Read as _;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use hyper::Uri;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::auth::Credentials;
use super::capability::Capabilities;
use super::files::{Folder, name_of};
use super::guard::{Guard, Open, Verdict};
use super::listen::Peer;
use super::{assets, client, embedded, route};
use crate::selkiessignal::access::AccessSettings;
use crate::selkiessignal::settings::FilesPolicy;

/// What must never be read.
const SECRET: &str = "what lies outside";

struct World {
    guard: Guard,
    capabilities: Capabilities,
    folder: Folder,
    root: tempfile::TempDir,
}

/// A guard whose password nobody knows, and a folder beside which there is a secret.
static WORLD: LazyLock<Option<World>> = LazyLock::new(|| {
    let root = tempfile::tempdir().ok()?;
    let inside = root.path().join("inside");
    std::fs::create_dir_all(inside.join("folder")).ok()?;
    std::fs::write(inside.join("file.js"), "a file").ok()?;
    for secret in ["secret", "secret.js"] {
        std::fs::write(root.path().join(secret), SECRET).ok()?;
        std::os::unix::fs::symlink(root.path().join(secret), inside.join(format!("link-to-{secret}"))).ok()?;
    }
    std::os::unix::fs::symlink(root.path(), inside.join("up")).ok()?;
    let mut password = [0; 32];
    getrandom::fill(&mut password).ok()?;
    let credentials = Credentials::new("user", &format!("{password:?}"), Some(&format!("{password:x?}")));
    let settings = AccessSettings { login_header_from: Some("10.0.0.0/8".into()), ..AccessSettings::default() };
    let guard = Guard::new(Open::No, Some(credentials), &settings, "fuzz").ok()?;
    let capabilities = Capabilities::new(Instant::now()).ok()?;
    Some(World { guard, capabilities, folder: Folder::new(inside, FilesPolicy::Both, u64::MAX), root })
});

/// A path in the first line, then fields of a header.
pub(crate) fn request(data: &[u8]) {
    let Some(world) = WORLD.as_ref() else { return };
    let mut lines = data.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    for line in lines.take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let outside = Peer::Inet(([192, 0, 2, 1], 1).into());
    for peer in [outside, Peer::Local] {
        let verdict = world.guard.judge(peer, &headers, &world.capabilities, Instant::now());
        assert!(!matches!(verdict, Verdict::In(_)), "somebody came in: {verdict:?}");
    }
    let address = client::address(outside, &headers, &world.guard.proxies);
    assert_eq!(address.to_string(), "192.0.2.1", "somebody made itself somebody else");
    let _ = route::same_origin(&headers);
    let text = String::from_utf8_lossy(target);
    let now = Instant::now();
    assert!(world.capabilities.open(&text, now).is_err() && world.capabilities.check(&text, now).is_none());

    // The path, as it came and as hyper hands it on.
    let uri = Uri::try_from(target).ok();
    for path in [text.as_ref()].into_iter().chain(uri.as_ref().map(Uri::path)) {
        for base in ["", "/desk"] {
            if let Some(below) = route::below(base, path) {
                let _ = route::is_signalling(below);
                read(world, below);
            }
        }
        if let Some(answer) = embedded::serve(path.trim_start_matches('/'), "text/plain", &headers) {
            assert!(answer.status().is_success() || answer.status().is_redirection());
        }
    }
}

/// Nothing outside is read, by whatever name.
fn read(world: &World, path: &str) {
    let inside = world.root.path().join("inside");
    let names = [Some(path.to_owned()), name_of(path), name_of(path.trim_start_matches("/files/"))];
    for name in names.into_iter().flatten() {
        for name in [name.as_str(), name.trim_start_matches('/')] {
            if let Ok(mut file) = world.folder.open(name) {
                let mut text = String::new();
                let _ = file.read_to_string(&mut text);
                assert_ne!(text, SECRET, "{name:?}");
            }
            let found = assets::read_below(Path::new(&inside), name);
            assert_ne!(found.as_deref(), Some(SECRET.as_bytes()), "{name:?}");
        }
    }
}
