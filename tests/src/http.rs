//! Plain HTTP requests, as curl would make them.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HeaderMap, SET_COOKIE};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// What a server said.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// A field of its header; empty where there is none.
    pub fn field(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The cookie that it sets, as the browser sends it back.
    pub fn cookie(&self) -> Option<String> {
        let cookie = self.headers.get(SET_COOKIE)?.to_str().ok()?;
        Some(cookie.split(';').next()?.to_owned())
    }
}

/// Gets a URL, with user and password if given; returns status and body.
pub async fn get(url: &str, login: Option<(&str, &str)>) -> Result<(u16, String)> {
    let answer = ask("GET", url, login, &[], "").await?;
    Ok((answer.status, answer.body))
}

/// Posts nothing to a URL.
pub async fn post(url: &str, login: Option<(&str, &str)>) -> Result<(u16, String)> {
    let answer = ask("POST", url, login, &[], "").await?;
    Ok((answer.status, answer.body))
}

/// Any request, with any header fields.
pub async fn ask(
    method: &str,
    url: &str,
    login: Option<(&str, &str)>,
    fields: &[(&str, &str)],
    body: &str,
) -> Result<Answer> {
    let mut request = hyper::Request::builder().method(method).uri(url);
    if let Some((user, password)) = login {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        request = request.header(AUTHORIZATION, format!("Basic {encoded}"));
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let response = client.request(request.body(Full::from(body.to_owned()))?).await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Makes a link to watch; returns what stands behind the `#`.
pub async fn make_link(address: &str, login: (&str, &str), once: bool) -> Result<String> {
    let wanted = json!({ "once": once }).to_string();
    let answer = ask("POST", &format!("http://{address}/links"), Some(login), &[], &wanted).await?;
    let answer: Value = serde_json::from_str(&answer.body).context(answer.body)?;
    Ok(answer["link"].as_str().context("no link")?.to_owned())
}

/// Opens a link, as the page `/join` does; the cookie is in the answer.
pub async fn open_link(address: &str, link: &str) -> Result<Answer> {
    ask("POST", &format!("http://{address}/session"), None, &[], &json!({ "link": link }).to_string()).await
}
