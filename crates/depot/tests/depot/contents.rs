//! Every kind of content that the specification names, pushed, found, pulled and deleted again: the
//! round that the conformance suite makes with each (OCI Distribution 1.1, "Push" to "Content
//! Management").

use portolan_oci::{Algorithm, Descriptor, Digest, MediaType};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::site::{Answer, Site, digest_as, joined, manifest};

/// A manifest and the digest it is pushed under.
struct Content {
    media_type: MediaType,
    digest: Digest,
    bytes: Vec<u8>,
}

impl Content {
    fn new(algorithm: Algorithm, media_type: MediaType, keys: &Value) -> Self {
        let bytes = manifest(&joined(json!({"mediaType": media_type}), keys));
        Self { digest: digest_as(algorithm, &bytes), media_type, bytes }
    }

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.media_type.clone(), self.digest.clone(), self.bytes.len() as u64)
    }

    fn path(&self) -> String {
        format!("/v2/p/a/manifests/{}", self.digest)
    }
}

async fn config(site: &Site, algorithm: Algorithm, media_type: MediaType, content: &[u8]) -> Descriptor {
    Descriptor { media_type, ..site.blob_as(algorithm, "p/a", content).await }
}

/// An image of one layer with further keys.
async fn image(site: &Site, algorithm: Algorithm, seed: &str, keys: &Value) -> Content {
    let config = config(site, algorithm, MediaType::OCI_CONFIG, seed.as_bytes()).await;
    let layer = site.blob_as(algorithm, "p/a", format!("layer of {seed}").as_bytes()).await;
    let parts = json!({"config": config, "layers": [layer]});
    Content::new(algorithm, MediaType::OCI_MANIFEST, &joined(parts, keys))
}

fn index(algorithm: Algorithm, members: &[&Content], keys: &Value) -> Content {
    let members: Vec<Descriptor> = members.iter().map(|member| member.descriptor()).collect();
    Content::new(algorithm, MediaType::OCI_INDEX, &joined(json!({"manifests": members}), keys))
}

async fn put(site: &Site, content: &Content, reference: &str) -> Answer {
    let answer = site.put("p/a", reference, &content.media_type, content.bytes.clone()).await;
    answer.expect(StatusCode::CREATED)
}

fn is_content(answer: &Answer, content: &Content, digest: &Digest) {
    assert_eq!(answer.header("content-type"), content.media_type.as_str());
    assert_eq!(answer.header("content-length"), content.bytes.len().to_string());
    assert_eq!(answer.header("docker-content-digest"), digest.to_string());
}

/// Pushes contents by digest, the last one by tag as well, finds and pulls each, and deletes them.
async fn round(site: &Site, contents: &[&Content]) {
    for content in contents {
        let answer = put(site, content, &content.digest.to_string()).await;
        assert_eq!(answer.header("docker-content-digest"), content.digest.to_string());
        let there = site.get(answer.header("location")).await.expect(StatusCode::OK);
        is_content(&there, content, &content.digest);
        assert_eq!(there.body, content.bytes);
        let head = site.head(&content.path()).await.expect(StatusCode::OK);
        is_content(&head, content, &content.digest);
    }
    let last = contents.last().expect("some content");
    put(site, last, "tagged").await;
    let tagged = site.get("/v2/p/a/manifests/tagged").await.expect(StatusCode::OK);
    // A tag names a manifest by its canonical digest.
    is_content(&tagged, last, &Digest::sha256(&last.bytes));
    let tags = site.get("/v2/p/a/tags/list").await.expect(StatusCode::OK);
    assert_eq!(tags.json()["tags"], json!(["tagged"]));
    site.delete("/v2/p/a/manifests/tagged").await.expect(StatusCode::ACCEPTED);
    site.head("/v2/p/a/manifests/tagged").await.expect(StatusCode::NOT_FOUND);
    for content in contents.iter().rev() {
        site.delete(&content.path()).await.expect(StatusCode::ACCEPTED);
        site.head(&content.path()).await.expect(StatusCode::NOT_FOUND);
        site.delete(&content.path()).await.refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    }
}

const SHA256: Algorithm = Algorithm::Sha256;
const SHA512: Algorithm = Algorithm::Sha512;

#[tokio::test]
async fn an_image() {
    let site = Site::new().await;
    round(&site, &[&image(&site, SHA256, "x", &json!({})).await]).await;
}

#[tokio::test]
async fn an_image_without_layers() {
    let site = Site::new().await;
    let config = config(&site, SHA256, MediaType::OCI_CONFIG, b"{}").await;
    let keys = json!({"config": config, "layers": []});
    round(&site, &[&Content::new(SHA256, MediaType::OCI_MANIFEST, &keys)]).await;
}

