//! Pushing blobs (OCI Distribution 1.1, "Pushing Blobs"): end-4a, end-4b, end-5, end-6, end-11,
//! end-13.

use futures_util::stream;
use portolan_oci::Digest;
use reqwest::{Body, StatusCode};

use crate::site::Site;

const EMPTY: [&str; 0] = [];

#[tokio::test]
async fn end_4b_takes_a_blob_in_one_request() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"whole");
    let ask = site.ask(&format!("POST /v2/a/blobs/uploads/?digest={digest}")).body("whole");
    let answer = ask.send().await.expect(StatusCode::CREATED);
    assert_eq!(answer.header("location"), format!("/v2/a/blobs/{digest}"));
    assert_eq!(answer.header("docker-content-digest"), digest.to_string());
    assert_eq!(site.get(answer.header("location")).await.text(), "whole");
    assert_eq!(site.uploads_left(), EMPTY);
}

#[tokio::test]
async fn end_4b_refuses_a_blob_with_another_digest() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"whole");
    let ask = site.ask(&format!("POST /v2/a/blobs/uploads/?digest={digest}")).body("other");
    ask.send().await.refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    site.head(&format!("/v2/a/blobs/{digest}")).await.expect(StatusCode::NOT_FOUND);
    assert_eq!(site.uploads_left(), EMPTY);
}

#[tokio::test]
async fn end_6_takes_a_blob_after_end_4a() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"then put");
    let session = site.session("p/a").await;
    let answer = site.ask(&format!("PUT {session}?digest={digest}")).body("then put").send().await;
    assert_eq!(answer.expect(StatusCode::CREATED).header("docker-content-digest"), digest.to_string());
    assert_eq!(site.get(&format!("/v2/p/a/blobs/{digest}")).await.text(), "then put");
    site.get(&session).await.refused(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn end_6_without_a_digest_is_refused() {
    let site = Site::new().await;
    let session = site.session("a").await;
    site.ask(&format!("PUT {session}"))
        .body("x")
        .send()
        .await
        .refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    let wrong = format!("PUT {session}?digest={}", Digest::sha256(b"y"));
    site.ask(&wrong).body("x").send().await.refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    assert_eq!(site.uploads_left(), EMPTY);
}

#[tokio::test]
async fn end_6_takes_an_empty_blob() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"");
    let session = site.session("a").await;
    site.ask(&format!("PUT {session}?digest={digest}")).send().await.expect(StatusCode::CREATED);
    let answer = site.get(&format!("/v2/a/blobs/{digest}")).await.expect(StatusCode::OK);
    assert_eq!(answer.body, b"");
}

#[tokio::test]
async fn end_5_streams_a_blob_of_unknown_length() {
    let site = Site::new().await;
    let pieces: Vec<Vec<u8>> = (0..40_u8).map(|number| vec![number; 100_000]).collect();
    let digest = Digest::sha256(&pieces.concat());
    let session = site.session("a").await;
    let body = Body::wrap_stream(stream::iter(pieces.into_iter().map(std::io::Result::Ok)));
    let answer = site.ask(&format!("PATCH {session}")).body(body).send().await.expect(StatusCode::ACCEPTED);
    assert_eq!(answer.header("range"), "0-3999999");
    let put = format!("PUT {}?digest={digest}", answer.header("location"));
    site.ask(&put).send().await.expect(StatusCode::CREATED);
    assert_eq!(site.head(&format!("/v2/a/blobs/{digest}")).await.header("content-length"), "4000000");
}

