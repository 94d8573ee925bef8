//! Releases that Helm alone left pending, since whoever had called it died; no run of Portolan knows of it.

use portolan_testkit::charts::Chart;
use portolan_testkit::components::{Component, HELM_3, HELM_4};
use serde_json::Value;

use crate::site::Site;
use crate::stopped::{STUCK, wait_until};

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
    let done = site.run("recover kant --output json --timeout 90s").expect(0);
    let done: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&done["was"], &done["to"]), (&"pending-rollback".into(), &3.into()), "{done:#}");
    // What the way back had made is gone, which Helm knows only from having stood there.
    assert!(site.cluster.object(namespace, "deployment", "stuck").is_none());
    let history = site.by_hand("history kant -o json");
    let history: Value = serde_json::from_str(&history).unwrap();
    let statuses: Vec<&str> =
        history.as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["superseded", "superseded", "superseded", "failed", "deployed"], "{history:#}");
    assert_eq!(history[3]["description"], "Stood on the way of a recovery by Portolan");
    assert!(site.cluster.object(namespace, "lease", "portolan-kant").is_none());
    site.run("recover kant").expect(1);
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
