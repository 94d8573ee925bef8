//! A release that is to be installed into a namespace that is not there yet; a repository behind a certificate of the
//! site's own, which Helm's list is told of; and advisories that ask the cluster.

use std::fs;

use portolan_testkit::bundles::Bundle;
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use portolan_testkit::faulty_proxy::FaultyProxy;
use portolan_testkit::tls::Certificates;
use serde_json::Value;

use crate::depot::Depot;
use crate::ended::Ended;
use crate::site::Site;
use crate::stopped::killed_behind;

fn module(version: &str) -> Chart {
    Chart::new("kant", version).image("web", "r.test.example", "kant/kant-apiserver", version)
}

/// A deployment whose pod finds no node.
const STUCK: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      nodeSelector: {moon: full}\n      containers: [{name: c, image: r.test.example/c:1}]\n";

fn is_there(site: &Site, namespace: &str) -> bool {
    site.cluster.object("default", "namespace", namespace).is_some()
}

/// Takes back what was broken off in that namespace.
fn undo(site: &Site, namespace: &str, code: i32) -> Ended {
    site.run_anywhere(&format!("upgrade kant -n {namespace} --undo")).expect(code)
}

/// The namespace is made first, as the plan says, and stays where the installation fails.
#[test]
fn into_a_namespace_that_is_not_there() {
    for (namespace, fresh, helm) in
        [("install-3", "install-3-fresh", &HELM_3_10), ("install-4", "install-4-fresh", &HELM_4)]
    {
        let Some(site) = Site::start(namespace, helm) else { return };
        let failing = site.archive(&module("0.4.0").file("templates/stuck.yaml", STUCK));
        let line = format!("upgrade kant --skip-image-check --install -n {fresh} --chart");
        let dry = site.run_anywhere(&format!("{line} {failing} --dry-run")).expect(0);
        let said = format!("  the namespace {fresh} is not there, and is made first\n");
        assert!(dry.out.contains(&said), "{}", dry.out);
        assert!(dry.out.contains("kant-kant: its namespace is not there yet\n"), "{}", dry.out);
        assert!(!is_there(&site, fresh), "a dry run makes nothing");

        let failed = site.run_anywhere(&format!("{line} {failing} --timeout 5s")).expect(1);
        assert!(failed.err.contains(&format!("✓ make the namespace: {fresh}\n")), "{}", failed.err);
        assert!(failed.err.contains("✓ keep others out: by a lease\n"), "{}", failed.err);
        assert!(
            failed.out.contains(&format!("the namespace {fresh} was made, and stays\n")),
            "{}",
            failed.out
        );

        let good = site.archive(&module("0.5.0"));
        let done = site.run_anywhere(&format!("{line} {good} --output json")).expect(0);
        let report: Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!((&report["outcome"], &report["makesNamespace"]), (&"upgraded".into(), &Value::Null));
        site.cluster.kubectl(&["delete", "namespace", fresh, "--wait=false"]);
    }
}

/// Entries of such a run's journal: its head, then `namespace`, `hold`, `back-up` and `upgrade`, before and after
/// each.
const BEFORE_IT_IS_MADE: u32 = 2;
const ONCE_IT_IS_MADE: u32 = 3;
const ONCE_HELM_IS_DONE: u32 = 11;

/// Killed before there is a lease in it: the namespace is known to the run all the same, which goes on, or is taken
/// back and the namespace with it.
#[test]
fn killed_while_the_namespace_is_made() {
    let Some(site) = Site::start("install-killed", &HELM_4) else { return };
    let chart = site.archive(&module("0.5.0"));
    let line =
        |namespace| format!("upgrade kant --skip-image-check --install -n {namespace} --chart {chart}");
    for (number, entry) in [BEFORE_IT_IS_MADE, ONCE_IT_IS_MADE, ONCE_HELM_IS_DONE].into_iter().enumerate() {
        let namespace = ["install-back-1", "install-back-2", "install-back-3"][number];
        killed_behind(&site, &line(namespace), entry);
        assert_eq!(is_there(&site, namespace), entry >= ONCE_IT_IS_MADE);
        let undone = undo(&site, namespace, 0);
        assert!(
            undone.err.contains(&format!("✓ make the namespace: {namespace} taken back\n")),
            "{}",
            undone.err
        );
        assert!(!is_there(&site, namespace), "{entry}");
        undo(&site, namespace, 2);
    }

    // On, with either command, also where somebody has removed it meanwhile.
    for (number, entry) in [BEFORE_IT_IS_MADE, ONCE_IT_IS_MADE].into_iter().enumerate() {
        let namespace = ["install-on-1", "install-on-2"][number];
        killed_behind(&site, &line(namespace), entry);
        if is_there(&site, namespace) {
            site.cluster.kubectl(&["delete", "namespace", namespace]);
        }
        let on = if number == 0 { line(namespace) } else { format!("upgrade kant -n {namespace} --resume") };
        let done = site.run_anywhere(&on).expect(0);
        assert!(done.err.contains(&format!("✓ make the namespace: {namespace}\n")), "{}", done.err);
        site.cluster.kubectl(&["delete", "namespace", namespace, "--wait=false"]);
    }

    // Something else lives in it by now, or somebody else made it.
    let namespace = "install-kept";
    killed_behind(&site, &line(namespace), ONCE_IT_IS_MADE);
    site.cluster.kubectl(&["-n", namespace, "create", "configmap", "theirs"]);
    let kept = undo(&site, namespace, 3);
    assert!(kept.err.contains("install-kept stays: it has ConfigMap theirs\n"), "{}", kept.err);
    assert!(kept.out.contains("the namespace install-kept was made, and stays\n"), "{}", kept.out);
    let namespace = "install-theirs";
    killed_behind(&site, &line(namespace), BEFORE_IT_IS_MADE);
    site.cluster.kubectl(&["create", "namespace", namespace]);
    let theirs = undo(&site, namespace, 3);
    assert!(theirs.err.contains("install-theirs stays: somebody else made it\n"), "{}", theirs.err);
    assert!(is_there(&site, "install-kept") && is_there(&site, namespace));
}