#[tokio::test]
async fn an_image_with_a_large_manifest() {
    let site = Site::new().await;
    let annotations: Value =
        (0..390).map(|number| (format!("large-{number}"), json!("A".repeat(10_000)))).collect();
    round(&site, &[&image(&site, SHA256, "x", &json!({"annotations": annotations})).await]).await;
}

#[tokio::test]
async fn an_image_with_keys_of_its_own() {
    let site = Site::new().await;
    let keys = json!({"org.example.own": {"deep": [1, 2.5, null, "ä"]}, "reserved": true});
    round(&site, &[&image(&site, SHA256, "x", &keys).await]).await;
}

#[tokio::test]
async fn an_image_with_embedded_data() {
    let site = Site::new().await;
    let mut config = config(&site, SHA256, MediaType::OCI_EMPTY, b"{}").await;
    config.data = Some("e30=".to_owned());
    let keys = json!({"config": config, "layers": [config]});
    round(&site, &[&Content::new(SHA256, MediaType::OCI_MANIFEST, &keys)]).await;
}

#[tokio::test]
async fn an_image_with_layers_that_may_not_be_distributed() {
    let site = Site::new().await;
    let config = config(&site, SHA256, MediaType::OCI_CONFIG, b"{}").await;
    let mut layers = vec![site.blob("p/a", b"a layer that is there").await];
    for kind in ["oci.image.layer.nondistributable.v1.tar", "oci.image.layer.nondistributable.v1.tar+gzip"] {
        let media_type = MediaType::from(format!("application/vnd.{kind}"));
        let mut layer = Descriptor::new(media_type, Digest::sha256(kind.as_bytes()), 123_456);
        layer.urls.push("https://store.example.com/blob".to_owned());
        layers.push(layer);
    }
    let keys = json!({"config": config, "layers": layers});
    round(&site, &[&Content::new(SHA256, MediaType::OCI_MANIFEST, &keys)]).await;
}

#[tokio::test]
async fn an_artifact_with_and_without_content() {
    let site = Site::new().await;
    let empty = config(&site, SHA256, MediaType::OCI_EMPTY, b"{}").await;
    let layer = site.blob("p/a", b"of the artifact").await;
    for layer in [&layer, &empty] {
        let keys = json!({"artifactType": "application/vnd.example", "config": empty, "layers": [layer]});
        round(&site, &[&Content::new(SHA256, MediaType::OCI_MANIFEST, &keys)]).await;
    }
}

#[tokio::test]
async fn an_image_index() {
    let site = Site::new().await;
    let (one, two) =
        (image(&site, SHA256, "one", &json!({})).await, image(&site, SHA256, "two", &json!({})).await);
    round(&site, &[&one, &two, &index(SHA256, &[&one, &two], &json!({}))]).await;
    let keys = json!({"artifactType": "application/vnd.example", "annotations": {"a": "b"}});
    round(&site, &[&one, &two, &index(SHA256, &[&one, &two], &keys)]).await;
}

#[tokio::test]
async fn an_image_index_in_an_image_index() {
    let site = Site::new().await;
    let one = image(&site, SHA256, "one", &json!({})).await;
    let inner = index(SHA256, &[&one], &json!({}));
    round(&site, &[&one, &inner, &index(SHA256, &[&inner], &json!({}))]).await;
}

#[tokio::test]
async fn an_image_index_without_members() {
    let site = Site::new().await;
    round(&site, &[&index(SHA256, &[], &json!({}))]).await;
}

#[tokio::test]
async fn docker_images_and_their_list() {
    let site = Site::new().await;
    let config = config(&site, SHA256, MediaType::DOCKER_CONFIG, b"{}").await;
    let mut layer = site.blob("p/a", b"of docker").await;
    layer.media_type = MediaType::DOCKER_LAYER_GZIP;
    let keys = json!({"config": config, "layers": [layer]});
    let image = Content::new(SHA256, MediaType::DOCKER_MANIFEST, &keys);
    let keys = json!({"manifests": [image.descriptor()]});
    round(&site, &[&image, &Content::new(SHA256, MediaType::DOCKER_LIST, &keys)]).await;
}

#[tokio::test]
async fn sha512_throughout() {
    let site = Site::new().await;
    let (one, two) =
        (image(&site, SHA512, "one", &json!({})).await, image(&site, SHA512, "two", &json!({})).await);
    round(&site, &[&one, &two, &index(SHA512, &[&one, &two], &json!({}))]).await;
}

