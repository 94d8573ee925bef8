//! Content discovery (OCI Distribution 1.1, "Content Discovery"): end-8a, end-8b, end-12a, end-12b,
//! and Docker's catalog.

use portolan_oci::{Descriptor, Digest, MediaType};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::site::{Site, joined, manifest};

#[tokio::test]
async fn end_8a_lists_tags_in_order() {
    let site = Site::new().await;
    for tag in ["b", "a", "B", "1.0", "_x"] {
        site.image("p/a", tag).await;
    }
    let answer = site.get("/v2/p/a/tags/list").await.expect(StatusCode::OK);
    assert_eq!(answer.json(), json!({"name": "p/a", "tags": ["1.0", "B", "_x", "a", "b"]}));
    site.get("/v2/p/none/tags/list").await.refused(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
}

#[tokio::test]
async fn end_8b_lists_tags_by_pages() {
    let site = Site::new().await;
    for tag in ["a", "b", "c", "d", "e"] {
        site.image("p/a", tag).await;
    }
    let mut path = "/v2/p/a/tags/list?n=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let answer = site.get(&path).await.expect(StatusCode::OK);
        pages.push(answer.json()["tags"].clone());
        let Some(link) = answer.headers.get("link") else { break };
        let link = link.to_str().expect("ASCII");
        path = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""))
            .expect("a link")
            .to_owned();
    }
    assert_eq!(pages, [json!(["a", "b"]), json!(["c", "d"]), json!(["e"])]);
    let none = site.get("/v2/p/a/tags/list?n=0").await.expect(StatusCode::OK);
    assert_eq!((&none.json()["tags"], none.headers.get("link")), (&json!([]), None));
    assert_eq!(site.get("/v2/p/a/tags/list?last=bb").await.json()["tags"], json!(["c", "d", "e"]));
    site.get("/v2/p/a/tags/list?n=x").await.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_catalog_lists_repositories_by_pages() {
    let site = Site::new().await;
    for repository in ["p/b", "p", "a", "p/b/c"] {
        site.image(repository, "x").await;
    }
    site.blob("no/manifest", b"x").await;
    assert_eq!(site.get("/v2/_catalog").await.json(), json!({"repositories": ["a", "p", "p/b", "p/b/c"]}));
    let answer = site.get("/v2/_catalog?n=2&last=a").await.expect(StatusCode::OK);
    assert_eq!(answer.json(), json!({"repositories": ["p", "p/b"]}));
    assert_eq!(answer.header("link"), "</v2/_catalog?n=2&last=p%2Fb>; rel=\"next\"");
}

async fn referrer(site: &Site, subject: &Descriptor, keys: Value) -> (Digest, Vec<u8>) {
    let config =
        Descriptor { media_type: MediaType::from("application/x.config"), ..site.blob("p/a", b"{}").await };
    let content = manifest(&joined(json!({"config": config, "layers": [], "subject": subject}), &keys));
    let digest = Digest::sha256(&content);
    let answer = site.put("p/a", &digest.to_string(), &MediaType::OCI_MANIFEST, content.clone()).await;
    assert_eq!(answer.expect(StatusCode::CREATED).header("oci-subject"), subject.digest.to_string());
    (digest, content)
}

#[tokio::test]
async fn end_12a_lists_referrers_of_a_subject() {
    let site = Site::new().await;
    let (digest, content) = site.image("p/a", "v1").await;
    let subject = Descriptor::new(MediaType::OCI_MANIFEST, digest.clone(), content.len() as u64);
    let path = format!("/v2/p/a/referrers/{digest}");
    let empty = site.get(&path).await.expect(StatusCode::OK);
    assert_eq!(empty.json(), json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": []}));
    let (signature, content) = referrer(&site, &subject, json!({"annotations": {"by": "me"}})).await;
    let answer = site.get(&path).await.expect(StatusCode::OK);
    assert_eq!(answer.header("content-type"), MediaType::OCI_INDEX.as_str());
    let expected = json!({"mediaType": MediaType::OCI_MANIFEST, "digest": signature, "size": content.len(), "annotations": {"by": "me"}, "artifactType": "application/x.config"});
    assert_eq!(answer.json()["manifests"], json!([expected]));
    site.delete(&format!("/v2/p/a/manifests/{signature}")).await.expect(StatusCode::ACCEPTED);
    assert_eq!(site.get(&path).await.json()["manifests"], json!([]));
}

#[tokio::test]
async fn end_12b_filters_referrers_by_artifact_type() {
    let site = Site::new().await;
    let subject = Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(b"not there"), 9);
    referrer(&site, &subject, json!({})).await;
    let (sbom, _) = referrer(&site, &subject, json!({"artifactType": "application/x.sbom+json"})).await;
    for query in ["application%2Fx.sbom%2Bjson", "application/x.sbom+json"] {
        let answer = site
            .get(&format!("/v2/p/a/referrers/{}?artifactType={query}", subject.digest))
            .await
            .expect(StatusCode::OK);
        assert_eq!(answer.header("oci-filters-applied"), "artifactType");
        let found = answer.json()["manifests"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| one["digest"].clone())
            .collect::<Vec<_>>();
        assert_eq!(found, [json!(sbom)]);
    }
    let all = site.get(&format!("/v2/p/a/referrers/{}", subject.digest)).await;
    assert_eq!(
        (all.json()["manifests"].as_array().map(Vec::len), all.headers.get("oci-filters-applied")),
        (Some(2), None)
    );
}

#[tokio::test]
async fn end_12a_knows_an_index_as_a_referrer_and_refuses_bad_digests() {
    let site = Site::new().await;
    let subject = Descriptor::new(MediaType::OCI_MANIFEST, Digest::sha256(b"s"), 1);
    let index = manifest(
        &json!({"mediaType": MediaType::OCI_INDEX, "artifactType": "application/x.list", "manifests": [], "subject": subject}),
    );
    site.put("p/a", "list", &MediaType::OCI_INDEX, index).await.expect(StatusCode::CREATED);
    let answer = site.get(&format!("/v2/p/a/referrers/{}", subject.digest)).await;
    assert_eq!(answer.json()["manifests"][0]["artifactType"], "application/x.list");
    site.get("/v2/p/a/referrers/sha256:00").await.refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID");
}
