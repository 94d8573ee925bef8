//! From an answer that is no success to an error.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::{Response, StatusCode, header::HeaderMap, header::LOCATION};
use serde::Deserialize;
use tokio::time::Instant;

use crate::{
    error::{Attempted, Detail, RegistryError, SignIn, bare_address, cut},
    pace::next_part_due,
    retry::verdict_of_status,
};

/// Limit of error bodies and token bodies, in bytes.
pub(crate) const SMALL_BODY_LIMIT: u64 = 64 * 1024;

/// What is known of our sign-in, to tell a refused password from a missing right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// No credentials are configured.
    Anonymous,
    /// There are credentials, and the server never took them.
    Untried,
    /// The server took the credentials before.
    Accepted,
}

/// Reads a body up to `limit` bytes; nothing is allocated for what a header merely claims.
pub(crate) async fn read_body(
    attempted: &Attempted,
    response: &mut Response,
    limit: u64,
    silence: Duration,
) -> Result<Bytes, RegistryError> {
    let boxed = || Box::new(attempted.clone());
    let too_large = || RegistryError::TooLarge { attempted: boxed(), limit };
    if response.content_length().is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let started = Instant::now();
    let mut body = BytesMut::new();
    loop {
        let due = next_part_due(started, silence, body.len());
        let piece = next_piece(attempted, response, due, silence).await?;
        let Some(chunk) = piece else { return Ok(body.freeze()) };
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
}

/// The next piece of a body, `None` at its end; `silence` is what was waited for where it is late.
pub(crate) async fn next_piece(
    attempted: &Attempted,
    response: &mut Response,
    due: Instant,
    silence: Duration,
) -> Result<Option<Bytes>, RegistryError> {
    let boxed = || Box::new(attempted.clone());
    match tokio::time::timeout_at(due, response.chunk()).await {
        Ok(piece) => piece.map_err(|error| RegistryError::transport(boxed(), error)),
        Err(_) => Err(RegistryError::TimedOut {
            attempted: boxed(),
            waiting: "the answer stopped in the middle",
            after: silence,
        }),
    }
}

/// The error that an answer without success amounts to; reads its body, within limits.
pub(crate) async fn refusal(
    attempted: Box<Attempted>,
    mut response: Response,
    signed_in: SignedIn,
    silence: Duration,
) -> RegistryError {
    let body = read_body(&attempted, &mut response, SMALL_BODY_LIMIT, silence).await.unwrap_or_default();
    sort(attempted, response.status(), response.headers(), &body, signed_in)
}

fn sort(
    attempted: Box<Attempted>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    signed_in: SignedIn,
) -> RegistryError {
    let detail = detail(body);
    match (status, signed_in) {
        (StatusCode::BAD_REQUEST, _) if wants_tls(body) => RegistryError::TlsExpected { attempted },
        (StatusCode::UNAUTHORIZED, SignedIn::Anonymous) => {
            RegistryError::Unauthorized { attempted, reason: SignIn::Missing, detail }
        }
        (StatusCode::UNAUTHORIZED, SignedIn::Untried) => {
            RegistryError::Unauthorized { attempted, reason: SignIn::Refused, detail }
        }
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => RegistryError::Denied { attempted, detail },
        (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) if attempted.proxy.is_some() => {
            RegistryError::ProxyLogin { attempted }
        }
        (StatusCode::NOT_FOUND, _) => RegistryError::NotFound { attempted, detail },
        _ if status.is_redirection() => redirected(attempted, headers),
        _ => {
            let verdict = verdict_of_status(status, headers, SystemTime::now());
            RegistryError::Answered { attempted, status, detail, verdict }
        }
    }
}

fn redirected(attempted: Box<Attempted>, headers: &HeaderMap) -> RegistryError {
    let location = headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let to = location.as_deref().map_or_else(|| "nowhere".to_owned(), bare_address);
    RegistryError::Redirected { attempted, to }
}

/// How Go's and nginx's servers answer plain HTTP at a port of TLS.
fn wants_tls(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    text.contains("HTTP request to an HTTPS server") || text.contains("HTTP request was sent to HTTPS port")
}

#[derive(Deserialize)]
struct ErrorBody {
    errors: Vec<ErrorEntry>,
}

#[derive(Deserialize)]
struct ErrorEntry {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// A server's own words: codes and messages of an OCI error body (distribution specification,
/// "Error Codes"), else the text as it is unless it is a web page.
pub(crate) fn detail(body: &[u8]) -> Detail {
    if let Ok(parsed) = serde_json::from_slice::<ErrorBody>(body) {
        let entries: Vec<_> = parsed.errors.iter().map(ErrorEntry::words).collect();
        let codes = parsed.errors.into_iter().map(|entry| entry.code).filter(|code| !code.is_empty());
        return Detail::new(cut(&entries.join("; ")), codes.collect());
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    Detail::new(if text.starts_with('<') { String::new() } else { cut(text) }, Vec::new())
}

impl ErrorEntry {
    fn words(&self) -> String {
        match (self.code.as_str(), self.message.as_str()) {
            ("", text) | (text, "") => text.to_owned(),
            (code, message) => format!("{code}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests;
