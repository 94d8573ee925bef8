//! Back to an earlier revision, where the cluster can still hold it.

use std::time::Duration;

use portolan_release::upgrade::ImageCheck;
use portolan_release::{Holder, RollbackOptions, RolledBack, Run, Silent, plan_rollback, roll_back};
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use portolan_testkit::process;
use serde_json::{Value, json};

use crate::charts::module;
use crate::site::{Nobody, Site};

fn options(site: &Site, revision: Option<&str>) -> RollbackOptions {
    let revision = revision.map(|revision| revision.parse().unwrap());
    let image_check = ImageCheck::Skip;
    let (release, timeout) = (site.release("kant"), Duration::from_secs(60));
    RollbackOptions { release, revision, with_definitions: false, image_check, timeout }
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
    // With its definitions it can: they go back first, since Helm makes an object of that version.
    let done = back_with_definitions(&site).await.unwrap();
    assert_eq!(done.definitions, ["lamps.back.example"]);
    let lamp = site.kubernetes.object(site.namespace.as_str(), "lamps.v1alpha1.back.example", "one").unwrap();
    assert_eq!(lamp["apiVersion"], "back.example/v1alpha1");
}

/// A definition of lights: whether it knows their brightness, and its versions, of which the last is stored.
fn lights(plural: &str, knows_brightness: bool, versions: &[&str]) -> String {
    let brightness = if knows_brightness { ", brightness: {type: integer}" } else { "" };
    let spec = format!("{{type: object, properties: {{size: {{type: integer}}{brightness}}}}}");
    let schema = format!("{{openAPIV3Schema: {{type: object, properties: {{spec: {spec}}}}}}}");
    let version = |name: &&str| {
        let stored = name == versions.last().unwrap();
        format!("{{name: {name}, served: true, storage: {stored}, schema: {schema}}}")
    };
    let versions: Vec<String> = versions.iter().map(version).collect();
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.back.example}}\n\
         spec:\n  group: back.example\n  scope: Namespaced\n  names: {{plural: {plural}, kind: {kind}}}\n  versions: [{}]\n",
        versions.join(", "),
        kind = kind(plural)
    )
}

fn kind(plural: &str) -> String {
    format!("{}{}", plural[..1].to_uppercase(), &plural[1..plural.len() - 1])
}

/// Installs with the one definition, upgrades by hand to the other, and makes a light with that spec.
fn lit(site: &Site, plural: &str, old: &str, new: &str, spec: Option<&str>) {
    let file = format!("crds/{plural}.yaml");
    site.install("kant", &Chart::new("kant", "0.5.0").file(&file, old), &[]);
    site.kubernetes.kubectl(&["apply", "-f", &site.file("new.yaml", new)]);
    upgrade_by_hand(site, &Chart::new("kant", "0.6.0").file(&file, new));
    if let Some(spec) = spec {
        let object = format!(
            "apiVersion: back.example/v1\nkind: {}\nmetadata: {{name: one, namespace: {}}}\nspec: {spec}\n",
            kind(plural),
            site.namespace
        );
        site.kubernetes.kubectl(&["apply", "-f", &site.file("light.yaml", &object)]);
    }
}

/// Back with its definitions, in a run that is written down.
async fn back_with_definitions(site: &Site) -> Result<RolledBack, String> {
    let options = RollbackOptions { with_definitions: true, ..options(site, Some("1")) };
    let looking = Run::unrecorded(&Silent);
    let plan = plan_rollback(&site.cluster, &Nobody, &options, &looking).await;
    let plan = plan.map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().unwrap().keep();
    let holder = Holder { user: None, host: "here".to_owned() };
    let run = Run::recorded(&Silent, &folder, plan.task(&site.cluster, holder)).unwrap();
    let done = roll_back(&site.cluster, &site.helm, &plan, &options, &run).await;
    done.map_err(|error| error.to_string())
}

fn definition(site: &Site, plural: &str) -> Value {
    site.kubernetes.object("", "crd", &format!("{plural}.back.example")).unwrap()
}

/// No object has what the older definition lacks: it goes back, and what was there is kept before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_go_back_where_nothing_is_lost() {
    let Some(site) = Site::start("back-lanterns", &HELM_4).await else { return };
    let (old, new) = (lights("lanterns", false, &["v1"]), lights("lanterns", true, &["v1"]));
    lit(&site, "lanterns", &old, &new, Some("{size: 3}"));
    let schema = |definition: &Value| definition["spec"]["versions"][0]["schema"].to_string();
    assert!(schema(&definition(&site, "lanterns")).contains("brightness"));
    let done = back_with_definitions(&site).await.unwrap();
    assert_eq!(done.definitions, ["lanterns.back.example"]);
    assert_eq!((done.to, done.version.as_str()), (1, "0.5.0"));
    assert!(!schema(&definition(&site, "lanterns")).contains("brightness"));
    let backup = done.backup.unwrap();
    assert_eq!((backup.definitions, backup.custom_resources), (1, 1));
    let kept = std::fs::read_to_string(backup.folder.join("resources/lanterns.back.example.json")).unwrap();
    assert!(kept.contains("\"size\": 3"), "{kept}");
    // Once more there is nothing to take back.
    upgrade_by_hand(&site, &Chart::new("kant", "0.7.0"));
    assert_eq!(back_with_definitions(&site).await.unwrap().definitions, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_that_would_lose_something_holds_definitions() {
    let Some(site) = Site::start("back-torches", &HELM_3).await else { return };
    let (old, new) = (lights("torches", false, &["v1"]), lights("torches", true, &["v1"]));
    lit(&site, "torches", &old, &new, Some("{size: 3, brightness: 5}"));
    let refused = back_with_definitions(&site).await.unwrap_err();
    let expected = "definitions can't go back to those of revision 1: the definition torches.back.example: \
                    Torche back-torches/one: spec.brightness would be lost, since the older definition lacks it";
    assert_eq!(refused, expected);
    assert!(definition(&site, "torches").to_string().contains("brightness"));
    // Without its definitions it goes back.
    assert_eq!(back(&site, Some("1")).await.version, "0.5.0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_that_objects_are_stored_in_hold_definitions() {
    let Some(site) = Site::start("back-candles", &HELM_3).await else { return };
    let (old, new) = (lights("candles", false, &["v1"]), lights("candles", false, &["v1", "v2"]));
    lit(&site, "candles", &old, &new, Some("{size: 3}"));
    let refused = back_with_definitions(&site).await.unwrap_err();
    assert!(refused.contains("objects may be stored as v2, which the older definition lacks"), "{refused}");
    assert_eq!(definition(&site, "candles")["status"]["storedVersions"], json!(["v1", "v2"]));
    // Where there is no object, none is stored so, whatever the server remembers.
    site.kubernetes.kubectl(&["delete", "candles.back.example", "one", "-n", site.namespace.as_str()]);
    let done = back_with_definitions(&site).await.unwrap();
    assert_eq!(done.definitions, ["candles.back.example"]);
    let definition = definition(&site, "candles");
    assert_eq!(definition["spec"]["versions"].as_array().unwrap().len(), 1);
    assert_eq!(definition["status"]["storedVersions"], json!(["v1"]));
}
