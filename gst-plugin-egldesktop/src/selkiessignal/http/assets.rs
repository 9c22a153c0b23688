//! The files of the web client: embedded at build time, or from a directory.

use std::path::{Component, Path, PathBuf};

use hyper::StatusCode;
use hyper::header::HeaderMap;

use super::embedded;
use super::headers::{Answer, text, with_type};

/// Larger files have no place in a web client.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// Where the files come from.
pub(in super::super) enum Assets {
    /// Those that were there at build time.
    Embedded,
    /// This directory, read anew for each request.
    Directory(PathBuf),
}

impl Assets {
    /// The file for the path of a request; 404 for everything that is none.
    pub(super) async fn serve(&self, path: &str, request: &HeaderMap) -> Answer {
        let path = path.trim_start_matches('/');
        // A path that ends like a folder: the page.
        let path = if path.is_empty() || path.ends_with('/') { "index.html" } else { path };
        match self {
            Self::Embedded => content_type(path)
                .and_then(|content_type| embedded::serve(path, content_type, request))
                .unwrap_or_else(not_found),
            Self::Directory(root) => serve_below(root, path).await.unwrap_or_else(not_found),
        }
    }
}

/// The file of a directory, where it is of a type that is known.
async fn serve_below(root: &Path, path: &str) -> Option<Answer> {
    let content_type = content_type(path).or_else(|| mime_guess::from_path(path).first_raw())?;
    Some(with_type(StatusCode::OK, content_type, read(root, path).await?))
}

/// Reads a file below `root`; `None` for everything outside of it, also by way of links.
async fn read(root: &Path, path: &str) -> Option<Vec<u8>> {
    let (root, path) = (root.to_owned(), path.to_owned());
    tokio::task::spawn_blocking(move || read_below(&root, &path)).await.ok()?
}

/// The same for a thread that may wait.
pub(super) fn read_below(root: &Path, path: &str) -> Option<Vec<u8>> {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    plain.then_some(())?;
    let path = root.join(path).canonicalize().ok();
    let path = path.filter(|path| root.canonicalize().is_ok_and(|root| path.starts_with(root)))?;
    let metadata = path.metadata().ok()?;
    (metadata.is_file() && metadata.len() <= MAX_FILE).then(|| std::fs::read(path).ok())?
}

fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "Not found\n")
}

/// The type of a file of our own page.
fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_serves_nothing_outside_of_it() {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("web");
        std::fs::create_dir_all(root.join("js")).unwrap();
        std::fs::write(root.join("js/a.js"), "a").unwrap();
        std::fs::write(root.join("index.html"), "page").unwrap();
        std::fs::write(root.join("font.ttf"), "font").unwrap();
        std::fs::write(root.join(".password"), "secret").unwrap();
        std::fs::write(top.path().join("secret.js"), "secret").unwrap();
        std::os::unix::fs::symlink(top.path().join("secret.js"), root.join("link.js")).unwrap();
        let assets = Assets::Directory(root);
        for (path, status) in [
            ("/", StatusCode::OK),
            ("/js/a.js", StatusCode::OK),
            ("/font.ttf", StatusCode::OK),
            ("/.password", StatusCode::NOT_FOUND),
            ("/js/b.js", StatusCode::NOT_FOUND),
            ("/../secret.js", StatusCode::NOT_FOUND),
            ("/js/../../secret.js", StatusCode::NOT_FOUND),
            ("//etc/../../secret.js", StatusCode::NOT_FOUND),
            ("/link.js", StatusCode::NOT_FOUND),
            ("/js", StatusCode::NOT_FOUND),
        ] {
            assert_eq!(assets.serve(path, &HeaderMap::new()).await.status(), status, "{path}");
        }
    }

    #[tokio::test]
    async fn the_embedded_page_and_nothing_beside_it() {
        assert_eq!(Assets::Embedded.serve("/", &HeaderMap::new()).await.status(), StatusCode::OK);
        for path in ["/package.json", "/tests/helpers.js", "/README.md", "/v/x/../../Cargo.toml"] {
            assert_eq!(Assets::Embedded.serve(path, &HeaderMap::new()).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
