//! Another platform under a tag: merged, never clobbered.

use std::net::SocketAddr;

use bytes::Bytes;
use portolan_depot::Running;
use portolan_oci::{Digest, Locator, Manifest, MediaType, Platform, Repository};
use portolan_registry::{Endpoint, Registry, RegistryOptions, Scheme};
use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    docker_archive::{Shape, docker_archive},
    images::Image,
    oci_layout::{multi_platform, oci_layout},
};
use portolan_transfer::{
    Changes, Differing, Existing, ExistingPolicy, ImageOutcome, Outcome, Precondition, Report, SyncOptions,
};

use crate::site::Site;

const NAME: &str = "quay.test/team/web:1.2";
const TARGET: &str = "release.test/module/web:1.2";

fn amd64() -> Platform {
    Platform::new("linux", "amd64")
}

fn arm64() -> Platform {
    Platform { variant: Some("v8".to_owned()), ..Platform::new("linux", "arm64") }
}

fn chart() -> Chart {
    Chart::new("web", "0.1.0").image("web", "quay.test", "team/web", "1.2")
}

fn image(seed: u64, platform: &Platform) -> Image {
    Image::random_for(NAME, seed, platform)
}

/// As charts-syncer packs it: the manifest is made anew, Docker's.
fn bundle_of(image: &Image) -> Vec<u8> {
    Bundle::new(&chart()).images(std::slice::from_ref(image)).tar()
}

async fn sync(site: &Site, bundle: &[u8], existing: Existing) -> Report {
    site.add_bundle("web.bundle.tar", bundle);
    site.sync(&SyncOptions { existing, ..site.options() }).await
}

async fn merge(site: &Site, bundle: &[u8]) -> Report {
    sync(site, bundle, Existing::default()).await
}

fn policy(policy: ExistingPolicy) -> Existing {
    Existing { policy, ..Existing::default() }
}

fn overwrite() -> Existing {
    Existing { overwrite: true, ..Existing::default() }
}

/// Digest of what the tag has for each platform, in its order.
fn held(site: &Site) -> Vec<(String, Digest)> {
    let manifest = site.skopeo.manifest(&site.registry, TARGET);
    let index = manifest.index().expect("an image index").clone();
    let entry = |entry: portolan_oci::Descriptor| (entry.platform.unwrap().to_string(), entry.digest);
    index.manifests.into_iter().map(entry).collect()
}

fn registry(site: &Site) -> Registry {
    site.target().registry
}

fn repository() -> Repository {
    "release.test/module/web".parse().unwrap()
}

fn tag() -> Locator {
    Locator::Tag("1.2".parse().unwrap())
}

#[tokio::test]
async fn the_second_architecture_joins_the_first() {
    let Some(site) = Site::start() else { return };
    let (amd, arm) = (image(1, &amd64()), image(2, &arm64()));
    assert_eq!(merge(&site, &bundle_of(&amd)).await.outcome(), Outcome::Done);

    let report = merge(&site, &bundle_of(&arm)).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    let line = &report.images[0];
    assert_eq!((line.action, line.found.clone()), (ImageOutcome::Merged, Some(amd.docker_digest())));
    assert_eq!(line.changes, Changes { added: vec![arm64()], ..Changes::default() });
    let expected = [("linux/amd64", amd.docker_digest()), ("linux/arm64/v8", arm.docker_digest())];
    assert_eq!(held(&site), expected.map(|(platform, digest)| (platform.to_owned(), digest)));
    let list = site.skopeo.manifest(&site.registry, TARGET);
    assert_eq!(*list.media_type(), MediaType::DOCKER_LIST);
    site.skopeo.pull(&site.registry, TARGET);
    let earlier = site.registry.requests().len();
    for bundle in [&amd, &arm].map(bundle_of) {
        let again = merge(&site, &bundle).await;
        assert_eq!((again.images[0].action, again.totals.bytes_sent), (ImageOutcome::Exists, 0));
    }
    let written = site.requests_since(earlier).into_iter().filter(|request| request.method != "GET");
    assert_eq!(written.filter(|request| request.method != "HEAD").count(), 0);
}

