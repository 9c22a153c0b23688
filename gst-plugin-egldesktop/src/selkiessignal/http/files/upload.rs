//! A file from the browser, in as many requests as the network needs. What has come stays, and the next request goes on
//! where the last one was cut. The header fields are those of the Internet draft "Resumable Uploads for HTTP".

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::futures::Notified;
use tokio::time::timeout;

use super::super::CAT;
use super::super::headers::{Answer, text, with_type};
use super::folder::{Folder, Slot};

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// How long a browser may send nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// How a request ended.
enum End {
    /// As many bytes as it said, or fewer.
    Written(u64),
    /// More than it said.
    TooLong,
    /// Another request goes on with this upload.
    Superseded,
}

/// Who writes, has to stop: the one who asks now has the newer connection.
async fn take_over(slot: &Slot) -> tokio::sync::MutexGuard<'_, ()> {
    slot.cancel.notify_waiters();
    slot.writer.lock().await
}

/// How many bytes have come.
pub(super) async fn offset(folder: Arc<Folder>, id: String) -> Answer {
    let slot = folder.slot(&id);
    let _writer = take_over(&slot).await;
    let length = blocking(move || Ok(folder.part_length(&id))).await.unwrap_or(0);
    with_offset(text(StatusCode::NO_CONTENT, ""), length)
}

/// Forgets what has come.
pub(super) async fn cancel(folder: Arc<Folder>, id: String) -> Answer {
    let slot = folder.slot(&id);
    let _writer = take_over(&slot).await;
    match blocking(move || folder.remove_part(&id)).await {
        Ok(()) => text(StatusCode::NO_CONTENT, ""),
        Err(error) => refused(&error),
    }
}

/// Takes the rest of the file, or a part of it.
pub(super) async fn receive(folder: Arc<Folder>, id: String, name: String, request: Request<Incoming>) -> Answer {
    let number = |name: &HeaderName| number(request.headers(), name);
    let (Some(offset), Some(length)) = (number(&OFFSET), number(&LENGTH)) else {
        return text(StatusCode::BAD_REQUEST, "Upload-Offset and Upload-Length are needed\n");
    };
    if length > folder.most {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "The file is larger than this desktop takes\n");
    }
    let slot = folder.slot(&id);
    slot.cancel.notify_waiters();
    // From here on, so that nobody who comes while this one waits is overheard.
    let cancelled = slot.cancel.notified();
    let _writer = slot.writer.lock().await;
    let opened = {
        let (folder, id) = (folder.clone(), id.clone());
        blocking(move || {
            let file = folder.open_part(&id)?;
            let there = file.metadata()?.len();
            Ok((file, there))
        })
    };
    let (file, there) = match opened.await {
        Ok(opened) => opened,
        Err(error) => return refused(&error),
    };
    if there != offset || offset > length {
        return with_offset(text(StatusCode::CONFLICT, "The upload goes on elsewhere\n"), there);
    }
    match write(tokio::fs::File::from_std(file), cancelled, request.into_body(), length - offset).await {
        Ok(End::Written(written)) if offset + written == length => {
            match blocking(move || folder.finish(&id, &name)).await {
                Ok(name) => {
                    gst::info!(CAT, "received {name:?}, {length} bytes");
                    with_type(StatusCode::CREATED, "application/json", serde_json::json!({ "name": name }).to_string())
                }
                Err(error) => refused(&error),
            }
        }
        Ok(End::Written(written)) => with_offset(text(StatusCode::NO_CONTENT, ""), offset + written),
        Ok(End::TooLong) => text(StatusCode::PAYLOAD_TOO_LARGE, "This is more than Upload-Length says\n"),
        Ok(End::Superseded) => text(StatusCode::CONFLICT, "Another request goes on with this upload\n"),
        Err(error) => refused(&error),
    }
}

async fn write(mut file: tokio::fs::File, cancelled: Notified<'_>, mut body: Incoming, most: u64) -> io::Result<End> {
    let mut cancelled = pin!(cancelled);
    let mut written = 0;
    let end = loop {
        let frame = tokio::select! {
            frame = timeout(SILENCE, body.frame()) => frame.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?,
            () = &mut cancelled => break End::Superseded,
        };
        let Some(frame) = frame else { break End::Written(written) };
        // What has come before the connection broke stays.
        let Ok(frame) = frame else {
            file.flush().await?;
            return Err(io::ErrorKind::ConnectionReset.into());
        };
        let Ok(data) = frame.into_data() else { continue };
        if data.len() as u64 > most - written {
            break End::TooLong;
        }
        file.write_all(&data).await?;
        written += data.len() as u64;
    };
    file.flush().await?;
    Ok(end)
}

async fn blocking<T: Send + 'static>(job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(job).await.map_err(io::Error::other)?
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn with_offset(mut answer: Answer, offset: u64) -> Answer {
    answer.headers_mut().insert(OFFSET, HeaderValue::from(offset));
    answer
}

fn refused(error: &io::Error) -> Answer {
    gst::warning!(CAT, "an upload ended: {error}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            text(StatusCode::INSUFFICIENT_STORAGE, "There is no room for the file\n")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            text(StatusCode::FORBIDDEN, "The folder for files cannot be written to\n")
        }
        _ => text(StatusCode::INTERNAL_SERVER_ERROR, "The file could not be stored\n"),
    }
}
