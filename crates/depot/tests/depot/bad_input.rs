//! What no well-meant client sends: every piece of it gets one clear refusal, and the depot goes on
//! as if it had never come.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use portolan_oci::Digest;
use reqwest::StatusCode;
use serde_json::json;

use crate::site::Site;

/// Bytes of a mebibyte.
const MIB: usize = 1024 * 1024;

/// Sends bytes as they stand, which no HTTP client does, and gives all that is answered until the
/// depot closes the connection.
async fn raw(site: &Site, request: Vec<u8>) -> String {
    exchange(site, request, |_| {}).await
}

/// The same, the connection ending behind the bytes.
async fn cut(site: &Site, request: Vec<u8>) -> String {
    exchange(site, request, |stream| stream.shutdown(Shutdown::Write).expect("closed")).await
}

async fn exchange(site: &Site, request: Vec<u8>, end: fn(&TcpStream)) -> String {
    let host = site.host();
    let answered = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(host).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
        stream.write_all(&request).expect("sent to the end");
        end(&stream);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer to its end");
        String::from_utf8_lossy(&answer).into_owned()
    });
    answered.await.expect("the client's thread")
}

/// The head of a request without a body, the last one of its connection.
fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no status: {answer:?}"))
}

/// Whether the depot still does what it should.
pub(crate) async fn is_well(site: &Site) {
    let (digest, _) = site.image("well", "still").await;
    let answer = site.get("/v2/well/manifests/still").await.expect(StatusCode::OK);
    assert_eq!(answer.header("docker-content-digest"), digest.to_string());
}

#[tokio::test]
async fn names_that_lead_out_or_are_none() {
    let site = Site::new().await;
    let long = format!("/v2/{}a/manifests/x", "a/".repeat(128));
    for path in [
        "/v2/../../etc/passwd/manifests/x",
        "/v2/%2e%2e/%2e%2e/manifests/x",
        "/v2/a/%2e%2e%2fb/manifests/x",
        "/v2/a%2fb/manifests/x",
        "/v2/a%5c..%5cb/manifests/x",
        "/v2/a//b/manifests/x",
        "/v2//a/manifests/x",
        "/v2/./a/manifests/x",
        "/v2/A/manifests/x",
        "/v2/a_/manifests/x",
        "/v2/a___b/manifests/x",
        "/v2/a%00/manifests/x",
        "/v2/a%20b/manifests/x",
        "/v2/%c3%a4/manifests/x",
        &long,
    ] {
        let answer = raw(&site, get(path)).await;
        assert_eq!(status(&answer), "400", "{path}: {answer}");
        assert!(answer.contains("NAME_INVALID"), "{path}: {answer}");
    }
    is_well(&site).await;
}

#[tokio::test]
async fn paths_that_are_none() {
    let site = Site::new().await;
    for (target, expected) in [
        ("/v2/a/%ff/manifests/x", "404"),
        ("/v2/a/manifests", "404"),
        ("/v2/a/manifests/", "404"),
        ("/v2/a/tags/list/", "404"),
        ("//v2/", "404"),
        ("/v2/a/manifests/x%2f..%2fy", "404"),
        ("/v2/a/blobs/uploads/../../../manifests/x", "400"),
        ("/v2/a/blobs/..%2f..%2fformat", "400"),
        ("/v2/a/tags/list?n=%zz", "400"),
        ("/v2/a/tags/list?n=1&n", "404"),
        ("*", "404"),
        ("http://elsewhere.example/v2/a/tags/list", "404"),
    ] {
        let answer = raw(&site, get(target)).await;
        assert_eq!(status(&answer), expected, "{target}: {answer}");
    }
    is_well(&site).await;
}

