//! Content management (OCI Distribution 1.1, "Content Management"): end-9, end-10.

use portolan_oci::{Descriptor, Digest, MediaType};
use reqwest::StatusCode;
use serde_json::json;

use crate::site::{Site, manifest};

#[tokio::test]
async fn end_9_removes_a_tag_and_leaves_its_manifest() {
    let site = Site::new().await;
    let (digest, _) = site.image("a", "x").await;
    site.delete("/v2/a/manifests/x").await.expect(StatusCode::ACCEPTED);
    site.get("/v2/a/manifests/x").await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    site.get(&format!("/v2/a/manifests/{digest}")).await.expect(StatusCode::OK);
    site.delete("/v2/a/manifests/x").await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    assert_eq!(site.get("/v2/a/tags/list").await.expect(StatusCode::OK).json()["tags"], json!([]));
}

#[tokio::test]
async fn end_9_removes_a_manifest_with_all_its_tags() {
    let site = Site::new().await;
    let (digest, content) = site.image("a", "x").await;
    site.image("a", "other").await;
    site.put("a", "y", &portolan_oci::MediaType::OCI_MANIFEST, content).await.expect(StatusCode::CREATED);
    site.delete(&format!("/v2/a/manifests/{digest}")).await.expect(StatusCode::ACCEPTED);
    for reference in ["x".to_owned(), "y".to_owned(), digest.to_string()] {
        site.get(&format!("/v2/a/manifests/{reference}"))
            .await
            .refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    }
    assert_eq!(site.get("/v2/a/tags/list").await.json()["tags"], json!(["other"]));
    site.delete(&format!("/v2/a/manifests/{digest}"))
        .await
        .refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
}

#[tokio::test]
async fn end_10_takes_a_blob_out_of_its_repository_alone() {
    let site = Site::new().await;
    let blob = site.blob("p/a", b"shared").await;
    site.blob("p/b", b"shared").await;
    let path = format!("/v2/p/a/blobs/{}", blob.digest);
    site.delete(&path).await.expect(StatusCode::ACCEPTED);
    site.get(&path).await.refused(StatusCode::NOT_FOUND, "BLOB_UNKNOWN");
    site.delete(&path).await.refused(StatusCode::NOT_FOUND, "BLOB_UNKNOWN");
    assert_eq!(site.get(&path.replace("p/a", "p/b")).await.text(), "shared");
}

#[tokio::test]
async fn end_10_takes_a_blob_that_a_manifest_names() {
    let site = Site::new().await;
    let (digest, content) = site.image("a", "x").await;
    let manifest: serde_json::Value = serde_json::from_slice(&content).expect("JSON");
    for part in [&manifest["config"], &manifest["layers"][0]] {
        let path = format!("/v2/a/blobs/{}", part["digest"].as_str().expect("a digest"));
        site.delete(&path).await.expect(StatusCode::ACCEPTED);
        site.head(&path).await.expect(StatusCode::NOT_FOUND);
    }
    site.get("/v2/a/manifests/x").await.expect(StatusCode::OK);
    site.delete(&format!("/v2/a/manifests/{digest}")).await.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn end_9_takes_an_index_and_leaves_its_members() {
    let site = Site::new().await;
    let (member, content) = site.image("a", "member").await;
    let entry = Descriptor::new(MediaType::OCI_MANIFEST, member, content.len() as u64);
    let index = manifest(&json!({"mediaType": MediaType::OCI_INDEX, "manifests": [entry]}));
    let digest = Digest::sha256(&index);
    site.put("a", "all", &MediaType::OCI_INDEX, index).await.expect(StatusCode::CREATED);
    site.delete(&format!("/v2/a/manifests/{digest}")).await.expect(StatusCode::ACCEPTED);
    site.get("/v2/a/manifests/all").await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    site.get("/v2/a/manifests/member").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_served_says_what_is() {
    let site = Site::new().await;
    let blob = site.blob("a", b"x").await;
    for (line, allow) in [
        ("POST /v2/", "GET, HEAD"),
        ("DELETE /v2/a/tags/list", "GET, HEAD"),
        ("POST /v2/a/manifests/x", "GET, HEAD, PUT, DELETE"),
        (&format!("PUT /v2/a/blobs/{}", blob.digest), "GET, HEAD, DELETE"),
        ("GET /v2/a/blobs/uploads/", "POST"),
        (&format!("POST {}", site.session("a").await), "GET, HEAD, PATCH, PUT, DELETE"),
        (&format!("OPTIONS /v2/a/referrers/{}", blob.digest), "GET, HEAD"),
    ] {
        let answer = site.ask(line).send().await;
        assert_eq!(answer.header("allow"), allow, "{line}");
        answer.refused(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED");
    }
}
