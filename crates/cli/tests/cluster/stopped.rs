//! Upgrades that are interrupted in each of their phases, or killed; and what the next run finds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use portolan_testkit::held::Held;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::site::Site;

pub(crate) const STUCK: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      nodeSelector: {moon: full}\n      containers: [{name: c, image: r.test.example/c:1}]\n";

fn module(version: &str) -> Chart {
    Chart::new("kant", version).image("web", "r.test.example", "kant/kant-apiserver", &format!("v{version}"))
}

/// A version whose pods never become ready, so that Helm waits.
fn stuck(version: &str) -> Chart {
    module(version).file("templates/stuck.yaml", STUCK)
}

/// A run in the background, with its outputs kept.
pub(crate) fn begin(site: &Site, line: &str) -> Child {
    let mut command = site.command(line);
    command.args(["--namespace", site.namespace()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within two minutes");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
}

/// Runs the program until it is held behind that entry of its journals, and kills it there.
pub(crate) fn killed_behind(site: &Site, line: &str, entry: u32) {
    let held = Held::new(&site.path("")).expect("a C compiler");
    let mut command = site.command(line);
    held.attach(&mut command, ".jsonl", entry);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until(&format!("entry {entry}"), || {
        assert!(child.try_wait().unwrap().is_none() || held.is_held(), "it ended before entry {entry}");
        held.is_held()
    });
    send(&child, Signal::KILL);
    child.wait().unwrap();
}

pub(crate) fn ended(child: Child) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

pub(crate) fn status(site: &Site) -> (u64, String) {
    let listed = site.by_hand("list --pending --deployed --failed --uninstalling -o json");
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let revision = listed[0]["revision"].as_str().unwrap().parse().unwrap();
    (revision, listed[0]["status"].as_str().unwrap().to_owned())
}

/// A program in place of Helm, which runs it in the way that the script says; `HELM` stands for it.
fn wrapper(site: &Site, name: &str, script: &str) -> String {
    let path = site.path(name);
    let script = script.replace("HELM", site.helm_program().to_str().unwrap());
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// While it only looks: nothing was changed, and it ends at once.
#[test]
fn before_anything_was_begun() {
    let Some(site) = Site::start("stopped-before", &HELM_3) else { return };
    site.install("kant", &module("0.5.0"), "");
    let next = site.archive(&module("0.6.0"));
    let waiting = site.path("waiting");
    let helm = wrapper(
        &site,
        "slow-helm",
        &format!(
            "if [ \"$1\" = template ]; then /bin/touch {}; exec /bin/sleep 300; fi\nexec HELM \"$@\"",
            waiting.display()
        ),
    );
    let child = begin(&site, &format!("upgrade kant --chart {next} --skip-image-check --helm {helm}"));
    wait_until("rendering", || waiting.is_file());
    send(&child, Signal::INT);
    let (code, out, err) = ended(child);
    assert_eq!((code, out.as_str()), (Some(3), ""), "{err}");
    assert!(err.contains("error: interrupted before the cluster was touched\n"), "{err}");
    assert_eq!(status(&site), (1, "deployed".to_owned()));
}

/// While Helm waits: it is asked to stop, goes back, and that is what the report says.
#[test]
fn while_helm_is_at_work() {
    for (namespace, helm) in [("stopped-3-10", &HELM_3_10), ("stopped-3", &HELM_3), ("stopped-4", &HELM_4)] {
        let Some(site) = Site::start(namespace, helm) else { return };
        site.install("kant", &module("0.5.0"), "");
        let next = site.archive(&stuck("0.6.0"));
        let line = format!("upgrade kant --chart {next} --skip-image-check --output json");
        let child = begin(&site, &line);
        wait_until("Helm", || status(&site).1 == "pending-upgrade");
        send(&child, Signal::INT);
        let (code, out, err) = ended(child);
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains("Helm is asked to stop"), "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["outcome"], "rolled-back", "{report:#}\n{err}");
        assert_eq!(
            (report["version"].as_str(), report["status"].as_str()),
            (Some("0.5.0"), Some("deployed"))
        );
        let error = report["error"].as_str().unwrap();
        assert!(error.starts_with("interrupted, so that Helm was asked to stop: "), "{error}");

        let child = begin(&site, &format!("{line} --no-rollback"));
        wait_until("Helm", || status(&site).1 == "pending-upgrade");
        send(&child, Signal::TERM);
        let (code, out, err) = ended(child);
        assert_eq!(code, Some(1), "{err}");
        let report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((report["outcome"].as_str(), report["status"].as_str()), (Some("failed"), Some("failed")));
        assert_eq!(report["version"], "0.6.0");
    }
}

/// A killed run leaves no Helm, but one behind a wrapper; the next run waits for that one to end.
#[test]
fn what_a_killed_run_leaves() {
    let Some(site) = Site::start("stopped-killed", &HELM_3) else { return };
    site.install("kant", &module("0.5.0"), "");
    let gate = site.path("gate");
    // What it starts is not told of its parent's death, as with the wrappers of version managers.
    let script = format!(
        "if [ \"$1\" != upgrade ]; then exec HELM \"$@\"; fi\n/bin/cat > {0}.values\n\
         (while [ ! -e {0} ]; do /bin/sleep 0.1; done; exec HELM \"$@\" < {0}.values) &\n/bin/touch {0}.begun\nwait",
        gate.display()
    );
    let helm = wrapper(&site, "wrapped-helm", &script);
    let next = site.archive(&module("0.6.0"));
    let line = format!("upgrade kant --chart {next} --skip-image-check");
    let mut child = begin(&site, &format!("{line} --helm {helm}"));
    wait_until("the wrapper", || Path::new(&format!("{}.begun", gate.display())).is_file());
    send(&child, Signal::KILL);
    child.wait().unwrap();
    let after = site.archive(&module("0.7.0"));
    let second = begin(&site, &format!("upgrade kant --chart {after} --skip-image-check"));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(status(&site), (1, "deployed".to_owned()), "the second one has not begun");
    fs::write(&gate, "").unwrap();
    let (code, out, err) = ended(second);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("the Helm of a run that was killed is still at work on the release"), "{err}");
    assert!(out.starts_with("upgraded kant from 0.6.0 to 0.7.0"), "{out}");
    assert_eq!(status(&site), (3, "deployed".to_owned()));
}

/// In a pod there is no kubeconfig: the service account's files and two variables are what there is. A namespace of
/// mounts stands for the pod.
#[test]
fn as_the_service_account_of_a_pod() {
    let Some(site) = Site::start("in-a-pod", &HELM_4) else { return };
    if !may_mount() {
        eprintln!("SKIPPED: mounts need root");
        return;
    }
    site.install("kant", &module("0.5.0"), "");
    let namespace = site.namespace();
    site.cluster.kubectl(&["-n", namespace, "create", "serviceaccount", "upgrader"]);
    let binding = format!("--serviceaccount={namespace}:upgrader");
    site.cluster.kubectl(&[
        "create",
        "clusterrolebinding",
        "upgrader",
        "--clusterrole=cluster-admin",
        &binding,
    ]);
    let account = site.path("account");
    fs::create_dir(&account).unwrap();
    let token = site.cluster.kubectl(&["-n", namespace, "create", "token", "upgrader"]);
    fs::write(account.join("token"), token.trim()).unwrap();
    fs::write(account.join("namespace"), namespace).unwrap();
    fs::copy(site.cluster.ca_file(), account.join("ca.crt")).unwrap();
    let next = site.archive(&module("0.6.0"));
    let run = |line: &str| {
        let inner = site.command(line);
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount && \
                      cp account/* /run/secrets/kubernetes.io/serviceaccount && exec \"$@\"";
        command
            .args(["--mount", "/bin/sh", "-c", script, "sh"])
            .arg(inner.get_program())
            .args(inner.get_args());
        command.current_dir(site.path(""));
        command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env_remove("KUBECONFIG");
        let (host, port) = site.cluster.address();
        command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port);
        let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value).unwrap();
        let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", path.to_str().unwrap());
        command.env("PATH", path);
        crate::ended::ended(&mut command)
    };
    // The namespace is the pod's own.
    let done = run(&format!("upgrade kant --chart {next} --skip-image-check")).expect(0);
    assert!(done.out.starts_with("upgraded kant from 0.5.0 to 0.6.0"), "{}", done.out);
    assert!(!done.out.contains(token.trim()) && !done.err.contains(token.trim()));
    assert!(run("releases").expect(0).out.contains("kant 0.6.0"));
}

fn may_mount() -> bool {
    Command::new("unshare").args(["--mount", "/bin/true"]).status().is_ok_and(|status| status.success())
}

/// Without a cluster, or without a Helm, it is said what lacks and what to do.
#[test]
fn what_lacks_is_said() {
    let Some(site) = Site::start("lacks", &HELM_3) else { return };
    let run = |line: &str, change: &dyn Fn(&mut Command)| {
        let mut command = site.command(line);
        change(&mut command);
        crate::ended::ended(&mut command)
    };
    let without = |command: &mut Command| {
        command.env_remove("KUBECONFIG");
    };
    let lacks = run("upgrade kant --chart .", &without).expect(2);
    assert!(lacks.err.contains("error: there is no kubeconfig"), "{}", lacks.err);
    assert!(lacks.err.contains("hint: name one with --kubeconfig"), "{}", lacks.err);
    let no_helm = |command: &mut Command| {
        command.env("PATH", "/nowhere");
    };
    let lacks = run("upgrade kant --chart .", &no_helm).expect(2);
    assert!(lacks.err.contains("there is no program `helm` on PATH: install Helm 3.10"), "{}", lacks.err);
    let lacks = run("upgrade kant --chart . --helm /bin/echo", &|_| {}).expect(2);
    assert!(lacks.err.contains("/bin/echo cannot be used"), "{}", lacks.err);
    let context = run("upgrade kant --chart . --context moon", &|_| {}).expect(2);
    assert!(context.err.contains("has no context moon"), "{}", context.err);
    let nobody = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\ncontexts: [{name: c, context: {cluster: c, user: c}}]\nusers: [{name: c, user: {token: t0ken}}]\n";
    fs::write(site.path("nobody"), nobody).unwrap();
    let unreachable = run("upgrade kant --chart . --kubeconfig nobody", &|_| {}).expect(1);
    assert!(
        unreachable.err.contains("the API server https://127.0.0.1:1 can't be reached"),
        "{}",
        unreachable.err
    );
    assert!(!unreachable.err.contains("t0ken"));
}