#[tokio::test]
async fn page_sizes_and_last_names_of_any_kind() {
    let site = Site::new().await;
    site.image("a", "x").await;
    for (query, expected) in [
        ("n=0", json!([])),
        ("n=99999999999999999999999999", json!(["x"])),
        ("n=1&last=%ff", json!([])),
        ("n=1&last=..%2f..%2f", json!(["x"])),
        ("last=%zz", json!(["x"])),
        ("last=", json!(["x"])),
        ("&&=&%26", json!(["x"])),
    ] {
        let answer = site.get(&format!("/v2/a/tags/list?{query}")).await.expect(StatusCode::OK);
        assert_eq!(answer.json()["tags"], expected, "{query}");
    }
    for n in ["-1", "1.5", "1e3", "0x10", "", "+1", "%2B1", "1%00", "\u{661}"] {
        for path in ["/v2/a/tags/list", "/v2/_catalog"] {
            let answer = site.get(&format!("{path}?n={n}")).await;
            answer.refused(StatusCode::BAD_REQUEST, "PAGINATION_NUMBER_INVALID");
        }
    }
}

#[tokio::test]
async fn chunks_that_say_what_cannot_be() {
    let site = Site::new().await;
    let session = site.session("a").await;
    for range in [
        "1-4",
        "0-2",
        "0-99",
        "3-0",
        "0",
        "-3",
        "0-",
        "a-b",
        "0-3-7",
        "+0-3",
        "0x0-3",
        "0-18446744073709551615",
        "0-99999999999999999999999",
        "",
        " ",
        "bytes */4",
        "bytes 4-7/8",
    ] {
        let ask = site.ask(&format!("PATCH {session}")).header("Content-Range", range).body("0123");
        let answer = ask.send().await;
        assert_eq!((answer.header("location"), answer.header("range")), (session.as_str(), "0-0"), "{range}");
        answer.refused(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID");
    }
    let ask = site.ask(&format!("PATCH {session}")).header("Content-Range", "bytes 0-3/*").body("0123");
    ask.send().await.expect(StatusCode::ACCEPTED);
    let put = format!("PUT {session}?digest={}", Digest::sha256(b"0123"));
    site.ask(&put).send().await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn lengths_that_lie() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"0123");
    let post = format!("POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\n");
    // Less than announced: the connection ended within the body.
    let answer = cut(&site, format!("{post}Content-Length: 9\r\n\r\n0123").into_bytes()).await;
    assert!(answer.is_empty() || status(&answer) == "400", "{answer}");
    // More than announced: what is left over is no request.
    let answer = cut(&site, format!("{post}Content-Length: 2\r\n\r\n0123").into_bytes()).await;
    assert_eq!(status(&answer), "400", "{answer}");
    for lengths in [
        "Content-Length: -1",
        "Content-Length: 4, 5",
        "Content-Length: 99999999999999999999999",
        "Content-Length: x",
    ] {
        let answer = raw(&site, format!("{post}{lengths}\r\n\r\n0123").into_bytes()).await;
        assert_eq!(status(&answer), "400", "{lengths}: {answer}");
    }
    // A chunk whose size is no number, and one that ends in the middle.
    for chunks in ["zz\r\n0123\r\n0\r\n\r\n", "4\r\n01", "ffffffffffffffffff\r\n0123\r\n0\r\n\r\n"] {
        let request = format!("{post}Transfer-Encoding: chunked\r\n\r\n{chunks}");
        let answer = cut(&site, request.into_bytes()).await;
        assert!(answer.is_empty() || status(&answer) == "400", "{chunks}: {answer}");
    }
    site.head(&format!("/v2/a/blobs/{digest}")).await.expect(StatusCode::NOT_FOUND);
    is_well(&site).await;
}

#[tokio::test]
async fn a_refusal_is_read_by_a_client_that_is_still_sending() {
    let site = Site::new().await;
    let session = site.session("a").await;
    let size = 16 * MIB;
    for (head, expected) in [
        (format!("PATCH {session} HTTP/1.1\r\nHost: x\r\nContent-Range: 7-{}\r\n", size + 6), "416"),
        ("PUT /v2/A/manifests/x HTTP/1.1\r\nHost: x\r\n".to_owned(), "400"),
        ("PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\n".to_owned(), "413"),
    ] {
        let mut request = format!("{head}Content-Length: {size}\r\n\r\n").into_bytes();
        request.resize(request.len() + size, b'x');
        let answer = raw(&site, request).await;
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(answer.ends_with("]}"), "the whole body: {answer}");
    }
}
