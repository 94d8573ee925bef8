//! Releases that Helm alone left pending, since whoever had called it died; no run of Portolan knows of it.

use std::time::Duration;

use portolan_testkit::charts::Chart;
use portolan_testkit::components::{Component, HELM_3, HELM_3_10, HELM_4};
use rustix::process::Signal;
use serde_json::Value;

use crate::faults::{broken_off, stuck};
use crate::site::Site;
use crate::slow::slow;
use crate::stopped::{STUCK, begin, killed_behind, send, status, wait_until};

fn module(version: &str) -> Chart {
    Chart::new("kant", version).image("web", "r.test.example", "a/b", version)
}

/// Three revisions, of which the second never becomes ready, and a way back to that one whose Helm is killed.
fn killed_on_the_way_back(site: &Site) {
    site.install("kant", &module("0.20.0"), "");
    let never_ready = site.archive(&module("0.21.0").file("templates/stuck.yaml", STUCK));
    site.by_hand(&format!("upgrade kant {never_ready}"));
    let good = site.archive(&module("0.22.0"));
    site.by_hand(&format!("upgrade kant {good} --wait --timeout 300s"));
    let stuck = || site.cluster.object(site.namespace(), "deployment", "stuck");
    assert!(stuck().is_none());
    let mut helm = site.helm("rollback kant 2 --wait --timeout 300s").spawn().unwrap();
    wait_until("the way back", || stuck().is_some());
    helm.kill().unwrap();
    helm.wait().unwrap();
    assert!(site.run("history kant").expect(0).out.contains("pending-rollback"));
}

fn recovered(namespace: &'static str, helm: &Component) {
    let Some(site) = Site::start(namespace, helm) else { return };
    killed_on_the_way_back(&site);
    let shown = site.run("recover kant --dry-run").expect(0).out;
    assert!(shown.ends_with("back to revision 3 (kant 0.22.0)\n"), "{shown}");
    is_recovered(&site);
    site.run("recover kant").expect(1);
}

/// The next `recover` is the last, and ends where one that nobody kills ends.
fn is_recovered(site: &Site) {
    let done = site.run("recover kant --output json --timeout 90s").expect(0);
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&report["was"], &report["to"]), (&"pending-rollback".into(), &3.into()), "{done:?}");
    // What the way back had made is gone, which Helm knows only from having stood there.
    assert!(site.cluster.object(site.namespace(), "deployment", "stuck").is_none(), "{done:?}");
    assert_eq!(statuses(site), ["superseded", "superseded", "superseded", "failed", "deployed"]);
    assert_eq!(history(site)[3]["description"], "Stood on the way of a recovery by Portolan");
    assert!(site.cluster.object(site.namespace(), "lease", "portolan-kant").is_none());
    let runs = site.run_anywhere("runs kant").expect(0).out;
    assert!(!runs.contains("broken off"), "{runs}");
}

fn history(site: &Site) -> Vec<Value> {
    serde_json::from_str(&site.by_hand("history kant -o json")).unwrap()
}

fn statuses(site: &Site) -> Vec<String> {
    history(site).iter().map(|one| one["status"].as_str().unwrap().to_owned()).collect()
}

/// Back through the revision that the rollback aimed at, without waiting for what never becomes ready there.
#[test]
fn a_rollback_of_helm_3_that_was_killed_is_recovered() {
    recovered("pending-back-3", &HELM_3);
}

#[test]
fn a_rollback_of_helm_4_that_was_killed_is_recovered() {
    recovered("pending-back-4", &HELM_4);
}

/// Entries of such a recovery's journal: its head, then `hold` and `pass-through`, before and after each.
const ONCE_PASSED: u32 = 5;
/// Of an upgrade's journal, what is written once its step `upgrade` is over.
const ONCE_HELM_IS_DONE: u32 = 9;

/// Killed exactly between the revision that stands on the way and the last good one: the next one goes on to that.
#[test]
fn killed_between_two_revisions() {
    let Some(site) = Site::start("pending-between", &HELM_3) else { return };
    killed_on_the_way_back(&site);
    killed_behind(&site, "recover kant -n pending-between", ONCE_PASSED);
    assert_eq!(statuses(&site)[2..], ["superseded", "failed"]);
    let shown = site.run("recover kant --dry-run").expect(0).out;
    assert!(shown.contains("  a recovery that was broken off stands there, on its way\n"), "{shown}");
    assert!(shown.ends_with("back to revision 3 (kant 0.22.0)\n"), "{shown}");
    is_recovered(&site);
}

/// Has `recover` killed while the server takes its time with a write to Helm's records for which `condition` holds.
fn killed_at(site: &Site, line: &str, condition: &str) {
    let namespace = site.namespace();
    let asked = slow(site, "secrets", &format!("request.namespace == '{namespace}' && {condition}"));
    let mut child = begin(site, line);
    asked.recv_timeout(Duration::from_secs(60)).unwrap();
    send(&child, Signal::KILL);
    child.wait().unwrap();
    site.cluster.kubectl(&["delete", "validatingwebhookconfiguration", namespace]);
}

fn is_made(revision: u32) -> String {
    format!("request.operation == 'CREATE' && request.name == 'sh.helm.release.v1.kant.v{revision}'")
}