/// Entries of a journal that was begun in the place of such a run: its head, then the end of that run's journal; all
/// else comes after.
const ONCE_IT_HAS_BEGUN: u32 = 1;
const ONCE_THE_OTHER_IS_GIVEN_UP: u32 = 2;
const ONCE_THE_NAMESPACE_IS_KNOWN: u32 = 3;

/// Another installation in the place of one that was broken off: the namespace of that one is its own to take back, from
/// its first entry on; never one that was there before both.
#[test]
fn begun_anew_over_a_broken_off_installation() {
    let Some(site) = Site::start("install-anew", &HELM_4) else { return };
    let line = |namespace: &str, version: &str| {
        let chart = site.archive(&module(version));
        format!("upgrade kant --skip-image-check --install -n {namespace} --chart {chart}")
    };
    let places = [("install-anew-1", ONCE_THE_OTHER_IS_GIVEN_UP), ("install-anew-2", ONCE_HELM_IS_DONE + 1)];
    for (namespace, entry) in places {
        killed_behind(&site, &line(namespace, "0.5.0"), ONCE_IT_IS_MADE);
        killed_behind(&site, &line(namespace, "0.6.0"), entry);
        assert!(is_there(&site, namespace));
        let undone = undo(&site, namespace, 0);
        let said = format!("✓ make the namespace: {namespace} taken back\n");
        assert!(undone.err.contains(&said), "{entry}: {}", undone.err);
        assert!(!is_there(&site, namespace), "{entry}");
        let runs = site.run_anywhere("runs").expect(0).out;
        assert!(!runs.contains("broken off"), "{runs}");
        undo(&site, namespace, 2);
    }

    // It was there before the first, or something else lives in it by now.
    let namespace = "install-anew-there";
    site.cluster.namespace(namespace);
    killed_behind(&site, &line(namespace, "0.5.0"), ONCE_IT_HAS_BEGUN);
    killed_behind(&site, &line(namespace, "0.6.0"), ONCE_THE_OTHER_IS_GIVEN_UP);
    undo(&site, namespace, 0);
    assert!(is_there(&site, namespace));
    let namespace = "install-anew-theirs";
    killed_behind(&site, &line(namespace, "0.5.0"), BEFORE_IT_IS_MADE);
    site.cluster.kubectl(&["create", "namespace", namespace]);
    killed_behind(&site, &line(namespace, "0.6.0"), ONCE_IT_HAS_BEGUN);
    let theirs = undo(&site, namespace, 3);
    assert!(theirs.err.contains("install-anew-theirs stays: somebody else made it\n"), "{}", theirs.err);
    let namespace = "install-anew-kept";
    killed_behind(&site, &line(namespace, "0.5.0"), ONCE_IT_IS_MADE);
    site.cluster.kubectl(&["-n", namespace, "create", "configmap", "theirs"]);
    killed_behind(&site, &line(namespace, "0.6.0"), ONCE_THE_NAMESPACE_IS_KNOWN);
    let kept = undo(&site, namespace, 3);
    assert!(kept.err.contains("install-anew-kept stays: it has ConfigMap theirs\n"), "{}", kept.err);
}

/// A chart may make namespaces for its own objects: those can't be tried out, and stand in nobody's way.
#[test]
fn objects_in_a_namespace_that_the_chart_makes() {
    let Some(site) = Site::start("install-own", &HELM_3) else { return };
    site.install("kant", &module("0.5.0"), "");
    let own = "apiVersion: v1\nkind: Namespace\nmetadata: {name: install-own-extra}\n";
    let inside = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: install-own-extra}\n";
    let chart = module("0.6.0").file("templates/ns.yaml", own).file("templates/c.yaml", inside);
    let archive = site.archive(&chart);
    let dry = site.run(&format!("upgrade kant --chart {archive} --skip-image-check --dry-run")).expect(0);
    assert!(
        dry.out.contains("ConfigMap install-own-extra/c: its namespace is not there yet\n"),
        "{}",
        dry.out
    );
    site.run(&format!("upgrade kant --chart {archive} --skip-image-check")).expect(0);
    assert!(is_there(&site, "install-own-extra"));
}

