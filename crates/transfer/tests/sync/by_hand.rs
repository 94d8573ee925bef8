//! `portolan merge`: one tag gains what other images have.

use std::{fs, net::SocketAddr, sync::Arc};

use portolan_depot::Running;
use portolan_oci::{Digest, MediaType};
use portolan_registry::{Stop, referrers_tag};
use portolan_testkit::{
    bundles::Bundle,
    charts::Chart,
    docker_registry::{DockerRegistry, Options, Program},
    faulty_proxy::{Action, Fault, FaultyProxy, Kind},
    images::{Image, Layer},
    skopeo::Skopeo,
};
use portolan_transfer::{
    Existing, ExistingPolicy, ImageAction, ImageOutcome, MergeFailure, MergeOptions, MergePlan, MergeSource,
    MergeTarget, Outcome, Report, Silent, execute_merge, plan_merge,
};
use serde_json::json;

use crate::pushing::{Shelf, amd64, arm64, attestation, entry};

fn registry() -> Option<DockerRegistry> {
    DockerRegistry::start(&Options::default())
}

fn shelf(server: &DockerRegistry, repository: &str) -> Shelf {
    Shelf::at(server.host().as_str(), repository)
}

fn image(seed: u64) -> Image {
    Image::random_for("a.test/a/b:1", seed, &if seed % 2 == 1 { amd64() } else { arm64() })
}

fn options(existing: Existing) -> MergeOptions {
    MergeOptions { existing, jobs: 4, stop: Stop::default() }
}

/// The tag `1` of a shelf, as a target.
fn target(shelf: &Shelf) -> MergeTarget {
    MergeTarget { registry: shelf.registry.clone(), name: shelf.name("1") }
}

fn source(shelf: &Shelf, tag: &str) -> MergeSource {
    MergeSource::in_registry(&shelf.registry, &shelf.name(tag))
}

async fn planned(to: &Shelf, sources: &[MergeSource], existing: Existing) -> Result<MergePlan, MergeFailure> {
    plan_merge(&target(to), sources, &options(existing)).await
}

async fn merge_with(to: &Shelf, sources: &[MergeSource], existing: Existing) -> Report {
    let plan = planned(to, sources, existing).await.unwrap();
    execute_merge(&plan, &target(to), &options(existing), &Silent).await
}

async fn merge(to: &Shelf, sources: &[MergeSource]) -> Report {
    merge_with(to, sources, Existing::default()).await
}

fn policy(policy: ExistingPolicy) -> Existing {
    Existing { policy, ..Existing::default() }
}

fn overwrite() -> Existing {
    Existing { overwrite: true, ..Existing::default() }
}

/// Digests of what the tag `1` names, in its order.
async fn members(shelf: &Shelf) -> Vec<Digest> {
    let held = shelf.held("1").await.unwrap();
    held.index().unwrap().manifests.iter().map(|member| member.digest.clone()).collect()
}

async fn depot(folder: &std::path::Path) -> Running {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    portolan_depot::start(folder, portolan_depot::Options::default(), loopback).await.unwrap()
}

#[tokio::test]
async fn within_a_registry_blobs_are_mounted() {
    let (Some(server), Some(skopeo)) = (registry(), Skopeo::new()) else { return };
    let (one, other, to) = (shelf(&server, "x/amd"), shelf(&server, "y/arm"), shelf(&server, "a/b"));
    let (amd, arm) = (one.docker_image(&image(1)).await, other.docker_image(&image(2)).await);
    one.tag("v", &amd).await;
    other.tag("v", &arm).await;

    let report = merge(&to, &[source(&one, "v"), source(&other, "v")]).await;

    let line = &report.images[0];
    assert_eq!((report.outcome(), line.action), (Outcome::Done, ImageOutcome::Pushed), "{report:#?}");
    assert_eq!((report.totals.bytes_sent, report.totals.blobs_mounted), (0, 5), "a layer is shared");
    assert_eq!(line.platforms, [amd64(), arm64()]);
    assert_eq!(members(&to).await, [amd.digest().clone(), arm.digest().clone()]);
    let held = skopeo.manifest(&server, "a/b:1");
    assert_eq!((held.media_type(), Some(held.digest())), (&MediaType::DOCKER_LIST, line.digest.as_ref()));
    skopeo.pull(&server, "a/b:1");
    let again = merge(&to, &[source(&other, "v"), source(&one, "v")]).await;
    assert_eq!((again.images[0].action, again.totals.bytes_sent), (ImageOutcome::Exists, 0));
}

