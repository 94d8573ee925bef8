//! Bytes that no good client sends, over a socket of the test's own: framing, limits, slowness.

use std::io;
use std::time::Duration;

use portolan_depot::{Limits, Options, raise_descriptor_limit};
use portolan_oci::Digest;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::site::Site;

/// Far above what anything here takes.
const LONG: Duration = Duration::from_secs(30);

async fn connect(site: &Site) -> TcpStream {
    TcpStream::connect(site.host()).await.expect("a connection")
}

/// Everything until the server ends the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let end = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    end.expect("without a reset");
    String::from_utf8(bytes).expect("text")
}

/// Sends `request`, and gives the status codes of all that comes until the connection ends.
async fn statuses(site: &Site, request: &str) -> Vec<String> {
    let mut stream = connect(site).await;
    stream.write_all(request.as_bytes()).await.expect("sent");
    let answers = rest(&mut stream).await;
    answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| answer.split(' ').next().unwrap_or_default().to_owned())
        .collect()
}

fn limited(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_read() {
    let site = Site::new().await;
    let second = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let check = async |head: &str, body: &str, expected: &str| {
        let request = format!("{head}\r\n\r\n{body}{second}");
        assert_eq!(statuses(&site, &request).await, [expected], "{head}\n{body}");
    };
    let post = "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a";
    let put = |headers: &str| format!("{post}\r\n{headers}");
    for lengths in [
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3, 4",
        "Content-Length: +3",
        "Content-Length: -3",
        "Content-Length: 0x3",
        "Content-Length: 99999999999999999999999",
        "Content-Length:",
        "X: a\r\n folded",
        "X: a\r\n\tContent-Length: 3",
        "Content-Length : 3",
        " Content-Length: 3",
        "X: a\rContent-Length: 3",
        "X: a\0",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
    ] {
        check(&put(lengths), "abc", "400").await;
    }
    for codings in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    ] {
        check(&put(codings), "0\r\n\r\n", "501").await;
    }
    check("POST /v2/a/blobs/uploads/ HTTP/1.1", "", "400").await;
    check(&put("Host: b"), "", "400").await;
    check("POST /v2/a/blobs/uploads/ HTTP/1.0\r\nTransfer-Encoding: chunked", "0\r\n\r\n", "400").await;
    check("GET /health HTTP/2.0\r\nHost: a", "", "400").await;
    check("GET  /health HTTP/1.1\r\nHost: a", "", "400").await;
}

#[tokio::test]
async fn with_both_a_length_and_chunks_the_chunks_count_and_the_connection_ends() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"abc");
    let line = format!("POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: a\r\n");
    for lengths in [
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
    ] {
        let behind = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
        let request = format!("{line}{lengths}\r\n\r\n3\r\nabc\r\n0\r\n\r\n{behind}");
        assert_eq!(statuses(&site, &request).await, ["201"], "{lengths}");
    }
    assert_eq!(site.get(&format!("/v2/a/blobs/{digest}")).await.body, b"abc");
}

#[tokio::test]
async fn bad_chunks_end_the_request_and_the_connection() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"abc");
    let head = format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let behind = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    for chunks in [
        "+3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "\r\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "fffffffffffffffff\r\nabc",
        "g\r\nabc",
    ] {
        assert_eq!(statuses(&site, &format!("{head}{chunks}{behind}")).await, ["400"], "{chunks}");
    }
    site.get(&format!("/v2/a/blobs/{digest}")).await.expect(StatusCode::NOT_FOUND);
}

/// RFC 9112, section 2.2 allows a line to end so; it must not make two requests of one.
#[tokio::test]
async fn bare_line_feeds_end_lines_as_others_do() {
    let site = Site::new().await;
    let request =
        "GET /health HTTP/1.1\nHost: a\nConnection: close\n\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(statuses(&site, request).await, ["200"]);
}

#[tokio::test]
async fn requests_in_one_write_are_answered_in_turn() {
    let site = Site::new().await;
    let one = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&site, &format!("{one}{one}{last}")).await, ["200", "200", "404"]);
}

