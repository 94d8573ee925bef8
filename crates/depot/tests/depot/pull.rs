//! Pull (OCI Distribution 1.1, "Pull"): end-1, end-2, end-3.

use portolan_oci::{Digest, MediaType};
use reqwest::StatusCode;

use crate::site::Site;

#[tokio::test]
async fn end_1_says_that_this_is_a_registry() {
    let site = Site::new().await;
    for path in ["/v2/", "/v2"] {
        let answer = site.get(path).await.expect(StatusCode::OK);
        assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
    }
    site.ask("POST /v2/").send().await.refused(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED");
}

#[tokio::test]
async fn end_2_gives_a_blob_and_describes_it() {
    let site = Site::new().await;
    let blob = site.blob("p/a", b"0123456789").await;
    let path = format!("/v2/p/a/blobs/{}", blob.digest);
    let answer = site.get(&path).await.expect(StatusCode::OK);
    assert_eq!(answer.body, b"0123456789");
    assert_eq!(answer.header("docker-content-digest"), blob.digest.to_string());
    let head = site.head(&path).await.expect(StatusCode::OK);
    assert_eq!(head.header("content-length"), "10");
    assert_eq!(head.header("docker-content-digest"), blob.digest.to_string());
    assert_eq!(head.header("accept-ranges"), "bytes");
}

#[tokio::test]
async fn end_2_gives_parts_of_a_blob() {
    let site = Site::new().await;
    let blob = site.blob("a", b"0123456789").await;
    let part = async |range: &str| {
        site.ask(&format!("GET /v2/a/blobs/{}", blob.digest)).header("Range", range).send().await
    };
    let answer = part("bytes=2-4").await.expect(StatusCode::PARTIAL_CONTENT);
    assert_eq!((answer.text(), answer.header("content-range")), ("234", "bytes 2-4/10"));
    assert_eq!(part("bytes=-3").await.expect(StatusCode::PARTIAL_CONTENT).text(), "789");
    assert_eq!(part("bytes=7-").await.expect(StatusCode::PARTIAL_CONTENT).text(), "789");
    for beyond in ["bytes=10-", "bytes=500-1000", "bytes=4-2", "bytes=-0"] {
        let answer = part(beyond).await;
        assert_eq!(answer.header("content-range"), "bytes */10", "{beyond}");
        answer.refused(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_INVALID");
    }
    assert_eq!(part("lines=1-2").await.expect(StatusCode::OK).text(), "0123456789");
}

#[tokio::test]
async fn end_2_asks_for_the_whole_with_head() {
    let site = Site::new().await;
    let blob = site.blob("a", b"0123456789").await;
    for range in ["bytes=2-4", "bytes=99-"] {
        let ask = site.ask(&format!("HEAD /v2/a/blobs/{}", blob.digest)).header("Range", range);
        let answer = ask.send().await.expect(StatusCode::OK);
        assert_eq!((answer.header("content-length"), answer.headers.get("content-range")), ("10", None));
    }
}

#[tokio::test]
async fn end_2_goes_on_with_the_content_that_was_begun() {
    let site = Site::new().await;
    let blob = site.blob("a", b"0123456789").await;
    let ask = async |begun: &str| {
        let ask = site.ask(&format!("GET /v2/a/blobs/{}", blob.digest)).header("Range", "bytes=8-");
        ask.header("If-Range", begun).send().await
    };
    let same = ask(&format!("\"{}\"", blob.digest)).await.expect(StatusCode::PARTIAL_CONTENT);
    assert_eq!(same.text(), "89");
    for other in ["\"other\"", "W/\"x\"", "Wed, 21 Oct 2026 07:28:00 GMT"] {
        assert_eq!(ask(other).await.expect(StatusCode::OK).text(), "0123456789", "{other}");
    }
}

#[tokio::test]
async fn end_2_streams_what_is_larger_than_one_piece() {
    let site = Site::new().await;
    let content: Vec<u8> = (0..1_000_003_u32).map(|number| (number % 251) as u8).collect();
    let blob = site.blob("a", &content).await;
    let path = format!("/v2/a/blobs/{}", blob.digest);
    assert_eq!(site.get(&path).await.expect(StatusCode::OK).body, content);
    let part = site.ask(&format!("GET {path}")).header("Range", "bytes=3-900000").send().await;
    assert_eq!(part.expect(StatusCode::PARTIAL_CONTENT).body, content[3..=900_000]);
    assert_eq!(site.head(&path).await.header("content-length"), "1000003");
}

#[tokio::test]
async fn end_2_knows_the_blobs_of_its_own_repository_alone() {
    let site = Site::new().await;
    let blob = site.blob("p/a", b"here").await;
    site.get(&format!("/v2/p/b/blobs/{}", blob.digest)).await.refused(StatusCode::NOT_FOUND, "BLOB_UNKNOWN");
    site.get(&format!("/v2/p/a/blobs/{}", Digest::sha256(b"other")))
        .await
        .refused(StatusCode::NOT_FOUND, "BLOB_UNKNOWN");
    site.get("/v2/p/a/blobs/sha256:00").await.refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    site.get("/v2/P/blobs/sha256:00").await.refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
    site.get("/v2/P/manifests/x").await.refused(StatusCode::BAD_REQUEST, "NAME_INVALID");
}

#[tokio::test]
async fn end_2_answers_an_entity_tag_that_is_known() {
    let site = Site::new().await;
    let blob = site.blob("a", b"x").await;
    let ask = |repository: &str, tag: &str| {
        site.ask(&format!("GET /v2/{repository}/blobs/{}", blob.digest)).header("If-None-Match", tag).send()
    };
    let own = format!("\"{}\"", blob.digest);
    let unchanged = ask("a", &own).await.expect(StatusCode::NOT_MODIFIED);
    assert_eq!(unchanged.header("docker-content-digest"), blob.digest.to_string());
    ask("a", "*").await.expect(StatusCode::NOT_MODIFIED);
    ask("a", &format!("\"x\", W/{own}")).await.expect(StatusCode::NOT_MODIFIED);
    ask("a", "\"other\"").await.expect(StatusCode::OK);
    ask("b", &own).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn end_3_gives_a_manifest_by_tag_and_by_digest() {
    let site = Site::new().await;
    let (digest, manifest) = site.image("p/a", "v1").await;
    for reference in ["v1".to_owned(), digest.to_string()] {
        let path = format!("/v2/p/a/manifests/{reference}");
        let answer = site.get(&path).await.expect(StatusCode::OK);
        assert_eq!(answer.body, manifest);
        assert_eq!(answer.header("content-type"), MediaType::OCI_MANIFEST.as_str());
        assert_eq!(answer.header("docker-content-digest"), digest.to_string());
        let head = site.head(&path).await.expect(StatusCode::OK);
        assert_eq!(head.header("content-length"), manifest.len().to_string());
        assert_eq!(head.header("docker-content-digest"), digest.to_string());
    }
}

#[tokio::test]
async fn end_3_gives_the_stored_type_whatever_is_accepted() {
    let site = Site::new().await;
    let content = site.image_parts("a", "x").await;
    let docker = MediaType::DOCKER_MANIFEST;
    site.put("a", "x", &docker, content.clone()).await.expect(StatusCode::CREATED);
    for accept in [
        "*/*",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws, application/json",
        "application/vnd.docker.distribution.manifest.v2+json;q=0.5",
    ] {
        let answer = site.ask("GET /v2/a/manifests/x").header("Accept", accept).send().await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!((answer.header("content-type"), &answer.body), (docker.as_str(), &content), "{accept}");
    }
}

#[tokio::test]
async fn end_3_answers_an_entity_tag_that_is_known() {
    let site = Site::new().await;
    let (digest, _) = site.image("a", "x").await;
    let ask = site.ask("GET /v2/a/manifests/x").header("If-None-Match", &format!("\"{digest}\""));
    let answer = ask.send().await.expect(StatusCode::NOT_MODIFIED);
    assert_eq!((answer.header("docker-content-digest"), answer.body.len()), (digest.to_string().as_str(), 0));
    let ask = site.ask("GET /v2/a/manifests/x").header("If-None-Match", "\"other\"");
    ask.send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn end_3_knows_no_manifest_that_is_not_there() {
    let site = Site::new().await;
    let (digest, _) = site.image("p/a", "v1").await;
    for path in [
        "/v2/p/a/manifests/v2",
        "/v2/p/a/manifests/.INVALID_MANIFEST_NAME",
        &format!("/v2/p/b/manifests/{digest}"),
    ] {
        site.get(path).await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
        site.head(path).await.expect(StatusCode::NOT_FOUND);
    }
}
