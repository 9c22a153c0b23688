//! Plain HTTP requests, as curl would make them.

use anyhow::Result;
use base64::Engine as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::header::AUTHORIZATION;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Gets a URL, with user and password if given; returns status and body.
pub async fn get(url: &str, login: Option<(&str, &str)>) -> Result<(u16, String)> {
    send(hyper::Request::get(url), login).await
}

/// Posts nothing to a URL.
pub async fn post(url: &str, login: Option<(&str, &str)>) -> Result<(u16, String)> {
    send(hyper::Request::post(url), login).await
}

async fn send(request: hyper::http::request::Builder, login: Option<(&str, &str)>) -> Result<(u16, String)> {
    let mut request = request;
    if let Some((user, password)) = login {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        request = request.header(AUTHORIZATION, format!("Basic {encoded}"));
    }
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.request(request.body(Empty::new())?).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
