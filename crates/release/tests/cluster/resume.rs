//! Runs that were broken off at every step, and go on.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use portolan_registry::Stop;
use portolan_release::upgrade::{Outcome, UpgradeError, UpgradeOptions, UpgradeReport, resume};
use portolan_release::{Event, Observer, Run, RunState, Silent, Step, history, runs, upgrade};
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_4};
use portolan_testkit::process;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::site::{Nobody, Site};
use crate::upgrade::{carried_out, crd, options, planned};

/// Says when a step begins.
struct Begins(UnboundedSender<Step>);

impl Observer for Begins {
    fn event(&self, event: Event<'_>) {
        if let Event::Began { step } = event {
            // Nobody listens any more once the run was broken off.
            let _ = self.0.send(step);
        }
    }
}

fn module(version: &str, plural: &str) -> Chart {
    let versions: &[&str] = if version == "0.20.0" { &["v1alpha1"] } else { &["v1alpha1", "v1"] };
    Chart::new("kairship", version)
        .image("web", "r.test.example", "a/b", version)
        .file("crds/a.yaml", &crd(plural, versions))
}

/// Begins a run and drops it as a kill would: nothing is given back, and Helm goes with it.
async fn broken_off(site: &Site, options: &UpgradeOptions, folder: &Path, at: Step) {
    let plan = planned(site, options).await.unwrap();
    let (begins, mut begun) = unbounded_channel();
    let watched = Begins(begins);
    let reached = async {
        while begun.recv().await != Some(at) {}
        // Helm gets to its first writes, or to its end. No other step is given time: it might end meanwhile.
        if at == Step::Upgrade {
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
    };
    tokio::select! {
        _ = carried_out(site, &plan, options, folder, &watched) => {}
        () = reached => {}
    }
}

async fn gone_on(site: &Site, folder: &Path) -> Result<UpgradeReport, UpgradeError> {
    let work = tempfile::tempdir().unwrap();
    let place =
        upgrade::Site { cluster: &site.cluster, helm: &site.helm, registries: &Nobody, work: work.path() };
    let run = Run::resumed(&Silent, folder).unwrap();
    resume(place, folder, &Stop::default(), &run).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_from_wherever_it_was_broken_off() {
    let steps = [Step::BackUp, Step::Definitions, Step::Upgrade, Step::Verify];
    for (number, at) in steps.into_iter().enumerate() {
        let helm = if number % 2 == 0 { &HELM_3 } else { &HELM_4 };
        let Some(site) = Site::start(&format!("resume-{number}"), helm).await else { return };
        let plural = ["spoons", "forks", "knives", "plates"][number];
        site.install("kairship", &module("0.20.0", plural), &[]);
        let options = options(&site, site.archive(&module("0.21.0", plural)));
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        broken_off(&site, &options, &run, at).await;
        let (found, _) = runs(folder.path()).unwrap();
        assert!(matches!(found[0].state, RunState::BrokenOff { .. }), "{at}: {found:?}");
        // Cut off while a line was written.
        let mut journal = OpenOptions::new().append(true).open(run.join("journal.jsonl")).unwrap();
        journal.write_all(br#"{"time":"2026-"#).unwrap();

        let report = gone_on(&site, &run).await.unwrap();
        assert_eq!(report.outcome, Outcome::Upgraded, "{at}: {report:#?}");
        let all = history(&site.cluster, &options.release.name, &site.namespace).await.unwrap();
        assert!(all.iter().all(|one| !one.info.status.is_pending()), "{at}");
        let now = all.last().unwrap();
        assert_eq!(now.chart.metadata.version, "0.21.0");
        assert_eq!(now.config["global"]["imageRegistry"], "10.6.135.222");
        let definition = site.kubernetes.object("", "crd", &format!("{plural}.up.example")).unwrap();
        assert_eq!(definition["spec"]["versions"].as_array().unwrap().len(), 2, "{at}");
        let (found, unreadable) = runs(folder.path()).unwrap();
        assert!(
            matches!(&found[0].state, RunState::Ended { outcome, .. } if outcome == "upgraded"),
            "{found:?}"
        );
        assert!(unreadable.is_empty());
        assert!(Run::resumed(&Silent, &run).err().unwrap().to_string().ends_with("is over: upgraded"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_does_not_go_on_over_somebody_elses_work() {
    let Some(site) = Site::start("resume-others", &HELM_3).await else { return };
    site.install("kairship", &module("0.20.0", "cups"), &[]);
    let options = options(&site, site.archive(&module("0.21.0", "cups")));
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    broken_off(&site, &options, &run, Step::Definitions).await;
    let other = site.archive(&module("0.20.5", "cups"));
    process::run(&mut site.by_hand(&["upgrade", "kairship", other.to_str().unwrap()]));
    let error = gone_on(&site, &run).await.err().unwrap();
    let expected = "the release kairship is deployed at revision 2 by now, and the plan is for revision 1";
    assert_eq!(error.to_string(), expected);
    let now = history(&site.cluster, &options.release.name, &site.namespace).await.unwrap();
    assert_eq!(now.last().unwrap().chart.metadata.version, "0.20.5");
}
