//! An API server that goes away: before anything, between steps, while Helm works; for a while, and for good.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use portolan_oci::RegistryHost;
use portolan_registry::Registry;
use portolan_release::helm::{Access, Helm, HelmRelease, Search};
use portolan_release::upgrade::{
    Outcome, Registries, Site, UpgradeError, UpgradeOptions, UpgradeReport, execute, plan, prepare,
};
use portolan_release::{Cluster, ClusterAccess, Event, Observer, Run, Status, Step, find};
use portolan_testkit::charts::Chart;
use portolan_testkit::cluster::{self, Options};
use portolan_testkit::components::HELM_3;
use portolan_testkit::process;
use tempfile::TempDir;

use crate::upgrade::{holder, options_of};

/// A cluster of its own, whose API server can go.
struct Place {
    kubernetes: Arc<Mutex<cluster::Cluster>>,
    cluster: Cluster,
    helm: Helm,
    tool: portolan_testkit::helm::Helm,
    folder: TempDir,
}

/// No registry is asked.
struct Nobody;

#[async_trait]
impl Registries for Nobody {
    async fn registry(&self, _: &RegistryHost) -> Result<Registry, String> {
        Err("nobody is asked in this test".to_owned())
    }
}

/// When the API server goes, and after how long it is back.
struct Goes {
    kubernetes: Arc<Mutex<cluster::Cluster>>,
    at: Step,
    /// Once that step is over, and not when it begins.
    once_over: bool,
    after: Duration,
    back: Option<Duration>,
}

impl Observer for Goes {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Began { step } if step == self.at && !self.once_over => {}
            Event::Ended { step, .. } if step == self.at && self.once_over => {}
            _ => return,
        }
        let (kubernetes, after, back) = (Arc::clone(&self.kubernetes), self.after, self.back);
        let go = move || {
            std::thread::sleep(after);
            kubernetes.lock().unwrap().stop_api_server();
            if let Some(back) = back {
                std::thread::sleep(back);
                kubernetes.lock().unwrap().start_api_server();
            }
        };
        match after.is_zero() && back.is_none() {
            true => go(),
            false => drop(std::thread::spawn(go)),
        }
    }
}

fn module(version: &str) -> Chart {
    Chart::new("kairship", version).image("web", "r.test.example", "a/b", version)
}

/// A module whose upgrade takes a while: a hook's pod never starts.
fn slow(version: &str) -> Chart {
    let hook = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: pre-upgrade}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      nodeSelector: {moon: full}\n      containers: [{name: c, image: r.test.example/c:1}]\n";
    module(version).file("templates/hook.yaml", hook)
}

impl Place {
    async fn start() -> Option<Self> {
        let tool = portolan_testkit::helm::Helm::new(&HELM_3)?;
        let kubernetes = cluster::Cluster::start(&Options::default())?;
        let access = ClusterAccess { files: vec![kubernetes.kubeconfig().to_owned()], context: None };
        let cluster = Cluster::connect(&access).await.unwrap();
        let access = Access { kubeconfig: Some(kubernetes.kubeconfig().into()), context: None };
        let helm = Helm::find(Search::Program(&HELM_3.find().unwrap()), access).await.unwrap();
        let place = Self {
            kubernetes: Arc::new(Mutex::new(kubernetes)),
            cluster,
            helm,
            tool,
            folder: tempfile::tempdir().unwrap(),
        };
        let archive = place.archive(&module("0.20.0"));
        let mut command = place.tool.command();
        command.env("KUBECONFIG", place.kubernetes.lock().unwrap().kubeconfig());
        process::run(command.args(["install", "kairship"]).arg(archive).args([
            "--wait",
            "--timeout",
            "300s",
        ]));
        Some(place)
    }

    fn archive(&self, chart: &Chart) -> PathBuf {
        let path = self.folder.path().join(chart.file_name());
        std::fs::write(&path, chart.archive()).unwrap();
        path
    }

    fn options(&self, chart: &Chart, seconds: u64) -> UpgradeOptions {
        let release =
            HelmRelease { name: "kairship".parse().unwrap(), namespace: "default".parse().unwrap() };
        UpgradeOptions {
            timeout: Duration::from_secs(seconds),
            pins: false,
            ..options_of(release, self.archive(chart))
        }
    }