#[tokio::test]
async fn end_7b_names_what_a_digest_of_either_algorithm_pushes() {
    for algorithm in [SHA256, SHA512] {
        let site = Site::new().await;
        let one = image(&site, algorithm, "one", &json!({})).await;
        let all = index(algorithm, &[&one], &json!({}));
        for (content, tags) in [(&one, vec!["member"]), (&all, vec!["all", "latest"])] {
            let reference = format!("{}?tag={}", content.digest, tags.join("&tag="));
            let answer = put(&site, content, &reference).await;
            let told: Vec<_> = answer.headers.get_all("oci-tag").iter().collect();
            assert_eq!(told, tags);
            for tag in tags {
                let there = site.get(&format!("/v2/p/a/manifests/{tag}")).await.expect(StatusCode::OK);
                is_content(&there, content, &content.digest);
            }
        }
        let tags = site.get("/v2/p/a/tags/list").await.json();
        assert_eq!(tags["tags"], json!(["all", "latest", "member"]));
    }
}

#[tokio::test]
async fn end_7b_takes_more_names_beside_a_tag_too() {
    let site = Site::new().await;
    let one = image(&site, SHA256, "one", &json!({})).await;
    let answer = put(&site, &one, "first?tag=second").await;
    assert_eq!(answer.header("oci-tag"), "second");
    assert_eq!(site.get("/v2/p/a/tags/list").await.json()["tags"], json!(["first", "second"]));
    let many = format!("{}?{}", one.digest, "tag=x&".repeat(65));
    let answer = site.put("p/a", &many, &one.media_type, one.bytes.clone()).await;
    answer.refused(StatusCode::URI_TOO_LONG, "MANIFEST_INVALID");
}

/// Pushes referrers of a subject and gives the list of those of one type, or of all.
async fn listed(site: &Site, subject: &Descriptor, artifact_type: Option<&str>) -> Vec<Value> {
    let filter = artifact_type.map(|filter| format!("?artifactType={filter}")).unwrap_or_default();
    let answer = site.get(&format!("/v2/p/a/referrers/{}{filter}", subject.digest)).await;
    let answer = answer.expect(StatusCode::OK);
    assert_eq!(answer.header("content-type"), MediaType::OCI_INDEX.as_str());
    let applied = answer.headers.get("oci-filters-applied").map(|value| value.to_str().expect("ASCII"));
    assert_eq!(applied, artifact_type.map(|_| "artifactType"));
    let body = answer.json();
    assert_eq!((&body["schemaVersion"], &body["mediaType"]), (&json!(2), &json!(MediaType::OCI_INDEX)));
    body["manifests"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn end_12_lists_referrers_of_every_kind_until_they_are_deleted() {
    let site = Site::new().await;
    // Referrers may come before their subject.
    let image_without_type = image(&site, SHA256, "subject", &json!({})).await;
    let subject = image_without_type.descriptor();
    let of = json!({"subject": subject});
    let plain = image(&site, SHA256, "plain", &of).await;
    let typed =
        json!({"artifactType": "application/vnd.a+json", "annotations": {"a": "b"}, "subject": subject});
    let artifact = image(&site, SHA256, "typed", &typed).await;
    let list = index(SHA256, &[], &typed);
    let bare_list = index(SHA256, &[], &of);
    let (config_type, own_type) = (json!(MediaType::OCI_CONFIG), json!("application/vnd.a+json"));
    let all =
        [(&plain, &config_type), (&artifact, &own_type), (&list, &own_type), (&bare_list, &Value::Null)];
    for (content, _) in all {
        let answer = put(&site, content, &content.digest.to_string()).await;
        assert_eq!(answer.header("oci-subject"), subject.digest.to_string());
    }
    put(&site, &image_without_type, "subject").await;
    let found = listed(&site, &subject, None).await;
    assert_eq!(found.len(), all.len());
    for (content, artifact_type) in all {
        let entry = found.iter().find(|entry| entry["digest"] == json!(content.digest)).expect("listed");
        assert_eq!(entry["mediaType"], json!(content.media_type));
        assert_eq!(entry["size"], json!(content.bytes.len()));
        assert_eq!(&entry["artifactType"], artifact_type);
    }
    assert_eq!(listed(&site, &subject, Some("application/vnd.a%2Bjson")).await.len(), 2);
    assert_eq!(listed(&site, &subject, Some("application/vnd.b")).await, [Value::Null; 0]);
    for (content, _) in all {
        site.delete(&content.path()).await.expect(StatusCode::ACCEPTED);
    }
    assert_eq!(listed(&site, &subject, None).await, [Value::Null; 0]);
}

#[tokio::test]
async fn end_12_knows_referrers_of_what_sha512_names() {
    let site = Site::new().await;
    let subject = image(&site, SHA512, "subject", &json!({})).await;
    put(&site, &subject, &subject.digest.to_string()).await;
    let of = json!({"artifactType": "application/vnd.a", "subject": subject.descriptor()});
    let referrer = image(&site, SHA512, "referrer", &of).await;
    put(&site, &referrer, &referrer.digest.to_string()).await;
    let found = listed(&site, &subject.descriptor(), Some("application/vnd.a")).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["digest"], json!(referrer.digest));
}
