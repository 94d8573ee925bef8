//! What a user reads when an upgrade can't be, and how one that somebody broke off is brought to an end.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_4};
use portolan_testkit::held::Held;
use portolan_testkit::process;
use serde_json::Value;

use crate::depot::Depot;
use crate::site::Site;
use crate::stopped::wait_until;

fn module(version: &str) -> Chart {
    Chart::new("kant", version).image("web", "r.test.example", "a/b", version)
}

/// With a pod for which there is no node yet.
pub(crate) fn stuck(version: &str) -> Chart {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: stuck}\nspec:\n  nodeSelector: {moon-of-{{ .Release.Namespace }}: full}\n  containers: [{name: c, image: r.test.example/c:1}]\n";
    module(version).file("templates/stuck.yaml", pod)
}

/// A definition that gains a version, in which objects are stored from then on.
const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.test.example}
spec:
  group: test.example
  scope: Namespaced
  names: {plural: PLURAL, kind: KIND}
  versions:
  - {name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}
  - {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
";

/// The JSON that a command printed.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn values_that_are_no_map_are_told_with_their_file() {
    let Some(site) = Site::start("fault-map", &HELM_3) else { return };
    site.install("kant", &module("0.20.0"), "");
    let next = site.archive(&module("0.21.0"));
    fs::write(site.path("list.yaml"), "- a\n- b\n").unwrap();
    let failed = site.run(&format!("upgrade kant --chart {next} --skip-image-check -f list.yaml")).expect(2);
    assert!(failed.err.contains("list.yaml"), "{}", failed.err);
    fs::write(site.path("broken.yaml"), "a: [\n").unwrap();
    let failed =
        site.run(&format!("upgrade kant --chart {next} --skip-image-check -f broken.yaml")).expect(2);
    assert!(failed.err.contains("broken.yaml"), "{}", failed.err);
    assert!(site.run("releases").expect(0).out.contains("kant 0.20.0"));
}

/// The registry is there, and has nothing of that name: the image is named, with the object that wants it.
#[test]
fn images_that_lack_stop_the_upgrade() {
    let Some(site) = Site::start("fault-images", &HELM_3) else { return };
    let depot = Depot::open();
    site.install("kant", &module("0.20.0"), "");
    let host = depot.host();
    let next = site.archive(&Chart::new("kant", "0.21.0").image("web", &host, "a/b", "0.21.0"));
    let failed = site.run(&format!("upgrade kant --chart {next} --keep-frozen")).expect(1);
    let image = format!("{host}/a/b:0.21.0");
    assert!(
        failed.err.contains(&format!("{image} is not in its registry (Deployment kant-kant)")),
        "{}",
        failed.err
    );
    assert!(failed.err.contains("nothing was changed"), "{}", failed.err);
    assert!(site.run("releases").expect(0).out.contains("kant 0.20.0"));
}

