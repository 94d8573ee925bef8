//! Back to an earlier revision, where the cluster can still hold it.

use std::time::Duration;

use portolan_release::upgrade::ImageCheck;
use portolan_release::{RollbackOptions, RolledBack, Run, Silent, plan_rollback, roll_back};
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use portolan_testkit::process;

use crate::charts::module;
use crate::site::{Nobody, Site};

fn options(site: &Site, revision: Option<&str>) -> RollbackOptions {
    let revision = revision.map(|revision| revision.parse().unwrap());
    let image_check = ImageCheck::Skip;
    RollbackOptions { release: site.release("kant"), revision, image_check, timeout: Duration::from_secs(60) }
}

async fn back(site: &Site, revision: Option<&str>) -> RolledBack {
    let (options, run) = (options(site, revision), Run::unrecorded(&Silent));
    let plan = plan_rollback(&site.cluster, &Nobody, &options, &run).await.unwrap();
    roll_back(&site.cluster, &site.helm, &plan, &options, &run).await.unwrap()
}

fn upgrade_by_hand(site: &Site, chart: &Chart) {
    let archive = site.archive(chart);
    process::run(&mut site.by_hand(&[
        "upgrade",
        "kant",
        archive.to_str().unwrap(),
        "--wait",
        "--timeout",
        "60s",
    ]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_good_revision_or_the_one_that_is_named() {
    for (number, helm) in [HELM_3_10, HELM_3, HELM_4].iter().enumerate() {
        let Some(site) = Site::start(&format!("back-{number}"), helm).await else { return };
        site.install("kant", &module("kant", "0.5.0"), &[]);
        upgrade_by_hand(&site, &module("kant", "0.6.0"));
        upgrade_by_hand(&site, &module("kant", "0.7.0"));
        let done = back(&site, None).await;
        assert_eq!((done.from, done.to, done.revision), (3, 2, 4));
        assert_eq!(done.version, "0.6.0");
        assert!(done.verified.is_ready(), "{done:?}");
        let done = back(&site, Some("1")).await;
        assert_eq!((done.to, done.revision, done.version.as_str()), (1, 5, "0.5.0"));
    }
}

/// The revision's images were removed from the registry meanwhile, or nobody can tell.
#[tokio::test]
async fn images_that_nobody_vouches_for_stand_in_the_way() {
    let Some(site) = Site::start("back-images", &HELM_3).await else { return };
    site.install("kant", &module("kant", "0.5.0"), &[]);
    upgrade_by_hand(&site, &module("kant", "0.6.0"));
    let options = RollbackOptions { image_check: ImageCheck::Require, ..options(&site, None) };
    let run = Run::unrecorded(&Silent);
    let error = plan_rollback(&site.cluster, &Nobody, &options, &run).await.unwrap_err().to_string();
    let expected = "revision 1 can't stand again: release.test.example/kant/kant-apiserver:v0.5.0 can't be looked \
                    for: nobody is asked in this test (Deployment kant-kant)";
    assert_eq!(error, expected);
}

#[tokio::test]
async fn there_is_nothing_before_the_first() {
    let Some(site) = Site::start("back-none", &HELM_3).await else { return };
    site.install("kant", &module("kant", "0.5.0"), &[]);
    let run = Run::unrecorded(&Silent);
    let error = plan_rollback(&site.cluster, &Nobody, &options(&site, None), &run).await.unwrap_err();
    assert_eq!(error.to_string(), "the release kant has no good revision before 1");
    let error = plan_rollback(&site.cluster, &Nobody, &options(&site, Some("4")), &run).await.unwrap_err();
    assert_eq!(error.to_string(), "the release kant has no revision 4; there are 1");
}

const OLD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.back.example}
spec:
  group: back.example
  scope: Namespaced
  names: {plural: lamps, kind: Lamp}
  versions: [{name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
";

const LAMP: &str = "apiVersion: back.example/v1alpha1\nkind: Lamp\nmetadata: {name: one}\n";

/// The chart of the old revision makes objects of a version that the newer definition no longer serves.
#[tokio::test]
async fn a_version_that_is_no_longer_served_is_a_refusal_with_its_reason() {
    let Some(site) = Site::start("back-crd", &HELM_3).await else { return };
    site.install(
        "kant",
        &Chart::new("kant", "0.5.0").file("crds/lamps.yaml", OLD).file("templates/lamp.yaml", LAMP),
        &[],
    );
    let both = OLD.replace(
        "versions: [{name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}",
        "versions: [{name: v1alpha1, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}},\n    {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}",
    );
    process::run(&mut site.by_hand(&[
        "upgrade",
        "kant",
        site.archive(&Chart::new("kant", "0.6.0")).to_str().unwrap(),
    ]));
    site.kubernetes.kubectl(&["apply", "-f", &site.file("lamps.yaml", &both)]);
    let run = Run::unrecorded(&Silent);
    let error = plan_rollback(&site.cluster, &Nobody, &options(&site, None), &run).await.unwrap_err();
    let expected = "revision 1 can't stand again: it has Lamp of back.example/v1alpha1, and the definition \
                    lamps.back.example serves v1 and has objects stored in v1alpha1, v1";
    assert_eq!(error.to_string(), expected);
}
