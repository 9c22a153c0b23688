//! Files to and from a folder of the desktop, for those who may control it.
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /files/` | tells what is allowed, and what is there |
//! | `GET /files/<name>` | a file, or a range of it |
//! | `HEAD /uploads/<id>/<name>` | `Upload-Offset`: how much of an upload has come |
//! | `PATCH /uploads/<id>/<name>` | goes on at `Upload-Offset`, up to `Upload-Length` |
//! | `DELETE /uploads/<id>/<name>` | forgets it |

mod download;
mod folder;
mod upload;

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use percent_encoding::percent_decode_str;

use super::headers::{Answer, text, with_type};
use super::route::same_origin;
use crate::selkiessignal::roster::Access;

pub(in crate::selkiessignal) use folder::Folder;

/// Whether a path is one of these.
pub(super) fn is_theirs(path: &str) -> bool {
    path.starts_with("/files/") || path.starts_with("/uploads/")
}

/// Answers a request for such a path.
pub(super) async fn respond(
    folder: Option<&Arc<Folder>>,
    path: &str,
    access: Access,
    request: Request<Incoming>,
) -> Answer {
    let Some(folder) = folder.cloned() else { return text(StatusCode::NOT_FOUND, "Files are not shared\n") };
    if access != Access::Control || !same_origin(request.headers()) {
        return text(StatusCode::FORBIDDEN, "Files are for those who may control the desktop\n");
    }
    if let Some(name) = path.strip_prefix("/files/") {
        return files(folder, name, request).await;
    }
    let Some((id, name)) = path.strip_prefix("/uploads/").and_then(|rest| rest.split_once('/')) else {
        return text(StatusCode::NOT_FOUND, "Not found\n");
    };
    let Some(name) = name_of(name).filter(|name| folder::is_id(id) && folder::is_name(name)) else {
        return text(StatusCode::BAD_REQUEST, "This is no name for a file\n");
    };
    if !folder.policy.inwards() {
        return text(StatusCode::FORBIDDEN, "Uploads are not allowed here\n");
    }
    let id = id.to_owned();
    match *request.method() {
        Method::HEAD => upload::offset(folder, id).await,
        Method::DELETE => upload::cancel(folder, id).await,
        Method::PATCH => upload::receive(folder, id, name, request).await,
        _ => text(StatusCode::METHOD_NOT_ALLOWED, "Only HEAD, PATCH and DELETE\n"),
    }
}

async fn files(folder: Arc<Folder>, name: &str, request: Request<Incoming>) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD\n");
    }
    let (upload, download) = (folder.policy.inwards(), folder.policy.outwards());
    if name.is_empty() {
        let list = tokio::task::spawn_blocking(move || if download { folder.list() } else { Vec::new() });
        let files = list.await.unwrap_or_default();
        let body = serde_json::json!({ "upload": upload, "download": download, "files": files });
        return with_type(StatusCode::OK, "application/json", body.to_string());
    }
    match name_of(name) {
        Some(name) if download => download::send(folder, name, request.headers()).await,
        _ => text(StatusCode::FORBIDDEN, "Downloads are not allowed here\n"),
    }
}

/// The name of a file in a path.
pub(super) fn name_of(name: &str) -> Option<String> {
    percent_decode_str(name).decode_utf8().ok().map(Into::into)
}