    fn goes(&self, at: Step, after: u64, back: Option<u64>) -> Goes {
        let seconds = Duration::from_secs;
        let kubernetes = Arc::clone(&self.kubernetes);
        Goes { kubernetes, at, once_over: false, after: seconds(after), back: back.map(seconds) }
    }

    async fn upgrade(&self, options: &UpgradeOptions, goes: &Goes) -> Result<UpgradeReport, UpgradeError> {
        let run_folder = tempfile::tempdir().unwrap();
        let site =
            Site { cluster: &self.cluster, helm: &self.helm, registries: &Nobody, work: run_folder.path() };
        let looking = Run::unrecorded(goes);
        let plan = plan(site, prepare(site, options, &looking).await?, options, &looking).await?;
        let task = plan.task(&self.cluster, holder());
        let run = Run::recorded(goes, &run_folder.path().join("run"), task).unwrap();
        execute(site, &plan, options, &run).await
    }

    async fn stands(&self) -> (Status, String) {
        let (name, namespace) = ("kairship".parse().unwrap(), "default".parse().unwrap());
        let now = find(&self.cluster, &name, &namespace, None).await.unwrap();
        (now.info.status, now.chart.metadata.version)
    }

    fn bring_back(&self) {
        self.kubernetes.lock().unwrap().start_api_server();
    }
}

/// Whatever was going on: the error says that the server is out of reach, and the old version stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_before_anything_is_changed() {
    let Some(place) = Place::start().await else { return };
    let options = place.options(&module("0.21.0"), 30);
    for at in [Step::Find, Step::Render, Step::Rehearse, Step::Hold, Step::BackUp] {
        let error = place.upgrade(&options, &place.goes(at, 0, None)).await.err().unwrap();
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        let said = format!("{error}: {cause}");
        let is_told = said.contains("can't be reached") || said.to_lowercase().contains("connection refused");
        assert!(is_told, "{at}: {said}");
        place.bring_back();
        assert_eq!(place.stands().await, (Status::Deployed, "0.20.0".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_while_helm_works() {
    let Some(place) = Place::start().await else { return };
    // In the middle of the hook, for a while: what Helm could not do is done once the server is back.
    let options = place.options(&slow("0.21.0"), 30);
    let report = place.upgrade(&options, &place.goes(Step::Upgrade, 4, Some(5))).await.unwrap();
    assert!(matches!(report.outcome, Outcome::RolledBack | Outcome::NotBegun), "{report:#?}");
    assert_eq!(place.stands().await, (Status::Deployed, "0.20.0".to_owned()));
    // Where Helm is done, and the server goes before it is looked at.
    let options = place.options(&module("0.22.0"), 60);
    let report = place.upgrade(&options, &place.goes(Step::Verify, 0, Some(3))).await.unwrap();
    assert_eq!(report.outcome, Outcome::Upgraded, "{report:#?}");
    // For good: the report says that nobody could tell what stands.
    let options = place.options(&slow("0.23.0"), 10);
    let report = place.upgrade(&options, &place.goes(Step::Upgrade, 3, None)).await.unwrap();
    assert_eq!((report.outcome, report.status), (Outcome::Failed, None), "{report:#?}");
    place.bring_back();
}

/// All is done, and the server goes before the lease is given back: it is named, and ends by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_at_the_very_end() {
    let Some(place) = Place::start().await else { return };
    let options = place.options(&module("0.21.0"), 60);
    let goes = Goes { once_over: true, ..place.goes(Step::Verify, 0, None) };
    let report = place.upgrade(&options, &goes).await.unwrap();
    assert_eq!((report.outcome, &report.error), (Outcome::Upgraded, &None), "{report:#?}");
    let left = report.lease_left.as_deref().unwrap();
    let said =
        "the Lease portolan-kairship in default could not be removed, and ends by itself within 20 seconds: ";
    assert!(left.starts_with(said), "{left}");
    assert!(report.left().iter().any(|one| one == left), "{:?}", report.left());
    place.bring_back();
    assert_eq!(place.stands().await, (Status::Deployed, "0.21.0".to_owned()));
    let lease = place.kubernetes.lock().unwrap().object("default", "lease", "portolan-kairship");
    assert!(lease.is_some());
}
