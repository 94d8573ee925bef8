//! Tests of what an answer without success amounts to.

use reqwest::{Method, Url};

use super::*;
use crate::retry::{Transient as _, Verdict};

fn sorted(status: u16, body: &str, signed_in: SignedIn) -> RegistryError {
    let url = Url::parse("http://r:5000/v2/a/b/manifests/v1?secret=1").unwrap();
    let attempted = Attempted::new("push manifest a/b:v1", Method::PUT, &url);
    let status = StatusCode::from_u16(status).unwrap();
    sort(attempted, status, &HeaderMap::new(), body.as_bytes(), signed_in)
}

#[test]
fn refusals_in_words() {
    #[track_caller]
    fn check(status: u16, body: &str, signed_in: SignedIn, expected: &str) {
        let text = sorted(status, body, signed_in).to_string();
        assert_eq!(text, format!("push manifest a/b:v1 at r:5000 (PUT): {expected}"));
    }
    use SignedIn::{Accepted, Anonymous, Untried};
    let body = r#"{"errors":[{"code":"DENIED","message":"requested access is denied","detail":null}]}"#;
    let missing = "the server wants credentials, and none are configured for it";
    check(401, "", Anonymous, missing);
    check(401, "<html>no</html>", Anonymous, missing);
    check(401, "go away\n", Untried, "user name or password refused (go away)");
    let denied = "project missing or no right to do this (DENIED: requested access is denied)";
    check(401, body, Accepted, denied);
    check(403, body, Accepted, denied);
    check(403, body, Anonymous, denied);
    check(404, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#, Accepted, "not found (NAME_UNKNOWN)");
    check(400, r#"{"errors":[]}"#, Accepted, "the server answered 400 Bad Request");
    check(503, "busy\u{1b}[2J", Accepted, "the server answered 503 Service Unavailable (busy[2J)");
    check(
        400,
        "Client sent an HTTP request to an HTTPS server.\n",
        Untried,
        "that port speaks TLS, but plain HTTP was chosen for it; write https://, or leave --insecure out",
    );
}

#[test]
fn sessions_that_are_gone() {
    #[track_caller]
    fn check(status: u16, code: &str, expected: bool) {
        let body = format!(r#"{{"errors":[{{"code":"{code}"}}]}}"#);
        let error = sorted(status, &body, SignedIn::Accepted);
        let words = error.to_string();
        let judged = error.of_upload();
        let verdict = if expected { Verdict::Passing { after: None } } else { Verdict::Final };
        assert_eq!(judged.verdict(), verdict, "{status} {code}");
        assert!(expected || judged.to_string() == words, "{judged}");
    }
    check(404, "BLOB_UPLOAD_UNKNOWN", true);
    check(404, "BLOB_UPLOAD_INVALID", true);
    check(404, "NAME_UNKNOWN", false);
    check(404, "", true);
    check(400, "BLOB_UPLOAD_INVALID", true);
    check(400, "DIGEST_INVALID", false);
    check(400, "SIZE_INVALID", false);
    check(416, "RANGE_INVALID", true);
    check(403, "BLOB_UPLOAD_UNKNOWN", false);
    let page = sorted(404, "<html>404</html>", SignedIn::Accepted).of_upload();
    assert_eq!(page.verdict(), Verdict::Passing { after: None });
}

#[test]
fn long_words_are_cut() {
    let error = sorted(500, &"x".repeat(1000), SignedIn::Anonymous).to_string();
    assert_eq!(error.chars().filter(|c| *c == 'x').count(), 300);
    assert!(error.ends_with("…)"), "{error}");
}

#[test]
fn only_busy_servers_are_asked_again() {
    assert_eq!(sorted(503, "", SignedIn::Accepted).verdict(), Verdict::Passing { after: None });
    for status in [400, 401, 403, 404, 405, 409, 413, 416, 501] {
        assert_eq!(sorted(status, "", SignedIn::Accepted).verdict(), Verdict::Final, "{status}");
    }
}
