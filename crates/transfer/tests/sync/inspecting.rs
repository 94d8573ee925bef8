//! What is under a name: platforms, attestations, referrers, and whether all of it is there.

use std::fs;
use std::net::SocketAddr;

use portolan_oci::{Digest, MediaType};
use portolan_registry::referrers_tag;
use portolan_testkit::{
    docker_registry::{DockerRegistry, Options, Program},
    images::Image,
};
use portolan_transfer::{InspectedName, Inspector, Kind, Part, Role};
use serde_json::json;

use crate::pushing::{Shelf, amd64, arm64, attestation, entry};

fn image(seed: u64) -> Image {
    let platform = if seed % 2 == 1 { amd64() } else { arm64() };
    Image::random_for("a.test/a/b:1", seed, &platform)
}

async fn look(shelf: &Shelf, tag: &str) -> InspectedName {
    Inspector::new(&shelf.registry).name(&shelf.name(tag)).await.unwrap().unwrap()
}

fn roles(name: &InspectedName) -> Vec<Role> {
    name.parts.iter().map(|part| part.role.clone()).collect()
}

fn size(image: &Image, manifest: usize) -> u64 {
    let layers: usize = image.layers.iter().map(|layer| layer.blob.len()).sum();
    (layers + image.config.len() + manifest) as u64
}

/// An image index of two platforms, one with an attestation, and a signature of the other.
async fn stocked(shelf: &Shelf) -> [portolan_oci::Manifest; 4] {
    let (amd, arm) = (shelf.image(&image(1)).await, shelf.image(&image(2)).await);
    let attests = shelf.image(&image(3)).await;
    let entries = [entry(&amd, &amd64()), entry(&arm, &arm64()), attestation(&attests, &amd)];
    let index = shelf.index(&entries).await;
    shelf.tag("1", &index).await;
    let signature = shelf.referrer(&arm, "application/vnd.test.signature").await;
    [amd, arm, attests, signature]
}

async fn check_whole(shelf: &Shelf) {
    let [amd, arm, attests, signature] = stocked(shelf).await;
    // Registries without a list of their own find referrers by the one that clients keep.
    let mut listed = serde_json::to_value(signature.descriptor()).unwrap();
    listed["artifactType"] = json!("application/vnd.test.signature");
    let list = shelf.index(&[listed]).await;
    shelf.tag(referrers_tag(arm.digest()).as_str(), &list).await;
    shelf.tag(&format!("{}.sig", referrers_tag(amd.digest())), &attests).await;

    let found = look(shelf, "1").await;

    assert!(found.is_whole(), "{found:#?}");
    assert_eq!(found.kind, Kind::ImageIndex);
    let attestation = Role::Attestation { of: amd.digest().clone() };
    let expected = [Role::Platform { platform: amd64() }, Role::Platform { platform: arm64() }, attestation];
    assert_eq!(roles(&found), expected);
    assert_eq!(found.parts[0].size, size(&image(1), amd.bytes().len()));
    let mut companions: Vec<(&Digest, &Digest)> =
        found.companions.iter().map(|companion| (&companion.of, &companion.digest)).collect();
    companions.sort();
    let mut expected = [(amd.digest(), attests.digest()), (arm.digest(), signature.digest())];
    expected.sort();
    assert_eq!(companions, expected);
    let signature = found.companions.iter().find(|companion| companion.tag.is_none()).unwrap();
    let artifact_type = Some(MediaType::from("application/vnd.test.signature"));
    assert_eq!(signature.artifact_type, artifact_type);
}

#[tokio::test]
async fn platforms_attestations_and_referrers_of_an_image_index() {
    for program in [Program::Docker2, Program::Distribution3] {
        let Some(server) = DockerRegistry::start(&Options { program, ..Options::default() }) else {
            continue;
        };
        check_whole(&Shelf::at(server.host().as_str(), "a/b")).await;
    }
    let data = tempfile::tempdir().unwrap();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let depot =
        portolan_depot::start(data.path(), portolan_depot::Options::default(), loopback).await.unwrap();
    check_whole(&Shelf::at(&depot.addr().to_string(), "a/b")).await;
    depot.shutdown().await.unwrap();
}