#[tokio::test]
async fn other_content_for_a_platform_is_kept_or_replaced_alone() {
    let Some(site) = Site::start() else { return };
    let (amd, arm, new) = (image(1, &amd64()), image(2, &arm64()), image(3, &arm64()));
    for image in [&amd, &arm] {
        merge(&site, &bundle_of(image)).await;
    }

    let kept = merge(&site, &bundle_of(&new)).await;

    assert_eq!((kept.outcome(), kept.images[0].action), (Outcome::InPart, ImageOutcome::Kept));
    assert_eq!(held(&site)[1].1, arm.docker_digest());
    let replaced = sync(&site, &bundle_of(&new), overwrite()).await;
    assert_eq!((replaced.outcome(), replaced.images[0].action), (Outcome::Done, ImageOutcome::Merged));
    let differing =
        Differing { platform: arm64(), found: arm.docker_digest(), ours: Some(new.docker_digest()) };
    assert_eq!(replaced.images[0].changes.replaced, [differing]);
    let digests: Vec<Digest> = held(&site).into_iter().map(|(_, digest)| digest).collect();
    assert_eq!(digests, [amd.docker_digest(), new.docker_digest()]);
}

#[tokio::test]
async fn an_image_index_joins_entry_by_entry() {
    let Some(site) = Site::start() else { return };
    let (old, amd, arm) = (image(1, &amd64()), image(2, &amd64()), image(3, &arm64()));
    merge(&site, &bundle_of(&old)).await;
    let (layout, _) = multi_platform(NAME, &[amd, arm.clone()]);

    let report = merge(&site, &Bundle::new(&chart()).images_tar(layout).tar()).await;

    let line = &report.images[0];
    assert_eq!((line.action, &line.changes.added), (ImageOutcome::Kept, &vec![arm64()]));
    assert_eq!(line.changes.kept[0].found, old.docker_digest());
    let expected = [old.docker_digest(), Digest::sha256(&arm.oci_manifest())];
    assert_eq!(held(&site).into_iter().map(|(_, digest)| digest).collect::<Vec<_>>(), expected);
    assert_eq!(*site.skopeo.manifest(&site.registry, TARGET).media_type(), MediaType::OCI_INDEX);
    site.skopeo.pull(&site.registry, TARGET);
}

#[tokio::test]
async fn an_image_that_was_flattened_becomes_whole_under_its_own_digest() {
    let Some(site) = Site::start() else { return };
    let (amd, arm) = (image(1, &amd64()), image(2, &arm64()));
    merge(&site, &Bundle::new(&chart()).images_tar(oci_layout(std::slice::from_ref(&amd))).tar()).await;
    let (layout, index) = multi_platform(NAME, &[amd, arm]);

    let report = merge(&site, &Bundle::new(&chart()).images_tar(layout).tar()).await;

    assert_eq!(report.images[0].action, ImageOutcome::Merged, "{report:#?}");
    assert_eq!(site.skopeo.digest(&site.registry, TARGET), Some(Digest::sha256(&index)));
}

#[tokio::test]
async fn what_the_tag_says_besides_stays() {
    let Some(site) = Site::start() else { return };
    let (amd, arm) = (image(1, &amd64()), image(2, &arm64()));
    merge(&site, &bundle_of(&amd)).await;
    let before = format!(
        "{{\n \"schemaVersion\": 2,\n \"mediaType\": \"{}\",\n \"annotations\": {{\"a\": \"b\"}},\n \"x\": 1.0,\n \"manifests\": [\n  {}\n ]\n}}\n",
        MediaType::OCI_INDEX,
        entry(&amd),
    );
    let index = Manifest::parse(Bytes::from(before.clone()), None).unwrap();
    registry(&site).replace_manifest(&repository(), &tag(), &index, &amd.docker_digest()).await.unwrap();

    assert_eq!(merge(&site, &bundle_of(&arm)).await.outcome(), Outcome::Done);

    let after = site.skopeo.manifest(&site.registry, TARGET);
    let after = std::str::from_utf8(after.bytes()).unwrap();
    let (start, end) = before.split_at(before.find("\n ]").unwrap());
    assert!(after.starts_with(start) && after.ends_with(end), "{after}");
}

