//! Requests to chart servers: signed in, limited in size, tried again where that makes sense.

mod error;

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use portolan_registry::{
    Credentials, HttpError, HttpOptions, RegistryOptions, http_client,
    retry::{self, Policy, Verdict},
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use serde::Deserialize;
use url::Url;

pub use error::{Login, RemoteError};

/// What of an error's body is read, in bytes.
const ERROR_LIMIT: u64 = 64 * 1024;
/// How long a server may take to answer an upload, its body included: 100 MiB over a poor line.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// A client of one chart server.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
    /// Its time-out covers the request's body.
    uploads: Client,
    credentials: Option<Credentials>,
    policy: Policy,
}

/// An answer that was read to its end or its limit.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    verdict: Verdict,
}

/// How much of a body is read, and what happens when it is longer.
#[derive(Clone, Copy)]
struct Limit {
    bytes: u64,
    overlong: Overlong,
}

#[derive(Clone, Copy)]
enum Overlong {
    Refuse,
    Cut,
}

impl Limit {
    fn refuse(bytes: u64) -> Self {
        Self { bytes, overlong: Overlong::Refuse }
    }

    fn cut(bytes: u64) -> Self {
        Self { bytes, overlong: Overlong::Cut }
    }
}

impl Http {
    /// TLS, proxy and retries are those that registries are spoken to with.
    pub(crate) fn new(
        credentials: Option<Credentials>,
        options: &RegistryOptions,
    ) -> Result<Self, HttpError> {
        let read_timeout = options.http.read_timeout.max(UPLOAD_TIMEOUT);
        let uploads = http_client(&HttpOptions { read_timeout, ..options.http.clone() })?;
        let client = http_client(&options.http)?;
        Ok(Self { client, uploads, credentials, policy: options.retry.clone() })
    }

    pub(crate) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// `GET`; the body of a success is read up to `limit`, and more is an error.
    pub(crate) async fn get(&self, url: &Url, limit: u64) -> Result<Answer, RemoteError> {
        self.request(&Method::GET, url, Limit::refuse(limit)).await
    }

    /// `GET` of the first `limit` bytes.
    pub(crate) async fn get_beginning(&self, url: &Url, limit: u64) -> Result<Answer, RemoteError> {
        self.request(&Method::GET, url, Limit::cut(limit)).await
    }

    /// `HEAD`.
    pub(crate) async fn head(&self, url: &Url) -> Result<Answer, RemoteError> {
        self.request(&Method::HEAD, url, Limit::cut(0)).await
    }

    async fn request(&self, method: &Method, url: &Url, limit: Limit) -> Result<Answer, RemoteError> {
        let step = |_| async {
            let request = self.client.request(method.clone(), url.clone());
            self.send(method, url, request, limit).await?.or_passing_error(method, url)
        };
        retry::run(&self.policy, step).await
    }