/// Takes a blob or manifest out of the repository `a/b`.
fn lose(server: &DockerRegistry, kind: &str, digest: &Digest) {
    let link = format!("docker/registry/v2/repositories/a/b/{kind}/sha256/{}", digest.hex());
    fs::remove_dir_all(server.storage().join(link)).unwrap();
}

#[tokio::test]
async fn what_lacks_is_told_of_each_platform_alone() {
    let Some(server) = DockerRegistry::start(&Options::default()) else { return };
    let shelf = Shelf::at(server.host().as_str(), "a/b");
    let [amd, arm, attests, _] = stocked(&shelf).await;
    let layer = image(1).layers[1].digest();
    lose(&server, "_layers", &layer);
    lose(&server, "_manifests/revisions", attests.digest());

    let found = look(&shelf, "1").await;

    assert!(!found.complete);
    let lacks: Vec<&[Digest]> = found.parts.iter().map(|part: &Part| part.lacks.as_slice()).collect();
    assert_eq!(lacks, [&[layer][..], &[], &[attests.digest().clone()]]);
    let arm_alone = format!("{}/a/b@{}", server.host(), arm.digest()).parse().unwrap();
    let arm_alone = Inspector::new(&shelf.registry).name(&arm_alone).await.unwrap().unwrap();
    assert_eq!((arm_alone.kind, arm_alone.complete), (Kind::Image, true));
    assert_eq!(roles(&arm_alone), [Role::Platform { platform: arm64() }]);
    let tags = Inspector::new(&shelf.registry).tags(&shelf.name("1")).await.unwrap().unwrap();
    let tags: Vec<(String, bool)> =
        tags.into_iter().map(|(tag, found)| (tag.to_string(), found.unwrap().complete)).collect();
    assert_eq!(tags, [("1".to_owned(), false)]);
    assert!(amd.digest() != arm.digest());
}

#[tokio::test]
async fn charts_and_other_artifacts_are_told_as_what_they_are() {
    let Some(server) = DockerRegistry::start(&Options::default()) else { return };
    let shelf = Shelf::at(server.host().as_str(), "a/b");
    let chart = br#"{"name":"web","version":"1.2.3","appVersion":"9","apiVersion":"v2"}"#;
    for blob in [chart.as_slice(), b"archive", b"{}"] {
        shelf.blob(blob).await;
    }
    let part = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "size": bytes.len(), "digest": Digest::sha256(bytes)});
    let document = |config, layers| json!({"schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "config": config, "layers": layers});
    let config = part(MediaType::HELM_CONFIG.as_str(), chart);
    let archive = part(MediaType::HELM_CHART.as_str(), b"archive");
    shelf.tag("1.2.3", &shelf.document(&document(config, json!([archive]))).await).await;
    let other = document(part("application/vnd.test.config", b"{}"), json!([]));
    shelf.tag("other", &shelf.document(&other).await).await;

    let found = look(&shelf, "1.2.3").await;

    let summary = found.chart.unwrap();
    assert_eq!((found.kind, summary.name.as_str()), (Kind::Chart, "web"));
    assert_eq!((summary.version.as_str(), summary.app_version.as_deref()), ("1.2.3", Some("9")));
    assert_eq!(look(&shelf, "other").await.kind, Kind::Artifact);
    let nothing = Inspector::new(&shelf.registry).name(&shelf.name("2")).await.unwrap();
    assert!(nothing.is_none());
    let nowhere = Shelf::at(server.host().as_str(), "no/where");
    assert!(Inspector::new(&nowhere.registry).tags(&nowhere.name("1")).await.unwrap().is_none());
}