/// The entry of an image index for an image as Docker pushes it.
fn entry(image: &Image) -> String {
    let (digest, size) = (image.docker_digest(), image.docker_manifest().len());
    format!(
        r#"{{"mediaType": "{}", "digest": "{digest}", "size": {size}, "platform": {{"os": "linux", "architecture": "amd64"}}}}"#,
        MediaType::DOCKER_MANIFEST
    )
}

#[tokio::test]
async fn policies_other_than_merging() {
    let Some(site) = Site::start() else { return };
    let (amd, arm) = (image(1, &amd64()), image(2, &arm64()));
    merge(&site, &bundle_of(&amd)).await;
    let held = || site.skopeo.digest(&site.registry, TARGET);

    let kept = sync(&site, &bundle_of(&arm), policy(ExistingPolicy::Keep)).await;
    assert_eq!((kept.images[0].action, held()), (ImageOutcome::Kept, Some(amd.docker_digest())));
    let options = SyncOptions { existing: policy(ExistingPolicy::Error), ..site.options() };
    let refused = site.plan(&options).await.unwrap_err();
    let target = kept.images[0].target.to_string();
    let [Precondition::Existing { targets }] = &refused.failures[..] else { panic!("{refused}") };
    assert_eq!((targets, held()), (&vec![target], Some(amd.docker_digest())));
    let replaced = sync(&site, &bundle_of(&arm), policy(ExistingPolicy::Replace)).await;
    assert_eq!((replaced.images[0].action, held()), (ImageOutcome::Replaced, Some(arm.docker_digest())));
}

#[tokio::test]
async fn an_image_whose_manifest_is_derived_is_known_again_among_others() {
    let Some(site) = Site::start() else { return };
    let archive = |image: &Image| {
        let archive = docker_archive(Shape::DockerSave, std::slice::from_ref(image));
        Bundle::new(&chart()).images_tar(archive).tar()
    };
    let (amd, arm) = (image(1, &amd64()), image(2, &arm64()));
    for image in [&amd, &arm] {
        assert_eq!(merge(&site, &archive(image)).await.outcome(), Outcome::Done);
    }
    for image in [&amd, &arm] {
        let again = merge(&site, &archive(image)).await;
        assert_eq!((again.images[0].action, again.totals.bytes_sent), (ImageOutcome::Exists, 0));
    }
    site.skopeo.pull(&site.registry, TARGET);
}

#[tokio::test]
async fn what_the_registry_has_lost_is_told_and_left_out_where_that_is_asked_for() {
    let Some(site) = Site::start() else { return };
    let (amd, arm, other) =
        (image(1, &amd64()), image(2, &arm64()), image(3, &Platform::new("linux", "s390x")));
    for image in [&amd, &arm] {
        merge(&site, &bundle_of(image)).await;
    }
    lose(&site, &arm.docker_digest());

    let refused = merge(&site, &bundle_of(&other)).await;

    let error = refused.images[0].error.clone().unwrap();
    let expected = format!("the registry has lost {} of the image index", arm.docker_digest());
    assert!(error.contains(&expected) && error.ends_with("--drop-lost"), "{error}");
    let dropping = Existing { drop_lost: true, ..Existing::default() };
    let report = sync(&site, &bundle_of(&other), dropping).await;
    assert_eq!(report.images[0].action, ImageOutcome::Merged, "{report:#?}");
    let platforms: Vec<String> = held(&site).into_iter().map(|(platform, _)| platform).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/s390x"]);
    site.skopeo.pull(&site.registry, TARGET);
}

