//! Every way in which the specification lets a client push a blob (OCI Distribution 1.1, "Pushing
//! Blobs"), with what it must take and what it must refuse.

use futures_util::stream;
use portolan_oci::{Algorithm, Digest};
use reqwest::{Body, StatusCode};

use crate::site::{Answer, Site, digest_as};

/// Pushes a blob in one of the specification's ways and gives the last answer.
async fn push(site: &Site, way: &str, digest: &Digest, content: &[u8]) -> Answer {
    let (body, half) = (content.to_vec(), content.len() / 2);
    let put = |session: &str| site.ask(&format!("PUT {session}?digest={digest}"));
    if way == "end-4b" {
        return site.ask(&format!("POST /v2/a/blobs/uploads/?digest={digest}")).body(body).send().await;
    }
    let algorithm = if way == "end-4c" { "?digest-algorithm=sha512" } else { "" };
    let start = site.ask(&format!("POST /v2/a/blobs/uploads/{algorithm}")).send().await;
    let session = start.expect(StatusCode::ACCEPTED).header("location").to_owned();
    let patch = async |range: &str, body: Vec<u8>| {
        let ask = site.ask(&format!("PATCH {session}")).header("Content-Range", range).body(body);
        ask.send().await.expect(StatusCode::ACCEPTED);
    };
    match way {
        "stream" => {
            let stream = Body::wrap_stream(stream::iter([std::io::Result::Ok(body)]));
            site.ask(&format!("PATCH {session}")).body(stream).send().await.expect(StatusCode::ACCEPTED);
            put(&session).send().await
        }
        "chunks" => {
            patch(&format!("0-{}", half - 1), body[..half].to_vec()).await;
            patch(&format!("{half}-{}", body.len() - 1), body[half..].to_vec()).await;
            put(&session).send().await
        }
        "chunks and put" => {
            patch(&format!("0-{}", half - 1), body[..half].to_vec()).await;
            let range = format!("{half}-{}", body.len() - 1);
            put(&session).header("Content-Range", &range).body(body[half..].to_vec()).send().await
        }
        _ => put(&session).body(body).send().await,
    }
}

const WAYS: [&str; 6] = ["end-4b", "end-4a", "end-4c", "stream", "chunks", "chunks and put"];

#[tokio::test]
async fn every_way_of_pushing_takes_both_algorithms() {
    let site = Site::new().await;
    for (number, way) in WAYS.into_iter().enumerate() {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let content = format!("blob {number} of {algorithm:?}").into_bytes();
            let digest = digest_as(algorithm, &content);
            let answer = push(&site, way, &digest, &content).await.expect(StatusCode::CREATED);
            assert_eq!(answer.header("docker-content-digest"), digest.to_string(), "{way}");
            assert_eq!(answer.header("location"), format!("/v2/a/blobs/{digest}"), "{way}");
            let there = site.get(answer.header("location")).await.expect(StatusCode::OK);
            assert_eq!(there.header("docker-content-digest"), digest.to_string(), "{way}");
            assert_eq!(there.body, content, "{way}");
        }
    }
    assert_eq!(site.uploads_left(), [""; 0]);
}

#[tokio::test]
async fn every_way_of_pushing_refuses_what_has_another_digest() {
    let site = Site::new().await;
    for way in WAYS {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let digest = digest_as(algorithm, b"what was meant");
            let answer = push(&site, way, &digest, b"what came, oh no").await;
            answer.refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
            site.head(&format!("/v2/a/blobs/{digest}")).await.expect(StatusCode::NOT_FOUND);
        }
    }
    assert_eq!(site.uploads_left(), [""; 0]);
}

#[tokio::test]
async fn end_4_refuses_digests_that_nobody_derives() {
    let site = Site::new().await;
    for bad in ["sha256:00", "md5:d41d8cd98f00b204e9800998ecf8427e", "blake3", "%ff", "sha256:..%2f..%2fx"] {
        for line in [
            format!("POST /v2/a/blobs/uploads/?digest={bad}"),
            format!("POST /v2/a/blobs/uploads/?mount={bad}&from=b"),
            format!("POST /v2/a/blobs/uploads/?digest-algorithm={bad}"),
            format!("PUT {}?digest={bad}", site.session("a").await),
        ] {
            site.ask(&line).send().await.refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
        }
    }
}
