//! An upgrade whose pod ends again and again, on a real node: what its container said, and what the cluster says of
//! it, is told though the upgrade was taken back by then.

use std::fs;
use std::process::Command;

use portolan_testkit::charts::Chart;
use portolan_testkit::components::{Component, HELM_3, HELM_4};
use portolan_testkit::docker_archive::{Shape, docker_archive};
use portolan_testkit::images::Image;
use portolan_testkit::kubelet::Kubelet;
use portolan_testkit::process;
use portolan_testkit::runtimes::Release;
use serde_json::Value;

use crate::pods::NODE_IN_USE;
use crate::site::{CLUSTER, Site};

/// A deployment on the real node, whose container says why it ends.
const CRASHING: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: server}
spec:
  selector: {matchLabels: {app: server}}
  template:
    metadata: {labels: {app: server}}
    spec:
      nodeSelector: {kubernetes.io/hostname: localhost}
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 0
      dnsPolicy: Default
      containers:
      - name: web
        image: r.test.example/server:1
        imagePullPolicy: Never
        command: [sh, -c, 'WELL; echo starting; echo the database does not answer >&2; exit 3']
        volumeMounts: [{name: kept, mountPath: /kept}]
      # It is never ready, and says nothing; the other one is, whenever it runs.
      - name: gate
        image: r.test.example/server:1
        imagePullPolicy: Never
        command: [sleep, '3600']
        readinessProbe: {exec: {command: ['false']}}
      # This one is well all the time.
      - name: side
        image: r.test.example/server:1
        imagePullPolicy: Never
        command: [sh, -c, 'echo all is well; exec sleep 3600']
      volumes: [{name: kept, emptyDir: {}}]
";

/// The container that says why it ends does so again and again.
const AGAIN: &str = ":";
/// It does so once, and is well from then on, also when Helm gives up.
const ONCE: &str = "test -e /kept/once && exec sleep 3600; touch /kept/once";

fn module(version: &str) -> Chart {
    Chart::new("kant", version).image("web", "r.test.example", "a/b", version)
}

/// Brings the image onto the node.
fn bring(node: &Kubelet) -> Option<()> {
    let image = Image::busybox("r.test.example/server:1", "")?;
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("server.tar");
    fs::write(&archive, docker_archive(Shape::GoContainerRegistry, &[image])).unwrap();
    let mut import: Command = node.ctr();
    process::run(import.args(["images", "import"]).arg(&archive));
    Some(())
}

/// Upgrades to the version that crashes; gives what the report says, on standard output.
fn upgraded(namespace: &'static str, helm: &Component, well: &str, flags: &str) -> Option<String> {
    let site = Site::start(namespace, helm)?;
    site.install("kant", &module("0.20.0"), "");
    let next = site.archive(&module("0.21.0").file("templates/server.yaml", &CRASHING.replace("WELL", well)));
    let line = format!("upgrade kant --chart {next} --skip-image-check --keep-frozen --timeout 16s {flags}");
    let out = site.run(&line).expect(1).out;
    assert!(site.run("releases").expect(0).out.contains("kant 0.20.0"));
    Some(out)
}

fn told_as_text(out: &str) {
    let has = |begin: &str, end: &str| {
        out.lines().any(|line| line.trim_start().starts_with(begin) && line.contains(end))
    };
    assert!(has("not ready Deployment crashing-text/server: ", "0 of 1 pods are available"), "{out}");
    assert!(has("log server-", "/web: starting"), "{out}");
    assert!(has("log server-", "/web: the database does not answer"), "{out}");
    assert!(!out.contains("all is well"), "{out}");
}

fn told_as_json(out: &str) {
    let report: Value = serde_json::from_str(out).unwrap();
    assert_eq!(report["outcome"], "rolled-back", "{report:#}");
    let unready = report["givenUpOn"].as_array().unwrap_or_else(|| panic!("{report:#}"));
    let server = unready.iter().find(|one| one["object"]["name"] == "server").unwrap();
    let has = |key: &str, end: &str| {
        server[key].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains(end))
    };
    assert!(has("events", "BackOff: Back-off restarting failed container web"), "{report:#}");
    assert!(!out.contains("all is well"), "{report:#}");
    assert!(has("log", "/web: starting") && has("log", "/web: the database does not answer"), "{report:#}");
}

#[test]
fn what_a_crashing_container_said_is_told() {
    let Some(cluster) = CLUSTER.as_ref() else { return };
    let _alone = NODE_IN_USE.lock();
    let Some(node) = Kubelet::start(cluster, Release::Newest) else { return };
    let Some(()) = bring(&node) else { return };
    let (text, json) = std::thread::scope(|scope| {
        let text = scope.spawn(|| upgraded("crashing-text", &HELM_3, ONCE, ""));
        let json = scope.spawn(|| upgraded("crashing-json", &HELM_4, AGAIN, "--output json"));
        (text.join().unwrap(), json.join().unwrap())
    });
    text.iter().for_each(|out| told_as_text(out));
    json.iter().for_each(|out| told_as_json(out));
}
