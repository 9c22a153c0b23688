//! Files to the desktop and back, over connections that break in the middle.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::get;
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of a piece; each is filled with its number.
const PIECE: usize = 1 << 20;
/// A gigabyte.
const PIECES: usize = 1024;
const UPLOAD: &str = "/uploads/0123456789abcdef/a%20big%20file.bin";

fn piece(number: usize) -> Vec<u8> {
    (number as u32).to_le_bytes().repeat(PIECE / 4)
}

fn head(method: &str, path: &str, password: &str, fields: &str) -> String {
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{password}"));
    format!(
        "{method} {path} HTTP/1.1\r\nHost: desk\r\nAuthorization: Basic {login}\r\nConnection: close\r\n{fields}\r\n"
    )
}

/// The head of the answer, and the connection, at the body.
async fn answer(stream: &mut TcpStream) -> Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(text)?.to_ascii_lowercase())
}

/// What a request without a body is answered.
async fn ask(address: &str, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    answer(&mut stream).await
}

fn field(answer: &str, name: &str) -> Option<u64> {
    answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok())
}

/// Sends pieces; returns the connection, with the answer still to be read.
async fn patch(address: &str, first: usize, last: usize, promised: usize) -> Result<TcpStream> {
    let fields = format!(
        "Upload-Offset: {}\r\nUpload-Length: {}\r\nContent-Length: {}\r\n",
        first * PIECE,
        PIECES * PIECE,
        promised * PIECE
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head("PATCH", UPLOAD, PASSWORD, &fields).as_bytes()).await?;
    for number in first..last {
        stream.write_all(&piece(number)).await?;
    }
    Ok(stream)
}

fn desktop(xvfb: &Xvfb, folder: &Path, more: &[(&str, &str)]) -> Result<Desktop> {
    let folder = folder.to_str().context("no path")?;
    let variables =
        [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("SELKIES_FILE_MANAGER_PATH", folder)];
    Desktop::start(&[&variables, more].concat())
}

#[test]
fn a_gigabyte_goes_up_and_down_though_the_connection_is_cut() {
    isolated(async || {
        let xvfb = Xvfb::start(320, 240)?;
        let top = tempfile::tempdir()?;
        let folder = top.path().join("files");
        let desktop = desktop(&xvfb, &folder, &[])?;
        let address = &desktop.address;
        let there = async || ask(address, &head("HEAD", UPLOAD, PASSWORD, "")).await;

        ensure!(field(&there().await?, "upload-offset") == Some(0));
        // Cut in the middle of a request, and in the middle of a piece.
        let mut cut = patch(address, 0, PIECES / 2, PIECES).await?;
        cut.write_all(&piece(PIECES / 2)[..1000]).await?;
        cut.flush().await?;
        // The kernel still delivers what was written.
        drop(cut);
        let wanted = (PIECES / 2 * PIECE + 1000) as u64;
        let offset = field(&there().await?, "upload-offset").context("no offset")?;
        ensure!(offset > 0 && offset <= wanted, "{offset} of {wanted}");
        // Nobody may go on elsewhere.
        let wrong = head("PATCH", UPLOAD, PASSWORD, "Upload-Offset: 5\r\nUpload-Length: 9\r\nContent-Length: 0\r\n");
        ensure!(ask(address, &wrong).await?.starts_with("http/1.1 409"));

        let at = usize::try_from(offset)?;
        let fields = format!(
            "Upload-Offset: {at}\r\nUpload-Length: {0}\r\nContent-Length: {1}\r\n",
            PIECES * PIECE,
            PIECES * PIECE - at
        );
        let mut rest = TcpStream::connect(address).await?;
        rest.write_all(head("PATCH", UPLOAD, PASSWORD, &fields).as_bytes()).await?;
        rest.write_all(&piece(at / PIECE)[at % PIECE..]).await?;
        for number in at / PIECE + 1..PIECES {
            rest.write_all(&piece(number)).await?;
        }
        ensure!(answer(&mut rest).await?.starts_with("http/1.1 201"));
        let (_, list) = get(&format!("http://{address}/files/"), Some((USER, PASSWORD))).await?;
        let list: serde_json::Value = serde_json::from_str(&list)?;
        ensure!(list["files"][0]["name"] == "a big file.bin" && list["files"][0]["size"] == PIECES * PIECE, "{list}");

        // Down: a third, then the rest of the same file.
        let file = "/files/a%20big%20file.bin";
        let mut first = TcpStream::connect(address).await?;
        first.write_all(head("GET", file, PASSWORD, "").as_bytes()).await?;
        let told = answer(&mut first).await?;
        ensure!(told.starts_with("http/1.1 200") && field(&told, "content-length") == Some((PIECES * PIECE) as u64));
        ensure!(told.contains("content-disposition: attachment") && told.contains("sandbox"), "{told}");
        let tag = told.lines().find_map(|line| line.strip_prefix("etag: ")).context("no tag")?.to_owned();
        let mut buffer = vec![0; PIECE];
        for number in 0..PIECES / 3 {
            first.read_exact(&mut buffer).await?;
            ensure!(buffer == piece(number), "piece {number}");
        }
        drop(first);
        let fields = format!("Range: bytes={}-\r\nIf-Range: {tag}\r\n", PIECES / 3 * PIECE);
        let mut rest = TcpStream::connect(address).await?;
        rest.write_all(head("GET", file, PASSWORD, &fields).as_bytes()).await?;
        ensure!(answer(&mut rest).await?.starts_with("http/1.1 206"));
        for number in PIECES / 3..PIECES {
            rest.read_exact(&mut buffer).await?;
            ensure!(buffer == piece(number), "piece {number}");
        }
        ensure!(rest.read(&mut buffer).await? == 0);
        Ok(())
    });
}