/// Takes a manifest out of the registry behind its back.
fn lose(site: &Site, digest: &Digest) {
    let revision = format!(
        "docker/registry/v2/repositories/{}/_manifests/revisions/sha256/{}",
        repository(),
        digest.hex()
    );
    std::fs::remove_dir_all(site.registry.storage().join(revision)).unwrap();
}

#[tokio::test]
async fn artifacts_under_the_tag_are_kept() {
    let Some(site) = Site::start() else { return };
    let (amd, arm) = (image(1, &amd64()), image(2, &arm64()));
    merge(&site, &bundle_of(&amd)).await;
    let config = Digest::sha256(&amd.layers[0].blob);
    let artifact = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"x/y","digest":"{config}","size":{}}},"layers":[]}}"#,
        MediaType::OCI_MANIFEST,
        amd.layers[0].blob.len(),
    );
    let artifact = Manifest::parse(Bytes::from(artifact), None).unwrap();
    let registry = registry(&site);
    registry.replace_manifest(&repository(), &tag(), &artifact, &amd.docker_digest()).await.unwrap();

    let report = merge(&site, &bundle_of(&arm)).await;

    assert_eq!(report.images[0].action, ImageOutcome::Kept);
    assert_eq!(site.skopeo.digest(&site.registry, TARGET), Some(artifact.digest().clone()));
}

/// Images of one platform under so many tags.
fn crowd(tags: u64, platform: &Platform) -> Vec<u8> {
    let numbers: Vec<String> = (0..tags).map(|number| format!("web{number}")).collect();
    let chart = numbers.iter().fold(Chart::new("web", "0.1.0"), |chart, name| {
        chart.image(name, "quay.test", &format!("team/{name}"), "1.2")
    });
    let image = |(seed, name): (u64, &String)| {
        Image::random_for(&format!("quay.test/team/{name}:1.2"), seed, platform)
    };
    let images: Vec<Image> = (0..).zip(&numbers).map(image).collect();
    Bundle::new(&chart).images(&images).tar()
}

async fn depot(folder: &std::path::Path) -> Running {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    portolan_depot::start(folder, portolan_depot::Options::default(), loopback).await.unwrap()
}

/// A hundred tags that two imports extend at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_imports_at_once_none_loses_a_platform_in_the_depot() {
    let (Some(one), Some(other)) = (Site::start(), Site::start()) else { return };
    let data = tempfile::tempdir().unwrap();
    let depot = depot(data.path()).await;
    let host: portolan_oci::RegistryHost = depot.addr().to_string().parse().unwrap();
    let (to_one, to_other) = (one.target_at(host.clone()), other.target_at(host.clone()));
    one.add_bundle("web.bundle.tar", &crowd(100, &amd64()));
    other.add_bundle("web.bundle.tar", &crowd(100, &arm64()));
    let options = |site: &Site| {
        let mut options = site.options();
        options.rules.registry = Some(host.clone());
        options
    };

    let (options_one, options_other) = (options(&one), options(&other));
    let reports = tokio::join!(one.sync_to(&to_one, &options_one), other.sync_to(&to_other, &options_other));

    for report in [&reports.0, &reports.1] {
        assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    }
    let endpoint = Endpoint::new(Scheme::Http, host);
    let registry = Registry::new(endpoint, None, &RegistryOptions::default()).unwrap();
    for number in 0..100 {
        let repository = format!("release.test/module/web{number}").parse().unwrap();
        let manifest = registry.get_manifest(&repository, &tag()).await.unwrap().unwrap();
        assert_eq!(manifest.index().unwrap().manifests.len(), 2, "web{number}");
    }
    depot.shutdown().await.unwrap();
}