/// What goes from a registry to another arrives byte for byte, and once.
async fn check_across(from: &Shelf, to: &Shelf) {
    let large = Image::new("x", &amd64(), vec![Layer::random(9, 3_000_000), Layer::random(10, 100)]);
    let (amd, arm) = (from.image(&large).await, from.image(&image(2)).await);
    from.tag("amd", &amd).await;
    from.tag("arm", &arm).await;

    let first = merge(to, &[source(from, "amd")]).await;

    assert_eq!(first.images[0].action, ImageOutcome::Pushed, "{first:#?}");
    assert_eq!(to.held("1").await.unwrap(), amd, "a free tag names the source as it is");
    let second = merge(to, &[source(from, "arm")]).await;
    assert_eq!(second.images[0].action, ImageOutcome::Merged, "{second:#?}");
    assert_eq!(second.images[0].changes.added, [arm64()]);
    assert_eq!(members(to).await, [amd.digest().clone(), arm.digest().clone()]);
    let again = merge(to, &[source(from, "amd"), source(from, "arm")]).await;
    assert_eq!((again.images[0].action, again.totals.bytes_sent), (ImageOutcome::Exists, 0));
}

#[tokio::test]
async fn from_one_registry_into_another() {
    let (Some(server), Some(skopeo)) = (registry(), Skopeo::new()) else { return };
    let newer = Options { program: Program::Distribution3, ..Options::default() };
    let data = tempfile::tempdir().unwrap();
    let depot = depot(data.path()).await;
    let own = Shelf::at(&depot.addr().to_string(), "a/b");
    check_across(&shelf(&server, "x/y"), &own).await;
    check_across(&Shelf::at(&depot.addr().to_string(), "c/d"), &shelf(&server, "a/b")).await;
    skopeo.pull(&server, "a/b:1");
    if let Some(newer) = DockerRegistry::start(&newer) {
        check_across(&shelf(&server, "x/y"), &shelf(&newer, "a/b")).await;
        skopeo.pull(&newer, "a/b:1");
    }
    depot.shutdown().await.unwrap();
}

/// Attestations, referrers and cosign's tags go along, whoever keeps the lists.
async fn check_companions(from: &Shelf, to: &Shelf) {
    let (amd, arm) = (from.image(&image(1)).await, from.image(&image(2)).await);
    let attests = from.image(&image(3)).await;
    let index = from.index(&[entry(&arm, &arm64()), attestation(&attests, &arm)]).await;
    from.tag("arm", &index).await;
    let signature = from.referrer(&arm, "application/vnd.test.signature").await;
    let of_signature = from.referrer(&signature, "application/vnd.test.timestamp").await;
    for (subject, referrer) in [(&arm, &signature), (&signature, &of_signature)] {
        let list = from.index(&[serde_json::to_value(referrer.descriptor()).unwrap()]).await;
        from.tag(referrers_tag(subject.digest()).as_str(), &list).await;
    }
    let cosign = from.image(&image(5)).await;
    from.tag(&format!("{}.sig", referrers_tag(arm.digest())), &cosign).await;
    from.tag("amd", &amd).await;
    merge(to, &[source(from, "amd")]).await;

    let report = merge(to, &[source(from, "arm")]).await;

    assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
    assert_eq!(members(to).await, [&amd, &arm, &attests].map(|one| one.digest().clone()));
    for (subject, referrer) in [(&arm, &signature), (&signature, &of_signature)] {
        let found = to.registry.referrers(&to.repository, subject.digest()).await.unwrap().list;
        assert_eq!(found.iter().map(|one| &one.digest).collect::<Vec<_>>(), [referrer.digest()]);
    }
    let tagged = to.held(&format!("{}.sig", referrers_tag(arm.digest()))).await.unwrap();
    assert_eq!(tagged, cosign);
    let again = merge(to, &[source(from, "arm")]).await;
    assert_eq!((again.images[0].action, again.notes.len()), (ImageOutcome::Exists, 0), "{again:#?}");
}

#[tokio::test]
async fn what_speaks_of_an_image_goes_along() {
    let Some(server) = registry() else { return };
    let data = tempfile::tempdir().unwrap();
    let depot = depot(data.path()).await;
    let host = depot.addr().to_string();
    check_companions(&shelf(&server, "x/y"), &Shelf::at(&host, "a/b")).await;
    check_companions(&Shelf::at(&host, "c/d"), &shelf(&server, "a/b")).await;
    check_companions(&Shelf::at(&host, "e/f"), &Shelf::at(&host, "g/h")).await;
    depot.shutdown().await.unwrap();
}

