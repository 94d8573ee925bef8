//! What goes wrong while a release is upgraded is taken back, and told with what stands.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use portolan_release::upgrade::{Outcome, UpgradeOptions, UpgradeReport};
use portolan_release::{Status, find};
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use portolan_testkit::process;

use crate::site::Site;
use crate::upgrade::{executed, options, planned};

pub(crate) fn module(version: &str) -> Chart {
    Chart::new("kairship", version).image("web", "r.test.example", "a/b", version)
}

/// A pod for which there is no node.
const STUCK: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: stuck}\nspec:\n  nodeSelector: {moon: full}\n  containers: [{name: c, image: r.test.example/c:1}]\n";

fn soon(site: &Site, chart: &Chart) -> UpgradeOptions {
    UpgradeOptions { timeout: Duration::from_secs(12), ..options(site, site.archive(chart)) }
}

pub(crate) async fn upgraded(site: &Site, options: &UpgradeOptions) -> UpgradeReport {
    let folder = tempfile::tempdir().unwrap();
    executed(site, options, folder.path().join("run").as_path()).await
}

/// The old version stands, whole, and nothing is pending.
async fn is_old(site: &Site, report: &UpgradeReport) {
    assert!(matches!(report.outcome, Outcome::RolledBack | Outcome::NotBegun), "{report:#?}");
    assert!(report.verified.as_ref().is_none_or(portolan_release::Verified::is_ready), "{report:#?}");
    let now = find(&site.cluster, &site.release("kairship").name, &site.namespace, None).await.unwrap();
    assert_eq!(now.info.status, Status::Deployed);
    assert_eq!(now.chart.metadata.version, "0.20.0");
}

/// Waits until a Helm that works in this namespace is seen, and kills it.
fn kill_helm(site: &Site, after: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let namespace = site.namespace.as_str();
    while Instant::now() < deadline {
        let listed = process::run(Command::new("ps").args(["-eo", "pid=,args="]));
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let is_ours = |line: &&str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.get(2) == Some(&"upgrade") && words.contains(&namespace)
        };
        if let Some(line) = listed.lines().find(is_ours)
            && after()
        {
            let id = line.split_whitespace().next().unwrap();
            process::run(Command::new("kill").args(["-9", id]));
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no Helm was at work in {namespace}");
}

fn has_revision(site: &Site, revision: u32) -> bool {
    let name = format!("sh.helm.release.v1.kairship.v{revision}");
    site.kubernetes.object(site.namespace.as_str(), "secret", &name).is_some()
}

/// Helm is killed while it waits: the release is pending, and Portolan takes it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_helm_that_dies_leaves_the_old_version() {
    for (number, helm) in [HELM_3_10, HELM_3, HELM_4].iter().enumerate() {
        let Some(site) = Site::start(&format!("fault-killed-{number}"), helm).await else { return };
        site.install("kairship", &module("0.20.0"), &[]);
        let options = soon(&site, &module("0.21.0").file("templates/stuck.yaml", STUCK));
        let options = UpgradeOptions { timeout: Duration::from_secs(60), ..options };
        let report = std::thread::scope(|threads| {
            threads.spawn(|| kill_helm(&site, || has_revision(&site, 2)));
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(upgraded(&site, &options))
            })
        });
        assert_eq!(report.outcome, Outcome::RolledBack, "{report:#?}");
        let error = report.error.as_deref().unwrap();
        assert!(error.contains("Helm says: nothing; it ended with signal: 9"), "{error}");
        is_old(&site, &report).await;
        assert!(site.kubernetes.object(site.namespace.as_str(), "pod", "stuck").is_none());
    }
}