#[tokio::test]
async fn end_5_takes_chunks_in_order_and_end_13_tells_how_far() {
    let site = Site::new().await;
    let session = site.session("a").await;
    let chunk = async |range: &str, content: &'static str| {
        site.ask(&format!("PATCH {session}")).header("Content-Range", range).body(content).send().await
    };
    assert_eq!(chunk("0-3", "0123").await.expect(StatusCode::ACCEPTED).header("range"), "0-3");
    let status = site.get(&session).await.expect(StatusCode::NO_CONTENT);
    assert_eq!((status.header("range"), status.header("location")), ("0-3", session.as_str()));
    chunk("4-6", "456").await.expect(StatusCode::ACCEPTED);
    let put = format!("PUT {session}?digest={}", Digest::sha256(b"0123456789"));
    site.ask(&put).header("Content-Range", "7-9").body("789").send().await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn end_5_refuses_chunks_out_of_order() {
    let site = Site::new().await;
    let session = site.session("a").await;
    let chunk = async |range: &str, content: &'static str| {
        site.ask(&format!("PATCH {session}")).header("Content-Range", range).body(content).send().await
    };
    for (range, content) in [("1-3", "123"), ("0-9", "0123"), ("x", "0123"), ("3-0", "0123")] {
        let answer = chunk(range, content).await.expect(StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!((answer.header("location"), answer.header("range")), (session.as_str(), "0-0"), "{range}");
    }
    chunk("0-3", "0123").await.expect(StatusCode::ACCEPTED);
    let again = chunk("0-3", "0123").await;
    assert_eq!(again.header("range"), "0-3");
    again.refused(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID");
    let put = site
        .ask(&format!("PUT {session}?digest={}", Digest::sha256(b"01234")))
        .header("Content-Range", "9-9")
        .body("4");
    put.send().await.refused(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID");
    let put = site
        .ask(&format!("PUT {session}?digest={}", Digest::sha256(b"01234")))
        .header("Content-Range", "4-4")
        .body("4");
    put.send().await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn end_5_refuses_a_chunk_that_is_not_as_long_as_it_says() {
    let site = Site::new().await;
    for content in ["01", "012345"] {
        let session = site.session("a").await;
        let body = Body::wrap_stream(stream::iter([std::io::Result::Ok(content)]));
        let ask = site.ask(&format!("PATCH {session}")).header("Content-Range", "0-3").body(body);
        ask.send().await.refused(StatusCode::BAD_REQUEST, "SIZE_INVALID");
    }
}

#[tokio::test]
async fn end_5_keeps_what_arrived_before_the_client_went_away() {
    let site = Site::new().await;
    let session = site.session("a").await;
    let request = format!(
        "PATCH {session} HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123",
        site.host()
    );
    let mut stream = tokio::net::TcpStream::connect(site.host()).await.expect("a connection");
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("sent");
    tokio::io::AsyncWriteExt::shutdown(&mut stream).await.expect("closed");
    let mut range = String::new();
    for _ in 0..200 {
        range = site.get(&session).await.expect(StatusCode::NO_CONTENT).header("range").to_owned();
        if range == "0-3" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(range, "0-3");
    let put = site
        .ask(&format!("PUT {session}?digest={}", Digest::sha256(b"0123456789")))
        .header("Content-Range", "4-9");
    put.body("456789").send().await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn sessions_belong_to_their_repository_and_can_be_given_up() {
    let site = Site::new().await;
    let session = site.session("p/a").await;
    let elsewhere = session.replace("/p/a/", "/p/b/");
    site.get(&elsewhere).await.refused(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN");
    site.ask(&format!("PATCH {elsewhere}"))
        .body("x")
        .send()
        .await
        .refused(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN");
    site.ask(&format!("PATCH {session}")).body("x").send().await.expect(StatusCode::ACCEPTED);
    site.delete(&session).await.expect(StatusCode::NO_CONTENT);
    site.get(&session).await.refused(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(site.uploads_left(), EMPTY);
}

#[tokio::test]
async fn end_11_mounts_a_blob_of_another_repository() {
    let site = Site::new().await;
    let blob = site.blob("p/a", b"shared").await;
    let answer =
        site.ask(&format!("POST /v2/q/b/blobs/uploads/?mount={}&from=p/a", blob.digest)).send().await;
    let answer = answer.expect(StatusCode::CREATED);
    assert_eq!(answer.header("location"), format!("/v2/q/b/blobs/{}", blob.digest));
    assert_eq!(site.get(answer.header("location")).await.text(), "shared");
    let anonymous = site.ask(&format!("POST /v2/c/blobs/uploads/?mount={}", blob.digest)).send().await;
    anonymous.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn end_11_opens_a_session_where_there_is_nothing_to_mount() {
    let site = Site::new().await;
    let blob = site.blob("p/a", b"shared").await;
    let unknown = Digest::sha256(b"unknown");
    for query in [
        format!("mount={}&from=p/other", blob.digest),
        format!("mount={unknown}&from=p/a"),
        format!("mount={unknown}"),
    ] {
        let answer = site
            .ask(&format!("POST /v2/q/b/blobs/uploads/?{query}"))
            .send()
            .await
            .expect(StatusCode::ACCEPTED);
        assert!(answer.header("location").starts_with("/v2/q/b/blobs/uploads/"), "{query}");
    }
}

#[tokio::test]
async fn end_6_refuses_a_last_chunk_out_of_order_and_goes_on() {
    let site = Site::new().await;
    let digest = Digest::sha256(b"0123456789");
    let session = site.session("a").await;
    let put = async |range: &str, content: &'static str| {
        let ask = site.ask(&format!("PUT {session}?digest={digest}")).header("Content-Range", range);
        ask.body(content).send().await
    };
    let early = put("5-9", "56789").await;
    assert_eq!((early.header("location"), early.header("range")), (session.as_str(), "0-0"));
    early.refused(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID");
    let ask = site.ask(&format!("PATCH {session}")).header("Content-Range", "0-4").body("01234");
    ask.send().await.expect(StatusCode::ACCEPTED);
    put("0-4", "01234").await.refused(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID");
    assert_eq!(site.get(&session).await.expect(StatusCode::NO_CONTENT).header("range"), "0-4");
    put("5-9", "56789").await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn end_5_takes_an_empty_chunk() {
    let site = Site::new().await;
    let session = site.session("a").await;
    let answer = site.ask(&format!("PATCH {session}")).send().await.expect(StatusCode::ACCEPTED);
    assert_eq!(answer.header("range"), "0-0");
    let put = format!("PUT {session}?digest={}", Digest::sha256(b""));
    site.ask(&put).send().await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn end_11_opens_a_session_where_the_source_cannot_exist() {
    let site = Site::new().await;
    let blob = site.blob("p/a", b"shared").await;
    for from in ["..%2F..", "P/A", ""] {
        let line = format!("POST /v2/q/b/blobs/uploads/?mount={}&from={from}", blob.digest);
        site.ask(&line).send().await.expect(StatusCode::ACCEPTED);
    }
}
