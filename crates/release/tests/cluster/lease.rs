//! One run at a time on a release: by a Lease, which names whose run it is.

use std::fs;
use std::path::Path;
use std::time::Duration;

use portolan_release::upgrade::{Outcome, UpgradeOptions};
use portolan_release::{Cluster, ClusterAccess, Event, Observer, RunState, Silent, Step};
use portolan_testkit::charts::Chart;
use portolan_testkit::components::HELM_3;
use serde_json::Value;

use crate::site::Site;
use crate::upgrade::{carried_out, executed, options, planned};

fn module(version: &str) -> Chart {
    Chart::new("kairship", version).image("web", "r.test.example", "a/b", version)
}

/// A module with a pod for which there is no node.
fn stuck(version: &str) -> Chart {
    let stuck = "apiVersion: v1\nkind: Pod\nmetadata: {name: stuck}\nspec:\n  nodeSelector: {moon: full}\n  containers: [{name: c, image: r.test.example/c:1}]\n";
    module(version).file("templates/stuck.yaml", stuck)
}

fn lease(site: &Site) -> Option<Value> {
    site.kubernetes.object(site.namespace.as_str(), "lease", "portolan-kairship")
}

/// A lease as somebody else left it.
fn left_behind(site: &Site, holder: &str, seconds: u32) {
    let namespace = &site.namespace;
    let lease = format!(
        "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {{name: portolan-kairship, namespace: {namespace}}}\nspec: {{holderIdentity: '{holder}', leaseDurationSeconds: {seconds}, renewTime: '2096-01-01T00:00:00.000000Z'}}\n"
    );
    let file = site.file("lease.yaml", &lease);
    site.kubernetes.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &file]);
}

fn journal(folder: &Path) -> String {
    fs::read_to_string(folder.join("journal.jsonl")).unwrap()
}

/// Says when a step begins.
struct Begins(tokio::sync::mpsc::UnboundedSender<Step>);

impl Observer for Begins {
    fn event(&self, event: Event<'_>) {
        if let Event::Began { step } = event {
            self.0.send(step).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_is_told_whose_the_first_one_is() {
    let Some(site) = Site::start("lease-two", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    let first =
        UpgradeOptions { timeout: Duration::from_secs(15), ..options(&site, site.archive(&stuck("0.21.0"))) };
    let second = options(&site, site.archive(&module("0.22.0")));
    let (for_first, for_second) =
        (planned(&site, &first).await.unwrap(), planned(&site, &second).await.unwrap());
    let runs = tempfile::tempdir().unwrap();
    let (one, two) = (runs.path().join("one"), runs.path().join("two"));
    let (begins, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let watched = Begins(begins);
    let later = async {
        while begun.recv().await != Some(Step::Upgrade) {}
        let held = lease(&site).unwrap();
        let error = carried_out(&site, &for_second, &second, &two, &Silent).await.unwrap_err();
        (held, error.to_string(), portolan_release::runs(runs.path()).unwrap().0)
    };
    let (report, (held, error, listed)) =
        tokio::join!(carried_out(&site, &for_first, &first, &one, &watched), later);
    let holder = format!("jane@seed:{}", one.display());
    assert_eq!(held["spec"]["holderIdentity"], holder.as_str());
    assert_eq!(error, format!("{holder} is at work on the release kairship"));
    // The first one lives, and the second one is over.
    assert_eq!(listed[0].state, RunState::Running { step: Some(Step::Upgrade) });
    assert!(
        matches!(&listed[1].state, RunState::Ended { outcome, .. } if outcome == "not-begun"),
        "{listed:?}"
    );
    assert_eq!(report.unwrap().outcome, Outcome::RolledBack);
    assert!(lease(&site).is_none());
    // What it planned is for a revision that is not the last one any more.
    let error =
        carried_out(&site, &for_second, &second, &runs.path().join("three"), &Silent).await.unwrap_err();
    let expected = "the release kairship is deployed at revision 3 by now, and the plan is for revision 1";
    assert_eq!(error.to_string(), expected);
    assert!(lease(&site).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_a_dead_run_left_is_taken_over_once_it_has_ended() {
    let Some(site) = Site::start("lease-left", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    left_behind(&site, "joe@other:/runs/a", 2);
    let folder = tempfile::tempdir().unwrap();
    let options = options(&site, site.archive(&module("0.21.0")));
    let report = executed(&site, &options, &folder.path().join("run")).await;
    assert_eq!(report.outcome, Outcome::Upgraded, "{report:#?}");
    let journal = journal(&folder.path().join("run"));
    assert!(journal.contains("by a lease, taken over from joe@other:/runs/a"), "{journal}");
    assert!(lease(&site).is_none());
}

/// Takes the lease away when a step begins.
struct Robs<'a>(&'a Site, Step);

impl Observer for Robs<'_> {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::Began { step } if step == self.1) {
            left_behind(self.0, "joe@other:/runs/a", 60);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_lease_is_somebody_elses_changes_nothing_more() {
    let Some(site) = Site::start("lease-lost", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    let options = options(&site, site.archive(&module("0.21.0")));
    let plan = planned(&site, &options).await.unwrap();
    for step in [Step::Definitions, Step::Upgrade] {
        let folder = tempfile::tempdir().unwrap();
        let (run, robs) = (folder.path().join("run"), Robs(&site, step));
        let report = carried_out(&site, &plan, &options, &run, &robs).await.unwrap();
        assert_eq!(report.outcome, Outcome::NotBegun, "{report:#?}");
        let expected =
            "the release kairship is no longer held: its lease was taken over by joe@other:/runs/a";
        assert_eq!(report.error.as_deref(), Some(expected));
        assert_eq!((report.revision, report.version.as_deref()), (Some(1), Some("0.20.0")));
        // Another's lease is left alone.
        assert_eq!(lease(&site).unwrap()["spec"]["holderIdentity"], "joe@other:/runs/a");
        site.kubernetes.kubectl(&["-n", "lease-lost", "delete", "lease", "portolan-kairship"]);
    }
}

const EVERYTHING_BUT_LEASES: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata: {name: upgrader, namespace: lease-none}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: everything-but-leases}
rules:
- {apiGroups: ['', apps, apiextensions.k8s.io], resources: ['*'], verbs: ['*']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everything-but-leases}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: everything-but-leases}
subjects: [{kind: ServiceAccount, name: upgrader, namespace: lease-none}]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_lease_may_not_be_written_that_is_said() {
    let Some(mut site) = Site::start("lease-none", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    site.kubernetes.apply(EVERYTHING_BUT_LEASES);
    let kubeconfig = site.kubernetes.kubeconfig_of("lease-none", "upgrader");
    let access = ClusterAccess { files: vec![kubeconfig], context: None };
    site.cluster = Cluster::connect(&access).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = options(&site, site.archive(&module("0.21.0")));
    let report = executed(&site, &options, &folder.path().join("run")).await;
    assert_eq!(report.outcome, Outcome::Upgraded, "{report:#?}");
    let journal = journal(&folder.path().join("run"));
    assert!(
        journal.contains("by Helm's pending status alone; there is no lease: making leases lease-none/portolan-kairship: no permission")
            && journal.contains(r#"cannot create resource \"leases\""#),
        "{journal}"
    );
}