/// Somebody else's Helm died: the release is pending, and that is said before anything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pending_release_is_left_alone() {
    let Some(site) = Site::start("fault-pending", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    let archive = site.archive(&module("0.21.0").file("templates/stuck.yaml", STUCK));
    let mut helm =
        site.by_hand(&["upgrade", "kairship", archive.to_str().unwrap(), "--wait"]).spawn().unwrap();
    kill_helm(&site, || has_revision(&site, 2));
    helm.wait().unwrap();
    let error = planned(&site, &options(&site, archive)).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the release kairship is pending-upgrade at revision 2: an operation is under way, or was broken off"
    );
}

/// Its warnings are told though it is gone by the time that the upgrade has failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_became_ready_says_why() {
    let Some(site) = Site::start("fault-unready", &HELM_4).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    let report = upgraded(&site, &soon(&site, &module("0.21.0").file("templates/stuck.yaml", STUCK))).await;
    is_old(&site, &report).await;
    let [stuck] = &report.given_up_on[..] else { panic!("{report:#?}") };
    assert_eq!(stuck.object.to_string(), "Pod fault-unready/stuck");
    assert!(stuck.events.iter().any(|event| event.contains("FailedScheduling: 0/2 nodes")), "{stuck:#?}");
}

fn hook(event: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {{helm.sh/hook: {event}}}\nspec:\n  activeDeadlineSeconds: 10\n  template:\n    spec:\n      restartPolicy: Never\n      nodeSelector: {{moon: full}}\n      containers: [{{name: c, image: r.test.example/c:1}}]\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_that_fail_leave_the_old_version() {
    for (number, (helm, event)) in
        [(HELM_3, "pre-upgrade"), (HELM_3, "post-upgrade"), (HELM_4, "post-upgrade")].iter().enumerate()
    {
        let Some(site) = Site::start(&format!("fault-hook-{number}"), helm).await else { return };
        site.install("kairship", &module("0.20.0"), &[]);
        let chart = module("0.21.0").file("templates/hook.yaml", &hook(event));
        let options = UpgradeOptions { timeout: Duration::from_secs(60), ..soon(&site, &chart) };
        let report = upgraded(&site, &options).await;
        assert_eq!(report.outcome, Outcome::RolledBack, "{report:#?}");
        let error = report.error.as_deref().unwrap();
        assert!(error.contains(event) && error.contains("migrate"), "{error}");
        is_old(&site, &report).await;
        let job = format!("Job fault-hook-{number}/migrate");
        assert!(report.given_up_on.iter().any(|one| one.object.to_string() == job), "{report:#?}");
    }
}

/// A text that no compression makes smaller.
fn noise(bytes: usize) -> String {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"[(state % 64) as usize])
    };
    (0..bytes).map(|_| next()).collect()
}

/// Helm's record of a revision is a secret of 1 MiB at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_just_below_its_limit_fits_and_one_above_is_refused_whole() {
    let Some(site) = Site::start("fault-large", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    let large = |version: &str, bytes: usize| module(version).file("files/noise.txt", &noise(bytes));
    let options = |chart: &Chart| options(&site, site.archive(chart));
    let report = upgraded(&site, &options(&large("0.21.0", 740_000))).await;
    assert_eq!(report.outcome, Outcome::Upgraded, "{report:#?}");
    let too_large = options(&large("0.22.0", 1_000_000));
    let report = upgraded(&site, &too_large).await;
    assert_eq!((report.outcome, report.revision), (Outcome::NotBegun, Some(2)), "{report:#?}");
    assert!(report.error.as_deref().unwrap().contains("1048576"), "{report:#?}");
}

/// The journal's place can't be written: nothing is begun.
#[tokio::test]
async fn a_run_that_cannot_be_written_down_is_not_begun() {
    let Some(site) = Site::start("fault-state", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0"), &[]);
    let options = options(&site, site.archive(&module("0.21.0")));
    let plan = planned(&site, &options).await.unwrap();
    let task = plan.task(&site.cluster, crate::upgrade::holder());
    let error = portolan_release::Run::recorded(&portolan_release::Silent, Path::new("/proc/none"), task);
    assert_eq!(error.err().unwrap().to_string(), "cannot make the folder /proc/none");
}