    /// `POST`; `body` makes the request's body anew for each attempt.
    pub(crate) async fn post(
        &self,
        url: &Url,
        body: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, RemoteError> {
        let step = |_| {
            let request = body(self.uploads.post(url.clone()));
            async move {
                let answer = self.send(&Method::POST, url, request, Limit::cut(ERROR_LIMIT)).await?;
                answer.or_passing_error(&Method::POST, url)
            }
        };
        retry::run(&self.policy, step).await
    }

    /// `POST` without a body, once, whatever the answer.
    pub(crate) async fn post_nothing(&self, url: &Url) -> Result<Answer, RemoteError> {
        let request = self.client.post(url.clone()).header(header::CONTENT_LENGTH, "0");
        self.send(&Method::POST, url, request, Limit::cut(ERROR_LIMIT)).await
    }

    async fn send(
        &self,
        method: &Method,
        url: &Url,
        request: RequestBuilder,
        limit: Limit,
    ) -> Result<Answer, RemoteError> {
        let request = match &self.credentials {
            Some(credentials) => request.header(header::AUTHORIZATION, credentials.basic_header()),
            None => request,
        };
        let response =
            request.send().await.map_err(|source| RemoteError::unreachable(method, url, source))?;
        if *method == Method::POST && response.url() != url {
            // What followed was a GET of the other address, so nothing was written.
            let to = response.url().to_string();
            return Err(RemoteError::Redirected { url: url.to_string(), to });
        }
        read(method, url, response, limit).await
    }
}

async fn read(method: &Method, url: &Url, response: Response, limit: Limit) -> Result<Answer, RemoteError> {
    let status = response.status();
    let verdict = retry::verdict_of_status(status, response.headers(), SystemTime::now());
    let limit = if status.is_success() { limit } else { Limit::cut(ERROR_LIMIT) };
    let body = read_body(method, url, response, limit).await?;
    Ok(Answer { status, body, verdict })
}

async fn read_body(
    method: &Method,
    url: &Url,
    mut response: Response,
    limit: Limit,
) -> Result<Bytes, RemoteError> {
    let mut body = BytesMut::new();
    let broken = |source| RemoteError::interrupted(method, url, source);
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        let room = limit.bytes.saturating_sub(body.len() as u64);
        match limit.overlong {
            _ if chunk.len() as u64 <= room => body.extend_from_slice(&chunk),
            Overlong::Refuse => {
                return Err(RemoteError::TooLarge { url: url.to_string(), limit: limit.bytes });
            }
            Overlong::Cut => {
                body.extend_from_slice(&chunk[..usize::try_from(room).unwrap_or(chunk.len())]);
                break;
            }
        }
    }
    Ok(body.freeze())
}

impl Answer {
    /// What can pass becomes an error, so that it is tried again.
    fn or_passing_error(self, method: &Method, url: &Url) -> Result<Self, RemoteError> {
        match self.verdict {
            Verdict::Final => Ok(self),
            Verdict::Passing { .. } => Err(self.into_status_error(method, url)),
        }
    }

    /// The error for a status that the caller has no use for.
    pub(crate) fn into_status_error(self, method: &Method, url: &Url) -> RemoteError {
        RemoteError::Status {
            method: method.to_string(),
            url: url.to_string(),
            status: self.status.as_u16(),
            message: self.message(),
            verdict: self.verdict,
        }
    }

    /// What the server says of its error, on one line.
    pub(crate) fn message(&self) -> String {
        let text = json_message(&self.body).unwrap_or_else(|| text_message(&self.body));
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.as_str() {
            "" => "no reason given".to_owned(),
            _ => line.chars().take(300).collect(),
        }
    }
}

/// ChartMuseum's `{"error": "…"}`, Harbor's `{"errors": [{"message": "…"}]}` or `{"message": "…"}`.
fn json_message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Told {
        error: Option<String>,
        message: Option<String>,
        #[serde(default)]
        errors: Vec<Told>,
    }
    fn first(told: Told) -> Option<String> {
        told.error.or(told.message).or_else(|| told.errors.into_iter().find_map(first))
    }
    first(serde_json::from_slice(body).ok()?)
}

/// Pages of proxies say nothing that fits into a line.
fn text_message(body: &[u8]) -> String {
    if crate::index::is_web_page(body) {
        return "a web page".to_owned();
    }
    String::from_utf8_lossy(body).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_of_their_errors() {
        #[track_caller]
        fn check(body: &'static str, expected: &str) {
            let body = Bytes::from_static(body.as_bytes());
            let answer = Answer { status: StatusCode::BAD_REQUEST, body, verdict: Verdict::Final };
            assert_eq!(answer.message(), expected);
        }
        check(r#"{"error":"chart already exists"}"#, "chart already exists");
        check(r#"{"errors":[{"code":"NOT_FOUND","message":"project p not found"}]}"#, "project p not found");
        check(r#"{"code":404,"message":"no"}"#, "no");
        check(r#"{"error":{"code":404,"message":"inner"}}"#, r#"{"error":{"code":404,"message":"inner"}}"#);
        check("<html><body>502 Bad Gateway</body></html>", "a web page");
        check("\u{1b}[31mred\r\nline", "[31mred line");
        check("", "no reason given");
    }
}