#[tokio::test]
async fn other_content_is_kept_replaced_or_refused() {
    let Some(server) = registry() else { return };
    let (from, to) = (shelf(&server, "x/y"), shelf(&server, "a/b"));
    let old = to.image(&image(1)).await;
    let (amd, arm) = (from.image(&image(3)).await, from.image(&image(2)).await);
    to.tag("1", &old).await;
    from.tag("amd", &amd).await;
    let both = from.index(&[entry(&amd, &amd64()), entry(&arm, &arm64())]).await;
    from.tag("both", &both).await;

    let kept = merge(&to, &[source(&from, "both")]).await;

    assert_eq!((kept.outcome(), kept.images[0].action), (Outcome::InPart, ImageOutcome::Kept));
    assert_eq!(members(&to).await, [old.digest().clone(), arm.digest().clone()]);
    assert!(to.registry.blob_exists(&to.repository, &image(2).layers[1].digest()).await.unwrap());
    let own = image(3).layers[1].digest();
    assert!(!to.registry.blob_exists(&to.repository, &own).await.unwrap(), "what is kept out is not sent");
    let error = planned(&to, &[source(&from, "amd")], policy(ExistingPolicy::Error)).await.unwrap_err();
    assert!(matches!(error, MergeFailure::Existing { .. }), "{error}");
    let left = merge_with(&to, &[source(&from, "amd")], policy(ExistingPolicy::Keep)).await;
    assert_eq!(left.images[0].action, ImageOutcome::Kept);
    let replaced = merge_with(&to, &[source(&from, "amd")], overwrite()).await;
    assert_eq!(replaced.images[0].changes.replaced[0].found, *old.digest(), "{replaced:#?}");
    assert_eq!(members(&to).await, [amd.digest().clone(), arm.digest().clone()]);
    let whole = merge_with(&to, &[source(&from, "amd")], policy(ExistingPolicy::Replace)).await;
    assert_eq!(whole.images[0].action, ImageOutcome::Exists, "it is in there already");
}

