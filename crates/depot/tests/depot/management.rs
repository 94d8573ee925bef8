//! Content management (OCI Distribution 1.1, "Content Management"): end-9, end-10.

use reqwest::StatusCode;
use serde_json::json;

use crate::site::Site;

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