/// A run whose programs have all died: no Portolan, no Helm.
pub(crate) fn broken_off(site: &Site, line: &str) {
    let mut command = site.command(line);
    command.args(["--namespace", site.namespace()]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while site.cluster.object(site.namespace(), "pod", "stuck").is_none() {
        assert!(Instant::now() < deadline, "Helm did not get that far");
        std::thread::sleep(Duration::from_millis(100));
    }
    process::run(Command::new("kill").args(["-9", &child.id().to_string()]));
    child.wait().unwrap();
}

#[test]
fn a_killed_run_is_listed_and_recovered() {
    let Some(site) = Site::start("fault-recover", &HELM_4) else { return };
    site.install("kant", &module("0.20.0"), "");
    let next = site.archive(&stuck("0.21.0"));
    let upgrade = format!("upgrade kant --chart {next} --skip-image-check --keep-frozen");
    broken_off(&site, &upgrade);

    let listed = site.run_anywhere("runs").expect(0).out;
    assert!(listed.contains("fault-recover/kant  0.20.0 → 0.21.0  broken off: helm upgrade"), "{listed}");
    assert!(
        listed.contains(
            "left: `portolan upgrade kant -n fault-recover --resume` or `--undo`, or `portolan recover kant"
        ),
        "{listed}"
    );
    // Not the same: another value.
    let refused = site.run(&format!("{upgrade} --set replicas=3")).expect(1);
    assert!(
        refused.err.contains("was broken off, and this is not the same: the overrides are others"),
        "{}",
        refused.err
    );
    assert!(refused.err.contains("the release kant is pending-upgrade at revision 2"), "{}", refused.err);
    assert!(refused.err.contains("hint: ") && refused.err.contains("`portolan recover`"), "{}", refused.err);

    let shown = site.run("recover kant --dry-run").expect(0).out;
    assert!(
        shown.starts_with("kant in fault-recover is pending-upgrade at revision 2 (kant 0.21.0)"),
        "{shown}"
    );
    assert!(shown.contains("Deployment kant-kant holds the new"), "{shown}");
    assert!(
        shown.contains("its lease is of ") && shown.ends_with("back to revision 1 (kant 0.20.0)\n"),
        "{shown}"
    );
    assert!(site.run("releases").expect(0).out.contains("pending-upgrade"));

    let done = site.run("recover kant --output json").expect(0);
    let done = json(&done.out);
    assert_eq!((&done["from"], &done["to"], &done["revision"]), (&2.into(), &1.into(), &3.into()));
    assert!(site.cluster.object("fault-recover", "pod", "stuck").is_none());
    let history = site.run("history kant").expect(0).out;
    assert!(
        !history.contains("pending") && history.contains("Broken off; recovered by Portolan"),
        "{history}"
    );
    // Helm itself reads what was marked.
    assert!(site.by_hand("history kant").contains("Broken off; recovered by Portolan"));
    let again = site.run("recover kant").expect(1);
    let expected = "error: the release kant is deployed at revision 3: nothing was broken off\n";
    assert!(again.err.contains(expected), "{}", again.err);
    assert!(site.cluster.object("fault-recover", "lease", "portolan-kant").is_none());
}

/// A recovery that is itself killed behind an entry of its journal: before its work, and behind it. The next one has
/// its lease, without waiting for its end, and closes its journal.
#[test]
fn a_killed_recovery_is_finished() {
    let Some(site) = Site::start("fault-twice", &HELM_3) else { return };
    site.install("kant", &module("0.20.0"), "");
    let next = site.archive(&stuck("0.21.0"));
    for (entry, said) in [(4, "revision 3 stands"), (5, "an earlier recovery had brought it there")] {
        broken_off(&site, &format!("upgrade kant --chart {next} --skip-image-check --keep-frozen"));
        let held = Held::new(&site.path("")).expect("a C compiler");
        let mut command = site.command("recover kant -n fault-twice");
        held.attach(&mut command, "/journal.jsonl", entry);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("recover's entry", || held.is_held());
        child.kill().unwrap();
        child.wait().unwrap();
        let done = site.run("recover kant").expect(0);
        assert!(done.out.contains(said), "{}\n{}", done.out, done.err);
        assert!(!done.err.contains("waiting for the end of a lease"), "{}", done.err);
        assert!(site.cluster.object("fault-twice", "lease", "portolan-kant").is_none());
        let listed = site.run_anywhere("runs").expect(0).out;
        assert!(!listed.contains("broken off"), "{listed}");
        assert!(!site.run("history kant").expect(0).out.contains("pending"));
        site.by_hand("uninstall kant --wait");
        site.install("kant", &module("0.20.0"), "");
    }
}

/// On to what was broken off, once what held it up is there.
#[test]
fn a_release_goes_on_to_what_was_broken_off() {
    let Some(site) = Site::start("fault-on", &HELM_3) else { return };
    site.install("kant", &module("0.20.0"), "");
    let next = site.archive(&stuck("0.21.0"));
    broken_off(&site, &format!("upgrade kant --chart {next} --skip-image-check --keep-frozen"));
    site.cluster.kubectl(&["label", "node", "node-a", "moon-of-fault-on=full"]);
    let done = site.run("recover kant --on").expect(0);
    assert!(
        done.out.starts_with("revision 4 stands, which is revision 2 again (version 0.21.0)"),
        "{}",
        done.out
    );
    assert!(!site.run("history kant").expect(0).out.contains("pending"));
    site.cluster.kubectl(&["label", "node", "node-a", "moon-of-fault-on-"]);
}

/// An installation that was broken off has nothing to go back to.
#[test]
fn a_release_that_never_was_good_is_taken_away() {
    let Some(site) = Site::start("fault-install", &HELM_3) else { return };
    let chart = site.archive(&stuck("0.21.0"));
    let mut helm = site.helm(&format!("install kant {chart} --wait")).spawn().unwrap();
    while site.cluster.object("fault-install", "pod", "stuck").is_none() {
        std::thread::sleep(Duration::from_millis(100));
    }
    helm.kill().unwrap();
    helm.wait().unwrap();
    let done = site.run("recover kant").expect(0);
    assert_eq!(done.out, "kant was pending-install and never good: it is taken away\n");
    assert!(site.cluster.object("fault-install", "pod", "stuck").is_none());
    assert_eq!(site.run("releases").expect(0).out, "no releases\n");
}

/// Killed in the middle of Helm's work: what was broken off is taken back, and then done as it was planned.
#[test]
fn a_killed_run_goes_on() {
    let Some(site) = Site::start("fault-resume", &HELM_3) else { return };
    site.install("kant", &module("0.20.0"), "");
    let none = site.run("upgrade kant --resume").expect(2);
    assert!(none.err.contains("no upgrade of kant in fault-resume was broken off here"), "{}", none.err);
    let next = site.archive(&stuck("0.21.0"));
    broken_off(
        &site,
        &format!("upgrade kant --chart {next} --skip-image-check --keep-frozen --set replicas=2"),
    );
    // Neither the chart nor the flags are needed any more.
    fs::remove_file(site.path(&next)).unwrap();
    site.cluster.kubectl(&["label", "node", "node-b", "moon-of-fault-resume=full"]);
    let done = site.run("upgrade kant --resume").expect(0);
    assert!(
        done.out.starts_with("upgraded kant from 0.20.0 to 0.21.0: 0.21.0, revision 4, deployed"),
        "{}",
        done.out
    );
    assert!(done.err.contains("Helm was broken off, and its upgrade is taken back first"), "{}", done.err);
    assert_eq!(site.by_hand("get values kant -o yaml"), "replicas: 2\n");
    assert!(!site.run("history kant").expect(0).out.contains("pending"));
    let listed = site.run_anywhere("runs kant").expect(0).out;
    assert!(listed.contains("upgrade  fault-resume/kant  0.20.0 → 0.21.0  upgraded"), "{listed}");
    site.run("upgrade kant --resume").expect(2);
    site.cluster.kubectl(&["label", "node", "node-b", "moon-of-fault-resume-"]);
}

/// The same command again needs no flag to go on; and where it is taken back, its definitions go too.
#[test]
fn the_same_command_goes_on_and_is_taken_back() {
    let Some(site) = Site::start("fault-again", &HELM_3) else { return };
    site.install("kant", &module("0.20.0").crd("spades"), "");
    let before = site.cluster.object("", "crd", "spades.test.example").unwrap();
    let definition = CRD.replace("PLURAL", "spades").replace("KIND", "Spade");
    let next = stuck("0.21.0").file("crds/spades.yaml", &definition).crd("rakes");
    let upgrade = format!("upgrade kant --chart {} --skip-image-check --keep-frozen", site.archive(&next));
    broken_off(&site, &upgrade);
    let undone = site.run("upgrade kant --undo").expect(0);
    assert!(
        undone.out.starts_with("took back the upgrade of kant to 0.21.0: 0.20.0, revision 3"),
        "{}",
        undone.out
    );
    let after = site.cluster.object("", "crd", "spades.test.example").unwrap();
    assert_eq!(after["spec"], before["spec"]);
    assert!(site.cluster.object("", "crd", "rakes.test.example").is_none());
    assert!(!site.run("history kant").expect(0).out.contains("pending"));
    site.run("upgrade kant --undo").expect(2);

    broken_off(&site, &upgrade);
    // An object of the new version: its definition may not go back any more.
    let object = "apiVersion: test.example/v2\nkind: Spade\nmetadata: {name: one, namespace: fault-again}\n";
    site.cluster.apply(object);
    let undone = site.run("upgrade kant --undo").expect(3);
    assert!(
        undone.err.contains("spades.test.example stays as it is: 1 of its objects may be stored in v2"),
        "{}",
        undone.err
    );

    broken_off(&site, &upgrade);
    site.cluster.kubectl(&["label", "node", "node-a", "moon-of-fault-again=full"]);
    let done = site.run(&upgrade).expect(0);
    assert!(done.err.contains("going on to 0.21.0, which was begun "), "{}", done.err);
    assert!(done.out.starts_with("upgraded kant from 0.20.0 to 0.21.0"), "{}", done.out);
    assert!(!site.run_anywhere("runs").expect(0).out.contains("broken off"));
    site.cluster.kubectl(&["label", "node", "node-a", "moon-of-fault-again-"]);
}
