//! An answer of a chart server, and the line that it says of an error.

use bytes::Bytes;
use portolan_registry::retry::Verdict;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::RemoteError;

/// An answer that was read to its end or its limit.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(super) verdict: Verdict,
}

impl Answer {
    /// What can pass becomes an error, so that it is tried again.
    pub(super) fn or_passing_error(self, method: &Method, url: &Url) -> Result<Self, RemoteError> {
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
        message(&self.body)
    }
}

/// What a body says of an error, on one line, without control characters that a terminal would obey.
pub(crate) fn message(body: &[u8]) -> String {
    let text = json_message(body).unwrap_or_else(|| text_message(body)).replace(char::is_control, " ");
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.as_str() {
        "" => "no reason given".to_owned(),
        _ => line.chars().take(300).collect(),
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
    String::from_utf8_lossy(body).into_owned()
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
        check(r#"{"error":"\u001b[31mred\nline"}"#, "[31mred line");
        check("", "no reason given");
    }
}