#[tokio::test]
async fn sources_that_disagree_are_told_before_anything_is_written() {
    let Some(server) = registry() else { return };
    let (from, to) = (shelf(&server, "x/y"), shelf(&server, "a/b"));
    let (one, other) = (from.image(&image(1)).await, from.image(&image(3)).await);
    from.tag("one", &one).await;
    from.tag("other", &other).await;
    let both = [source(&from, "one"), source(&from, "other")];

    let clash = planned(&to, &both, Existing::default()).await.unwrap_err();

    assert!(clash.to_string().contains("x/y:other has linux/amd64 with other content"), "{clash}");
    assert!(to.held("1").await.is_none());
    let taken = merge_with(&to, &both, overwrite()).await;
    assert_eq!(taken.images[0].action, ImageOutcome::Pushed, "{taken:#?}");
    assert_eq!(to.held("1").await.unwrap(), other);
    from.blob(b"{}").await;
    let empty = json!({"mediaType": "x/y", "size": 2, "digest": Digest::sha256(b"{}")});
    let artifact =
        json!({"schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "config": empty, "layers": []});
    from.tag("artifact", &from.document(&artifact).await).await;
    let apart = [source(&from, "one"), source(&from, "artifact")];
    let apart = planned(&to, &apart, Existing::default()).await.unwrap_err();
    assert!(matches!(apart, MergeFailure::Apart { .. }), "{apart}");
    let absent = planned(&to, &[source(&from, "no")], Existing::default()).await.unwrap_err();
    assert!(absent.to_string().ends_with("/x/y:no is not there"), "{absent}");
    let alone = planned(&to, &[source(&from, "artifact")], Existing::default()).await.unwrap();
    assert!(matches!(alone.action, ImageAction::Keep { .. }), "{:?}", alone.action);
}

/// Takes a blob or manifest out of a repository.
fn lose(server: &DockerRegistry, repository: &str, kind: &str, digest: &Digest) {
    let link = format!("docker/registry/v2/repositories/{repository}/{kind}/sha256/{}", digest.hex());
    fs::remove_dir_all(server.storage().join(link)).unwrap();
}

#[tokio::test]
async fn what_the_target_lost_is_mended_and_what_a_source_lost_is_told() {
    let Some(server) = registry() else { return };
    let (from, to) = (shelf(&server, "x/y"), shelf(&server, "a/b"));
    let (amd, arm) = (from.image(&image(1)).await, from.image(&image(2)).await);
    from.tag("both", &from.index(&[entry(&amd, &amd64()), entry(&arm, &arm64())]).await).await;
    merge(&to, &[source(&from, "both")]).await;
    let layer = image(1).layers[1].digest();
    lose(&server, "a/b", "_layers", &layer);
    lose(&server, "a/b", "_manifests/revisions", arm.digest());

    let mended = merge(&to, &[source(&from, "both")]).await;

    assert_eq!(mended.images[0].action, ImageOutcome::Mended, "{mended:#?}");
    assert_eq!(merge(&to, &[source(&from, "both")]).await.images[0].action, ImageOutcome::Exists);
    lose(&server, "a/b", "_manifests/revisions", amd.digest());
    from.tag("arm", &arm).await;
    let other = from.image(&Image::random_for("x", 7, &portolan_oci::Platform::new("linux", "s390x"))).await;
    from.tag("other", &other).await;
    let refused = merge(&to, &[source(&from, "other")]).await;
    let error = refused.images[0].error.clone().unwrap();
    assert!(error.contains(&format!("the registry has lost {}", amd.digest())), "{error}");
    let drop_lost = Existing { drop_lost: true, ..Existing::default() };
    let dropped = merge_with(&to, &[source(&from, "other")], drop_lost).await;
    assert_eq!(dropped.images[0].action, ImageOutcome::Merged, "{dropped:#?}");
    assert_eq!(members(&to).await, [arm.digest().clone(), other.digest().clone()]);
    lose(&server, "x/y", "_manifests/revisions", amd.digest());
    let free = shelf(&server, "g/h");
    let broken = planned(&free, &[source(&from, "both")], Existing::default()).await.unwrap_err();
    assert!(broken.to_string().ends_with(&format!("its repository lacks {}", amd.digest())), "{broken}");
}

#[tokio::test]
async fn connections_that_break_on_either_side_cost_no_platform() {
    let (Some(one), Some(two)) = (registry(), registry()) else { return };
    let (before_one, before_two) =
        (FaultyProxy::before(one.host().as_str()), FaultyProxy::before(two.host().as_str()));
    let from = Shelf::at(before_one.host().as_str(), "x/y");
    let to = Shelf::at(before_two.host().as_str(), "a/b");
    let large = Image::new("x", &amd64(), vec![Layer::random(9, 2_000_000)]);
    let amd = from.image(&large).await;
    from.tag("amd", &amd).await;
    before_one.add(Fault::of(Kind::BlobGet, Action::CutAnswer { after: 700_000 }).first(2));
    before_two.add(Fault::of(Kind::UploadEnd, Action::Cut { after: 1_000_000 }).first(1));

    let report = merge(&to, &[source(&from, "amd")]).await;

    assert_eq!(report.images[0].action, ImageOutcome::Pushed, "{report:#?}");
    assert_eq!(to.held("1").await.unwrap(), amd);
    lose(&one, "x/y", "_layers", &large.layers[0].digest());
    let elsewhere = Shelf::at(before_two.host().as_str(), "c/d");
    let failed = merge(&elsewhere, &[source(&from, "amd")]).await;
    assert_eq!(failed.outcome(), Outcome::Failed);
    let error = failed.images[0].error.clone().unwrap();
    assert!(error.contains("the registry has lost it"), "{error}");
    assert!(elsewhere.held("1").await.is_none(), "no tag without its blobs");
}

#[tokio::test]
async fn an_image_of_a_package_joins_a_tag() {
    let (Some(server), Some(skopeo)) = (registry(), Skopeo::new()) else { return };
    let (from, to) = (shelf(&server, "x/y"), shelf(&server, "a/b"));
    from.tag("amd", &from.docker_image(&image(1)).await).await;
    merge(&to, &[source(&from, "amd")]).await;
    let folder = tempfile::tempdir().unwrap();
    let chart = Chart::new("b", "1.0.0").image("b", "a.test", "a/b", "1");
    let path = folder.path().join("b.bundle.tar");
    fs::write(&path, Bundle::new(&chart).images(&[image(2)]).tar()).unwrap();
    let package = portolan_package::open(&path).unwrap();
    let packed = Arc::new(package.bundles[0].images[0].clone());

    let report = merge(&to, &[MergeSource::in_package(&packed, &packed.names[0])]).await;

    assert_eq!(report.images[0].changes.added, [arm64()], "{report:#?}");
    assert_eq!(members(&to).await[1], image(2).docker_digest());
    skopeo.pull(&server, "a/b:1");
}

/// Twenty tags that two merges extend at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_merges_at_once_none_loses_a_platform_in_the_depot() {
    let data = tempfile::tempdir().unwrap();
    let depot = depot(data.path()).await;
    let host = depot.addr().to_string();
    let from = Shelf::at(&host, "x/y");
    let (amd, arm) = (from.image(&image(1)).await, from.image(&image(2)).await);
    from.tag("amd", &amd).await;
    from.tag("arm", &arm).await;
    for number in 0..20 {
        let to = Shelf::at(&host, &format!("a/b{number}"));
        let (one, other) = ([source(&from, "amd")], [source(&from, "arm")]);
        let reports = tokio::join!(merge(&to, &one), merge(&to, &other));
        for report in [&reports.0, &reports.1] {
            assert_eq!(report.outcome(), Outcome::Done, "{report:#?}");
        }
        assert_eq!(members(&to).await.len(), 2, "b{number}");
    }
    depot.shutdown().await.unwrap();
}