/// Each of its steps is broken off, also where Helm's records don't tell any more that one was: once the record that was
/// pending is gone, and once another revision stands that nobody has marked yet.
#[test]
fn a_recovery_that_is_killed_in_each_of_its_steps() {
    let Some(site) = Site::start("pending-steps", &HELM_4) else { return };
    killed_on_the_way_back(&site);
    killed_at(&site, "recover kant", &is_made(4));
    assert_eq!(statuses(&site), ["superseded", "superseded", "deployed"]);
    let other = site.run("recover kant --on").expect(1);
    assert!(
        other.err.contains("a recovery of the release kant that went the other way, back to"),
        "{other:?}"
    );
    let marked = "request.name == 'sh.helm.release.v1.kant.v4' && object.metadata.labels.status == 'failed'";
    killed_at(&site, "recover kant", marked);
    assert_eq!(statuses(&site)[2..], ["superseded", "deployed"]);
    let good = "request.name == 'sh.helm.release.v1.kant.v5' && object.metadata.labels.status == 'deployed'";
    killed_at(&site, "recover kant", good);
    assert_eq!(statuses(&site)[2..], ["superseded", "failed", "pending-rollback"]);
    is_recovered(&site);
}

/// On to an upgrade that was broken off, by way of the last good revision: killed while Helm is at work on that one, and
/// once it stands.
#[test]
fn a_recovery_on_that_is_killed_on_its_way() {
    let namespace = "pending-on";
    let Some(site) = Site::start(namespace, &HELM_3_10) else { return };
    site.install("kant", &module("0.20.0"), "");
    let next = site.archive(&stuck("0.21.0"));
    broken_off(&site, &format!("upgrade kant --chart {next} --skip-image-check --keep-frozen"));
    let stands =
        "request.name == 'sh.helm.release.v1.kant.v3' && object.metadata.labels.status == 'deployed'";
    killed_at(&site, "recover kant --on", stands);
    assert_eq!(statuses(&site)[1..], ["pending-upgrade", "pending-rollback"]);
    killed_behind(&site, "recover kant --on -n pending-on", ONCE_PASSED);
    assert_eq!(statuses(&site)[1..], ["pending-upgrade", "failed"]);
    site.cluster.kubectl(&["label", "node", "node-a", "moon-of-pending-on=full"]);
    let done = site.run("recover kant --on").expect(0);
    assert_eq!(
        done.out,
        "revision 4 stands, which is revision 2 again (version 0.21.0); 2 was pending-upgrade\n"
    );
    assert_eq!(statuses(&site)[1..], ["failed", "failed", "deployed"]);
    assert!(site.cluster.object(namespace, "pod", "stuck").is_some());
    assert!(!site.run_anywhere("runs kant").expect(0).out.contains("broken off"));
    site.cluster.kubectl(&["label", "node", "node-a", "moon-of-pending-on-"]);
}

/// A release that never was good is taken away, and that is broken off too: half of it is gone.
#[test]
fn a_release_that_is_half_taken_away() {
    let namespace = "pending-half";
    let Some(site) = Site::start(namespace, &HELM_4) else { return };
    let held = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [test.example/held]}\n";
    let chart = site.archive(&stuck("0.21.0").file("templates/held.yaml", held));
    let mut helm = site.helm(&format!("install kant {chart} --wait")).spawn().unwrap();
    wait_until("the pod", || site.cluster.object(namespace, "pod", "stuck").is_some());
    helm.kill().unwrap();
    helm.wait().unwrap();
    let mut child = begin(&site, "recover kant");
    wait_until("Helm", || status(&site).1 == "uninstalling");
    send(&child, Signal::KILL);
    child.wait().unwrap();
    let free = r#"{"metadata": {"finalizers": []}}"#;
    site.cluster.kubectl(&["-n", namespace, "patch", "configmap", "held", "--type=merge", "-p", free]);
    let done = site.run("recover kant").expect(0);
    assert_eq!(done.out, "kant was pending-install and never good: it is taken away\n");
    assert!(site.cluster.object(namespace, "pod", "stuck").is_none());
    assert_eq!(site.run("releases").expect(0).out, "no releases\n");
}

/// A way back of an upgrade whose Helm was done is killed in its middle, and again once the record of that way back is
/// gone: what goes on then takes the revision that was upgraded to for none that stands.
#[test]
fn a_way_back_of_an_upgrade_that_is_killed_twice() {
    let namespace = "pending-undo";
    let Some(site) = Site::start(namespace, &HELM_4) else { return };
    let module = |version: &str| {
        let settings =
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{v: {version}}}\n");
        module(version).file("templates/c.yaml", &settings)
    };
    site.install("kant", &module("0.20.0"), "");
    let next = site.archive(&module("0.21.0"));
    killed_behind(
        &site,
        &format!("upgrade kant --chart {next} --skip-image-check -n {namespace}"),
        ONCE_HELM_IS_DONE,
    );
    let back =
        "request.name == 'sh.helm.release.v1.kant.v2' && object.metadata.labels.status == 'superseded'";
    killed_at(&site, "upgrade kant --undo", back);
    assert_eq!(statuses(&site), ["superseded", "deployed", "pending-rollback"]);
    killed_at(&site, "upgrade kant --undo", &is_made(3));
    assert_eq!(statuses(&site), ["superseded", "failed"]);
    let settings = || site.cluster.object(namespace, "configmap", "c").unwrap()["data"]["v"].clone();
    assert_eq!(settings(), "0.20.0");
    let done = site.run("upgrade kant --resume").expect(0);
    assert!(done.out.starts_with("upgraded kant from 0.20.0 to 0.21.0: 0.21.0, revision 4"), "{done:?}");
    assert_eq!(settings(), "0.21.0");
}