#[tokio::test]
async fn a_tls_handshake_or_http_2_on_a_plain_port_is_answered_in_http_1() {
    let site = Site::new().await;
    assert_eq!(statuses(&site, "\x16\x03\x01\x02\0\x01\0\x01\u{7c}\x03\x03").await, ["400"]);
    assert_eq!(statuses(&site, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await, Vec::<String>::new());
}

#[tokio::test]
async fn headers_have_a_size_and_a_number() {
    let site = Site::with(limited(Limits { header: 8 * 1024, ..Limits::default() })).await;
    let request = |headers: String| format!("GET /health HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
    assert_eq!(statuses(&site, &request(format!("X: {}\r\n", "a".repeat(9_000)))).await, ["431"]);
    assert_eq!(statuses(&site, &request("X: a\r\n".repeat(200))).await, ["431"]);
    let good = request(format!("X: {}\r\nConnection: close\r\n", "a".repeat(7_000)));
    assert_eq!(statuses(&site, &good).await, ["200"]);
    // Far more than is read: the answer arrives all the same.
    assert_eq!(statuses(&site, &request(format!("X: {}\r\n", "a".repeat(1 << 20)))).await, ["431"]);
}

#[tokio::test]
async fn an_answer_arrives_though_nobody_reads_the_body() {
    let site = Site::new().await;
    let head = "POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n";
    let request = format!("{head}{}", "a".repeat(8 << 20));
    assert_eq!(statuses(&site, &request).await, ["404"]);
}

#[tokio::test]
async fn a_header_must_be_whole_in_time_and_an_idle_connection_ends() {
    let limits = Limits { idle: Duration::from_millis(200), ..Limits::default() };
    let site = Site::with(limited(limits)).await;
    let mut slow = connect(&site).await;
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nX: ").await.expect("sent");
    assert_eq!(rest(&mut slow).await, "");
    let mut idle = connect(&site).await;
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    assert!(rest(&mut idle).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_of_a_body_is_told_so_and_the_session_keeps_what_came() {
    let limits = Limits { patience: Duration::from_millis(200), ..Limits::default() };
    let site = Site::with(limited(limits)).await;
    let session = site.session("a").await;
    let mut stream = connect(&site).await;
    let head = format!("PATCH {session} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nfirst half");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("the client sends it too slowly"), "{answer}");
    assert_eq!(site.get(&session).await.expect(StatusCode::NO_CONTENT).header("range"), "0-9");
}

#[tokio::test]
async fn a_client_that_takes_its_answer_too_slowly_loses_its_connection() {
    let limits = Limits { patience: Duration::from_millis(200), ..Limits::default() };
    let site = Site::with(limited(limits)).await;
    // More than the buffers of both sockets hold.
    let blob = site.blob("a", &vec![7; 64 << 20]).await;
    let mut stream = connect(&site).await;
    let request = format!("GET /v2/a/blobs/{} HTTP/1.1\r\nHost: a\r\n\r\n", blob.digest);
    stream.write_all(request.as_bytes()).await.expect("sent");
    let given_up = async {
        // What is left is the connection that asks.
        while !site.get("/metrics").await.text().contains("portolan_depot_connections 1\n") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, given_up).await.expect("the server ends the connection");
    let mut bytes = Vec::new();
    let end = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the connection ends");
    assert!(bytes.len() < 64 << 20, "{end:?}");
}

#[tokio::test]
async fn five_hundred_connections_at_once_are_served() {
    // Both ends of each connection are this process's.
    raise_descriptor_limit();
    let site = Site::new().await;
    let mut streams = Vec::new();
    for _ in 0..500 {
        streams.push(connect(&site).await);
    }
    for stream in &mut streams {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    }
    for stream in &mut streams {
        let mut status = [0; 15];
        timeout(LONG, stream.read_exact(&mut status)).await.expect("in time").expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 200 OK");
    }
}

#[tokio::test]
async fn connections_above_the_limit_wait_for_their_turn() {
    let site = Site::with(limited(Limits { connections: 2, ..Limits::default() })).await;
    let first = connect(&site).await;
    let second = connect(&site).await;
    let mut third = connect(&site).await;
    third.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("sent");
    let mut byte = [0];
    let early = timeout(Duration::from_millis(300), third.read(&mut byte)).await;
    assert!(early.is_err(), "answered though two others were open: {early:?}");
    drop((first, second));
    assert!(rest(&mut third).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_stop_lets_a_request_in_flight_finish_and_takes_no_more() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"whole");
    let mut stream = connect(&site).await;
    let head = format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut more = [0; 25];
    stream.read_exact(&mut more).await.expect("the request is being handled");
    assert_eq!(&more, b"HTTP/1.1 100 Continue\r\n\r\n");
    let host = site.host();
    let stopping = tokio::spawn(site.stop());
    let refused = async {
        while TcpStream::connect(&host).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, refused).await.expect("nothing more is accepted");
    stream.write_all(b"whole").await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    timeout(LONG, stopping).await.expect("in time").expect("stopped");
}

#[tokio::test]
async fn a_stop_breaks_off_what_does_not_end_in_time() -> io::Result<()> {
    let drain = Duration::from_millis(200);
    let site = Site::with(limited(Limits { drain, ..Limits::default() })).await;
    let session = site.session("a").await;
    let mut stream = connect(&site).await;
    let head = format!("PATCH {session} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    stream.write_all(head.as_bytes()).await?;
    let stopping = tokio::spawn(site.stop());
    let answer = rest(&mut stream).await;
    assert!(answer.contains("the depot is stopping"), "{answer}");
    timeout(LONG, stopping).await.expect("in time").expect("stopped");
    Ok(())
}