/// Helm's list is told of the authority, so that whoever uses it by hand afterwards needs no flag.
#[test]
fn a_repository_behind_a_certificate_of_the_sites_own() {
    for (namespace, helm) in [("own-ca-3", &HELM_3_10), ("own-ca-4", &HELM_4)] {
        let Some(site) = Site::start(namespace, helm) else { return };
        let depot = Depot::harbor();
        fs::create_dir(site.path("ca")).unwrap();
        let proxy = FaultyProxy::with_tls(&depot.host(), &Certificates::make(&site.path("ca")));
        site.install("kant", &module("0.5.0"), "");
        let (plain, with_tls) = (format!("http://{}", depot.host()), proxy.url());
        let configuration = |url: &str| {
            format!(
                "source: {{intermediateBundlesPath: bundles}}\ntarget:\n  containerRegistry: {}\n  \
                 containerRepository: library/kant\n  repo:\n    kind: HARBOR\n    url: {url}/chartrepo/library\n    \
                 auth: {{username: admin, password: Harbor12345}}\n  containers:\n    \
                 auth: {{username: admin, password: Harbor12345}}\n",
                depot.host()
            )
        };
        fs::write(site.path("sync.yaml"), configuration(&plain)).unwrap();
        fs::create_dir(site.path("bundles")).unwrap();
        let chart = Chart::new("kant", "0.6.0")
            .file("templates/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n");
        fs::write(site.path("bundles/kant.bundle.tar"), Bundle::new(&chart).tar()).unwrap();
        site.run_anywhere("sync -c sync.yaml --auto-create-repository").expect(0);

        fs::write(site.path("upgrade.yaml"), configuration(&with_tls)).unwrap();
        let line = "upgrade kant -c upgrade.yaml --skip-image-check --keep-frozen";
        let unknown = site.run(line).expect(1);
        assert!(unknown.err.contains("certificate"), "{}", unknown.err);
        site.run(&format!("{line} --ca-file ca/ca.pem")).expect(0);
        let updated = site.by_hand("repo update kant");
        assert!(updated.contains("got an update from the \"kant\" chart repository"), "{updated}");

        site.by_hand("repo remove kant");
        let again = site.run(&format!("{line} --insecure --version 0.6.0")).expect(0);
        assert!(!again.err.contains("Harbor12345"));
        site.by_hand("repo update kant");
    }
}

const ASKING: &str = "\
advisoriesVersion: 1
advisories:
  - id: old-operator
    module: kant
    to: '>= 0.6.0'
    severity: breaks
    title: {en: The operator is too old, zh: 版本过旧}
    text: {en: It has to be newer., zh: 需要升级。}
    when: {release: {chart: asked-operator, version: '< 2.0.0'}}
    mend:
      - require: {chart: asked-operator, version: '>= 2.0.0', when: before}
    tests:
      - {name: nobody was asked, to: 0.6.0, expect: {applies: unknown}}
";

/// What stands in the cluster is asked of it, and not only read from a file.
#[test]
fn advisories_ask_the_cluster() {
    let Some(site) = Site::start("asked-facts", &HELM_3) else { return };
    fs::write(site.path("ours.yaml"), ASKING).unwrap();
    let line = "advisories check --module kant --from 0.5.0 --to 0.6.0 --advisories ours.yaml --output json";
    let document = |line: &str, code: i32| -> Value {
        serde_json::from_str(&site.run_anywhere(line).expect(code).out).unwrap()
    };
    let applies = |document: &Value| document["findings"][0]["applies"].clone();
    assert_eq!(applies(&document(line, 3)), "unknown");
    let operator = Chart::new("asked-operator", "1.0.0").image("web", "r.test.example", "a/b", "1");
    site.install("operator", &operator, "");
    let asked = document(&format!("{line} --ask-cluster"), 3);
    assert_eq!(applies(&asked), "yes", "{asked:#}");
    assert!(asked.to_string().contains("1.0.0"), "{asked:#}");
    site.by_hand("uninstall operator --wait");
    let kubeconfig = site.cluster.kubeconfig().display();
    let gone = document(&format!("{line} --kubeconfig {kubeconfig}"), 0);
    assert_eq!(gone["findings"].as_array().map(Vec::len), Some(0), "{gone:#}");
    let both = site.run_anywhere(&format!("{line} --ask-cluster --cluster-facts facts.yaml")).expect(2);
    assert!(both.err.contains("cannot be used with"), "{}", both.err);
}
