//! Pushing manifests (OCI Distribution 1.1, "Pushing Manifests"): end-7.

use portolan_depot::{MissingParts, Options};
use portolan_oci::{Algorithm, Descriptor, Digest, Hasher, MediaType};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::{Site, manifest};

#[tokio::test]
async fn end_7_puts_a_manifest_by_tag() {
    let site = Site::new().await;
    let content = site.image_parts("p/a", "x").await;
    let digest = Digest::sha256(&content);
    let answer = site.put("p/a", "v1", &MediaType::OCI_MANIFEST, content).await.expect(StatusCode::CREATED);
    assert_eq!(answer.header("location"), format!("/v2/p/a/manifests/{digest}"));
    assert_eq!(answer.header("docker-content-digest"), digest.to_string());
    site.get(answer.header("location")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn end_7_puts_a_manifest_by_digest_which_must_be_right() {
    let site = Site::new().await;
    let content = site.image_parts("a", "x").await;
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(&content);
    for digest in [Digest::sha256(&content), hasher.finish()] {
        let answer = site.put("a", &digest.to_string(), &MediaType::OCI_MANIFEST, content.clone()).await;
        assert_eq!(answer.expect(StatusCode::CREATED).header("docker-content-digest"), digest.to_string());
        let got = site.get(&format!("/v2/a/manifests/{digest}")).await.expect(StatusCode::OK);
        assert_eq!(
            (got.body.as_slice(), got.header("docker-content-digest")),
            (content.as_slice(), digest.to_string().as_str())
        );
    }
    let other = Digest::sha256(b"other").to_string();
    site.put("a", &other, &MediaType::OCI_MANIFEST, content)
        .await
        .refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
}

#[tokio::test]
async fn end_7_sets_the_tags_of_its_query_too() {
    let site = Site::new().await;
    let content = site.image_parts("a", "x").await;
    let reference = format!("{}?tag=one&tag=two", Digest::sha256(&content));
    let answer =
        site.put("a", &reference, &MediaType::OCI_MANIFEST, content).await.expect(StatusCode::CREATED);
    let tags: Vec<_> = answer.headers.get_all("oci-tag").iter().collect();
    assert_eq!(tags, ["one", "two"]);
    assert_eq!(site.get("/v2/a/tags/list").await.json()["tags"], json!(["one", "two"]));
}

#[tokio::test]
async fn end_7_refuses_a_manifest_whose_parts_are_missing() {
    let site = Site::new().await;
    let content = site.image_parts("p/a", "x").await;
    let answer = site.put("p/b", "v1", &MediaType::OCI_MANIFEST, content).await;
    answer.refused(StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN");
    site.get("/v2/p/b/manifests/v1").await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    let child = Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(b"child"), 5);
    let index = manifest(&json!({"manifests": [child]}));
    site.put("p/a", "v1", &MediaType::OCI_INDEX, index)
        .await
        .refused(StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN");
}

#[tokio::test]
async fn end_7_takes_sparse_manifests_where_that_was_chosen() {
    let site = Site::with(Options { missing_parts: MissingParts::Taken, ..Options::default() }).await;
    let (member, content) = site.image("a", "member").await;
    let missing = Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(b"elsewhere"), 1024);
    let there = Descriptor::new(MediaType::OCI_MANIFEST, member.clone(), content.len() as u64);
    let index = manifest(&json!({"manifests": [there, missing]}));
    site.put("a", "index", &MediaType::OCI_INDEX, index.clone()).await.expect(StatusCode::CREATED);
    let config = site.blob("a", b"{}").await;
    let layer = Descriptor::new(MediaType::OCI_LAYER_GZIP, Digest::sha256(b"no layer"), 10);
    let image = manifest(&json!({"config": config, "layers": [layer]}));
    site.put("a", "image", &MediaType::OCI_MANIFEST, image.clone()).await.expect(StatusCode::CREATED);
    for (tag, content) in [("index", index), ("image", image)] {
        assert_eq!(site.get(&format!("/v2/a/manifests/{tag}")).await.body, content);
    }
    let path = format!("/v2/a/manifests/{}", missing.digest);
    site.get(&path).await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    site.get(&format!("/v2/a/blobs/{}", layer.digest)).await.refused(StatusCode::NOT_FOUND, "BLOB_UNKNOWN");
}

#[tokio::test]
async fn end_7_takes_foreign_layers_that_nobody_has() {
    let site = Site::new().await;
    let config = site.blob("a", b"{}").await;
    let foreign = MediaType::from("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    let layer = Descriptor::new(foreign, Digest::sha256(b"windows"), 7);
    let content = manifest(&json!({"config": config, "layers": [layer]}));
    site.put("a", "v1", &MediaType::DOCKER_MANIFEST, content).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn end_7_takes_indexes_and_dockers_types() {
    let site = Site::new().await;
    let content = site.image_parts("a", "x").await;
    let digest = Digest::sha256(&content);
    site.put("a", &digest.to_string(), &MediaType::DOCKER_MANIFEST, content.clone())
        .await
        .expect(StatusCode::CREATED);
    let child = Descriptor::new(MediaType::DOCKER_MANIFEST, digest, content.len() as u64);
    for (tag, media_type) in [("oci", MediaType::OCI_INDEX), ("docker", MediaType::DOCKER_LIST)] {
        let index = manifest(&json!({"mediaType": media_type, "manifests": [child]}));
        site.put("a", tag, &media_type, index).await.expect(StatusCode::CREATED);
        let answer = site.get(&format!("/v2/a/manifests/{tag}")).await.expect(StatusCode::OK);
        assert_eq!(answer.header("content-type"), media_type.as_str());
    }
}

#[tokio::test]
async fn end_7_refuses_what_is_no_manifest() {
    let site = Site::new().await;
    let content = site.image_parts("a", "x").await;
    let index = manifest(&json!({"mediaType": MediaType::OCI_INDEX, "manifests": []}));
    for (media_type, content) in [
        (MediaType::OCI_MANIFEST, b"no json".to_vec()),
        (MediaType::OCI_MANIFEST, b"{}".to_vec()),
        (MediaType::OCI_MANIFEST, index),
        (MediaType::from("text/plain"), content.clone()),
        (MediaType::OCI_MANIFEST, b"[".repeat(1_000_000)),
    ] {
        site.put("a", "v1", &media_type, content).await.refused(StatusCode::BAD_REQUEST, "MANIFEST_INVALID");
    }
    site.put("a", ".bad", &MediaType::OCI_MANIFEST, content)
        .await
        .refused(StatusCode::BAD_REQUEST, "MANIFEST_INVALID");
}

#[tokio::test]
async fn end_7_refuses_a_manifest_above_the_limit() {
    let site = Site::new().await;
    let padding = "x".repeat(4 * 1024 * 1024);
    let content = manifest(&json!({"manifests": [], "annotations": {"padding": padding}}));
    site.put("a", "v1", &MediaType::OCI_INDEX, content)
        .await
        .refused(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID");
}

#[tokio::test]
async fn end_7_moves_a_tag() {
    let site = Site::new().await;
    let (first, _) = site.image("a", "x").await;
    let content = site.image_parts("a", "y").await;
    site.put("a", "x", &MediaType::OCI_MANIFEST, content.clone()).await.expect(StatusCode::CREATED);
    assert_eq!(site.get("/v2/a/manifests/x").await.body, content);
    site.get(&format!("/v2/a/manifests/{first}")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_conditional_put_loses_no_update() {
    let site = Site::new().await;
    let (first, _) = site.image("a", "x").await;
    let content = site.image_parts("a", "y").await;
    let put = async |tag: &str, header: &str, value: &str| {
        let ask = site
            .ask(&format!("PUT /v2/a/manifests/{tag}"))
            .header("Content-Type", MediaType::OCI_MANIFEST.as_str());
        ask.header(header, value).body(content.clone()).send().await.status
    };
    let stale = format!("\"{}\"", Digest::sha256(b"stale"));
    assert_eq!(put("x", "If-Match", &stale).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(put("x", "If-None-Match", "*").await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(put("x", "If-Match", "nonsense").await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(put("new", "If-Match", &format!("\"{first}\"")).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(site.head("/v2/a/manifests/x").await.header("docker-content-digest"), first.to_string());
    let etag = site.head("/v2/a/manifests/x").await.header("etag").to_owned();
    assert_eq!(put("x", "If-Match", &etag).await, StatusCode::CREATED);
    assert_eq!(put("new", "If-Match", "*").await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(put("new", "If-None-Match", "*").await, StatusCode::CREATED);
    assert_eq!(put("new", "If-Match", "*").await, StatusCode::CREATED);
    assert_eq!(put("new", "If-Match", &format!("{etag}, \"x\"")).await, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_conditional_put_by_digest_is_about_the_manifest() {
    let site = Site::new().await;
    let content = site.image_parts("a", "x").await;
    let digest = Digest::sha256(&content);
    let put = async |header: &str, value: &str| {
        let ask = site.ask(&format!("PUT /v2/a/manifests/{digest}")).header(header, value);
        ask.header("Content-Type", MediaType::OCI_MANIFEST.as_str()).body(content.clone()).send().await.status
    };
    let own = format!("\"{digest}\"");
    for missing in ["*", &own] {
        assert_eq!(put("If-Match", missing).await, StatusCode::PRECONDITION_FAILED);
    }
    assert_eq!(put("If-None-Match", "*").await, StatusCode::CREATED);
    assert_eq!(put("If-None-Match", "*").await, StatusCode::PRECONDITION_FAILED);
    for there in ["*", &own] {
        assert_eq!(put("If-Match", there).await, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn of_conditional_puts_at_once_one_wins() {
    let site = Site::new().await;
    site.image("a", "x").await;
    let etag = site.head("/v2/a/manifests/x").await.header("etag").to_owned();
    let mut contents = Vec::new();
    for number in 0..8 {
        contents.push(site.image_parts("a", &number.to_string()).await);
    }
    let puts = contents.into_iter().map(|content| {
        let ask = site.ask("PUT /v2/a/manifests/x").header("Content-Type", MediaType::OCI_MANIFEST.as_str());
        ask.header("If-Match", &etag).body(content).send()
    });
    let answers = futures_util::future::join_all(puts).await;
    let won = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    let lost = answers.iter().filter(|answer| answer.status == StatusCode::PRECONDITION_FAILED).count();
    assert_eq!((won, lost), (1, 7));
}

#[tokio::test]
async fn pushes_of_one_tag_at_once_leave_one_of_them() {
    let site = Site::new().await;
    let mut contents = Vec::new();
    for number in 0..8 {
        contents.push(site.image_parts("a", &number.to_string()).await);
    }
    let puts = contents.iter().map(|content| site.put("a", "x", &MediaType::OCI_MANIFEST, content.clone()));
    for answer in futures_util::future::join_all(puts).await {
        answer.expect(StatusCode::CREATED);
    }
    let there = site.get("/v2/a/manifests/x").await.expect(StatusCode::OK);
    assert!(contents.contains(&there.body));
    assert_eq!(there.header("docker-content-digest"), Digest::sha256(&there.body).to_string());
}