#[test]
fn nothing_outside_the_folder_and_nothing_for_guests() {
    isolated(async || {
        let xvfb = Xvfb::start(320, 240)?;
        let top = tempfile::tempdir()?;
        let folder = top.path().join("files");
        std::fs::create_dir(&folder)?;
        std::fs::write(top.path().join("secret"), "secret")?;
        std::fs::write(folder.join("shared"), "shared")?;
        std::os::unix::fs::symlink("../secret", folder.join("link"))?;
        let with_guests = desktop(&xvfb, &folder, &[("NOVNC_VIEWPASS", "only watch")])?;
        let status = async |desktop: &Desktop, method: &str, path: &str, password: &str| -> Result<String> {
            let fields = "Upload-Offset: 0\r\nUpload-Length: 0\r\nContent-Length: 0\r\n";
            let told = ask(&desktop.address, &head(method, path, password, fields)).await?;
            Ok(told.split(' ').nth(1).unwrap_or_default().to_owned())
        };
        for path in ["/files/..%2fsecret", "/files/link", "/files/%2e%2e/secret", "/files/../secret", "/files/.hidden"]
        {
            let told = status(&with_guests, "GET", path, PASSWORD).await?;
            ensure!(told == "404", "{path}: {told}");
        }
        for path in
            ["/uploads/0123456789/..%2fevil", "/uploads/0123456789/%2e%2e", "/uploads/..%2f..%2fx/evil", "/uploads/x/a"]
        {
            let told = status(&with_guests, "PATCH", path, PASSWORD).await?;
            ensure!(told == "400", "{path}: {told}");
        }
        for (method, path) in [("GET", "/files/"), ("GET", "/files/shared"), ("PATCH", "/uploads/0123456789/a")] {
            let told = status(&with_guests, method, path, "only watch").await?;
            ensure!(told == "403", "{path}: {told}");
        }
        ensure!(status(&with_guests, "GET", "/files/shared", PASSWORD).await? == "200");
        ensure!(!top.path().join("evil").exists() && std::fs::read(top.path().join("secret"))? == b"secret");
        drop(with_guests);

        let only_up = desktop(&xvfb, &folder, &[("SELKIES_FILE_TRANSFERS", "upload")])?;
        ensure!(status(&only_up, "GET", "/files/shared", PASSWORD).await? == "403");
        ensure!(status(&only_up, "PATCH", "/uploads/0123456789/empty", PASSWORD).await? == "201");
        drop(only_up);
        let none = desktop(&xvfb, &folder, &[("SELKIES_FILE_TRANSFERS", "false")])?;
        ensure!(status(&none, "GET", "/files/", PASSWORD).await? == "404");
        Ok(())
    });
}

#[test]
fn the_page_sends_a_file_though_the_server_is_started_again_meanwhile() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let top = tempfile::tempdir()?;
        let folder = top.path().join("files");
        let first = desktop(&xvfb, &folder, &[])?;
        let source: PathBuf = top.path().join("holiday.bin");
        let content: Vec<u8> = (0..24).flat_map(piece).collect();
        std::fs::write(&source, &content)?;
        let browser = Chromium::start().await?;
        browser.open(&first.address, USER, PASSWORD_IN_URL).await?;
        browser.run("document.querySelector('[aria-controls=panel-sheet]').click()").await?;
        browser.wait_for("return !document.querySelector('input[type=file]').closest('.section').hidden").await?;
        let network = |upload: i64| json!({ "offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload });
        browser.devtools("Network.enable", json!({})).await?;
        browser.devtools("Network.emulateNetworkConditions", network(2 << 20)).await?;
        browser.choose_file("input[type=file]", &source).await?;
        browser.wait_for("return document.querySelector('.transfer progress')?.value > .2").await?;
        drop(first);
        browser.wait_for("return document.querySelector('.transfer-state')?.innerText === 'Waiting'").await?;
        ensure!(!folder.join("holiday.bin").exists());
        browser.devtools("Network.emulateNetworkConditions", network(-1)).await?;
        let _second = desktop(&xvfb, &folder, &[])?;
        browser.wait_for("return document.querySelector('a.transfer-name')?.innerText === 'holiday.bin'").await?;
        ensure!(std::fs::read(folder.join("holiday.bin"))? == content, "another content");
        browser.close().await
    });
}

#[test]
fn a_file_dropped_on_the_page_is_sent() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let top = tempfile::tempdir()?;
        let folder = top.path().join("files");
        let desktop = desktop(&xvfb, &folder, &[])?;
        let source = top.path().join("grüße.bin");
        std::fs::write(&source, piece(7))?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        // What may be sent is known once the list of files is.
        browser.wait_for("return !document.querySelector('input[type=file]').closest('.section').hidden").await?;
        browser.drag_file("dragEnter", (300, 200), &source).await?;
        browser.drag_file("dragOver", (310, 210), &source).await?;
        browser.wait_for("return !document.querySelector('.drop').hidden").await?;
        browser.drag_file("drop", (310, 210), &source).await?;
        browser.wait_for("return document.querySelector('a.transfer-name')?.innerText === 'grüße.bin'").await?;
        browser.wait_for("return document.querySelector('.drop').hidden").await?;
        ensure!(std::fs::read(folder.join("grüße.bin"))? == piece(7), "another content");
        browser.close().await
    });
}
