//! A file to the browser, whole or from somewhere in the middle (RFC 9110, 14).

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt as _, Take};

use super::super::headers::{Answer, text};
use super::folder::Folder;

/// Bytes that are read at a time.
const PIECE: usize = 256 * 1024;

/// What is asked for of a file of this many bytes.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// The first and the last byte.
    Range(u64, u64),
    /// There is nothing.
    Outside,
}

pub(super) async fn send(folder: Arc<Folder>, name: String, request: &HeaderMap) -> Answer {
    let opened = {
        let name = name.clone();
        tokio::task::spawn_blocking(move || {
            let file = folder.open(&name)?;
            let metadata = file.metadata()?;
            std::io::Result::Ok((file, metadata))
        })
    };
    let Ok(Ok((mut file, metadata))) = opened.await else {
        return text(StatusCode::NOT_FOUND, "There is no such file\n");
    };
    let size = metadata.len();
    let tag = format!("\"{size:x}-{:x}-{:x}\"", metadata.mtime(), metadata.mtime_nsec());
    let part = match request.get(header::RANGE).and_then(|range| range.to_str().ok()) {
        // Another file by now: all of it.
        Some(range) if request.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes()) => {
            range_of(range, size)
        }
        _ => Part::Whole,
    };
    let (status, first, length) = match part {
        Part::Whole => (StatusCode::OK, 0, size),
        Part::Range(first, last) => (StatusCode::PARTIAL_CONTENT, first, last + 1 - first),
        Part::Outside => {
            let mut answer = text(StatusCode::RANGE_NOT_SATISFIABLE, "The file is not that long\n");
            set(&mut answer, header::CONTENT_RANGE, &format!("bytes */{size}"));
            return answer;
        }
    };
    if file.seek(SeekFrom::Start(first)).is_err() {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "The file cannot be read\n");
    }
    let mut answer = Response::new(stream(file, length));
    *answer.status_mut() = status;
    if status == StatusCode::PARTIAL_CONTENT {
        set(&mut answer, header::CONTENT_RANGE, &format!("bytes {first}-{}/{size}", first + length - 1));
    }
    let name = utf8_percent_encode(&name, NON_ALPHANUMERIC);
    for (header, value) in [
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        // Never shown as a page of ours.
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{name}")),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ] {
        set(&mut answer, header, &value);
    }
    answer
}

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

fn stream(file: File, length: u64) -> super::super::headers::Body {
    let file = tokio::fs::File::from_std(file).take(length);
    let pieces = futures_util::stream::try_unfold(file, async |mut file: Take<tokio::fs::File>| {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = file.read_buf(&mut piece).await?;
        // A file that became shorter meanwhile ends the connection, since what was promised does not come.
        std::io::Result::Ok((read > 0).then(|| (Frame::data(Bytes::from(piece)), file)))
    });
    StreamBody::new(pieces).boxed()
}

/// A single range; of several, and of what is none, the whole.
fn range_of(text: &str, size: u64) -> Part {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Part::Whole;
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (number(first), number(last)) {
        (Some(first), _) if first >= size => Part::Outside,
        (Some(first), None) if last.trim().is_empty() => Part::Range(first, size - 1),
        (Some(first), Some(last)) if first <= last => Part::Range(first, last.min(size - 1)),
        (None, Some(0)) if first.trim().is_empty() => Part::Outside,
        (None, Some(_)) if first.trim().is_empty() && size == 0 => Part::Outside,
        (None, Some(count)) if first.trim().is_empty() => Part::Range(size - count.min(size), size - 1),
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for (text, part) in [
            ("bytes=0-", Part::Range(0, 99)),
            ("bytes=10-19", Part::Range(10, 19)),
            ("bytes=90-1000", Part::Range(90, 99)),
            ("bytes=-10", Part::Range(90, 99)),
            ("bytes=-1000", Part::Range(0, 99)),
            ("bytes=100-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=20-10", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=99999999999999999999-", Part::Whole),
        ] {
            assert_eq!(range_of(text, 100), part, "{text}");
        }
        assert_eq!(range_of("bytes=0-", 0), Part::Outside);
        assert_eq!(range_of("bytes=-5", 0), Part::Outside);
    }
}
