//! Manifests that are none, too large, of the past, or of parts that nobody sent: each gets one clear
//! refusal (OCI Distribution 1.1, "Pushing Manifests").

use portolan_oci::{Descriptor, Digest, MediaType};
use reqwest::{Body, StatusCode};
use serde_json::{Value, json};

use crate::bad_input::is_well;
use crate::site::{Site, manifest};

const MIB: usize = 1024 * 1024;

/// An image's manifest as text, with one piece replaced.
async fn with(site: &Site, piece: &str, other: &str) -> Vec<u8> {
    let text = String::from_utf8(site.image_parts("a", "x").await).expect("text");
    assert!(text.contains(piece), "{piece} is in {text}");
    text.replacen(piece, other, 1).into_bytes()
}

#[tokio::test]
async fn manifests_that_are_none() {
    let site = Site::new().await;
    let nested = |depth: usize| format!("{{\"annotations\":{{\"a\":\"b\"}},\"x\":{}", "[".repeat(depth));
    let mut bad: Vec<Vec<u8>> = [
        "",
        " ",
        "null",
        "[]",
        "{",
        "{\"schemaVersion\":2}",
        "{\"schemaVersion\":2,\"config\":null,\"layers\":[]}",
        "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}",
        "\u{feff}{}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    bad.push(nested(200_000).into_bytes());
    bad.push(b"[".repeat(3 * MIB));
    bad.push(b"{\"a\":".repeat(MIB / 2));
    bad.push(with(&site, "\"layers\":[", "\"layers\":[null,").await);
    bad.push(with(&site, "\"layers\":[", "\"layers\":[],\"layers\":[").await);
    bad.push(with(&site, "\"config\":{", "\"config\":{\"digest\":\"sha256:00\",").await);
    bad.push(with(&site, "\"size\":", "\"size\":-").await);
    bad.push(with(&site, "\"size\":", "\"size\":99999999999999999999").await);
    bad.push(with(&site, "\"size\":", "\"size\":0.").await);
    bad.push(with(&site, "sha256:", "sha256:../../../").await);
    bad.push(with(&site, "sha256:", "md5:").await);
    bad.push(with(&site, "{", "{\"manifests\":[],").await);
    bad.push(with(&site, "{", "{\"subject\":{\"digest\":\"sha256:00\"},").await);
    for content in bad {
        let shown = String::from_utf8_lossy(&content[..content.len().min(200)]).into_owned();
        let answer = site.put("a", "x", &MediaType::OCI_MANIFEST, content).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{shown}: {}", answer.text());
        answer.refused(StatusCode::BAD_REQUEST, "MANIFEST_INVALID");
    }
    site.get("/v2/a/manifests/x").await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    is_well(&site).await;
}

#[tokio::test]
async fn manifests_that_are_no_text() {
    let site = Site::new().await;
    let mut content = with(&site, "{", "{\"org.example\":\"#\",").await;
    let at = content.iter().position(|byte| *byte == b'#').expect("the mark");
    content[at] = 0xff;
    let answer = site.put("a", "x", &MediaType::OCI_MANIFEST, content).await.expect(StatusCode::BAD_REQUEST);
    let error = &answer.json()["errors"][0];
    assert_eq!(error["code"], "MANIFEST_INVALID");
    assert_eq!(error["message"], format!("manifest is no UTF-8 text: its byte {at} belongs to no character"));
}

#[tokio::test]
async fn manifests_of_dockers_first_schema() {
    let site = Site::new().await;
    let schema_1 = json!({"schemaVersion": 1, "name": "a", "tag": "x", "architecture": "amd64", "fsLayers": [], "history": []});
    let ask = |media_type: Option<&str>| {
        let ask = site.ask("PUT /v2/a/manifests/x").body(schema_1.to_string());
        media_type.into_iter().fold(ask, |ask, media_type| ask.header("Content-Type", media_type)).send()
    };
    for media_type in [
        Some("application/vnd.docker.distribution.manifest.v1+prettyjws"),
        Some("application/vnd.docker.distribution.manifest.v1+json"),
        Some("application/json"),
        None,
    ] {
        let answer = ask(media_type).await.expect(StatusCode::BAD_REQUEST);
        let message = &answer.json()["errors"][0]["message"];
        assert!(message.as_str().is_some_and(|text| text.contains("schema 1")), "{media_type:?}: {message}");
    }
}

#[tokio::test]
async fn manifests_that_are_too_large() {
    let site = Site::new().await;
    for size in [4 * MIB + 1, 10 * MIB, 40 * MIB] {
        let content = vec![b' '; size];
        let answer = site.put("a", "x", &MediaType::OCI_MANIFEST, content.clone()).await;
        answer.refused(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID");
        let pieces: Vec<_> = content.chunks(MIB).map(|piece| std::io::Result::Ok(piece.to_vec())).collect();
        let body = Body::wrap_stream(futures_util::stream::iter(pieces));
        let answer = site.ask("PUT /v2/a/manifests/x").body(body).send().await;
        answer.refused(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID");
    }
    is_well(&site).await;
}

#[tokio::test]
async fn manifests_that_name_what_is_not_there() {
    let site = Site::new().await;
    let there = site.blob("a", b"there").await;
    let missing: Vec<Descriptor> = (0..150)
        .map(|number: u32| Descriptor::new(MediaType::OCI_LAYER, Digest::sha256(&number.to_be_bytes()), 4))
        .collect();
    let put = async |keys: Value| {
        let answer = site.put("a", "x", &MediaType::OCI_MANIFEST, manifest(&keys)).await;
        answer.expect(StatusCode::NOT_FOUND).json()["errors"].as_array().expect("a list").clone()
    };
    let errors = put(json!({"config": missing[0], "layers": [there, missing[1], missing[1]]})).await;
    let told: Vec<_> = errors.iter().map(|error| (&error["code"], &error["detail"]["digest"])).collect();
    let code = json!("MANIFEST_BLOB_UNKNOWN");
    let [first, second] = [json!(missing[0].digest), json!(missing[1].digest)];
    assert_eq!(told, [(&code, &first), (&code, &second)]);
    // However many are missing, the answer stays one that is read.
    assert_eq!(put(json!({"config": there, "layers": missing})).await.len(), 100);
    site.get("/v2/a/tags/list").await.refused(StatusCode::NOT_FOUND, "NAME_UNKNOWN");
}
