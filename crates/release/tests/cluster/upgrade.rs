//! Upgrades on the real control plane: done, stopped before anything is touched, failed and taken back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portolan_registry::Stop;
use portolan_release::advisories::Advisories;
use portolan_release::helm::RepositoryTrust;
use portolan_release::helm::{HelmRelease, UpgradeEnd};
use portolan_release::upgrade::{
    ChartSource, FrozenPolicy, ImageCheck, Outcome, Packages, UpgradeError, UpgradeOptions, UpgradePlan,
    UpgradeReport, execute, plan, prepare,
};
use portolan_release::{Holder, Observer, Run, Silent, upgrade};
use portolan_testkit::charts::Chart;
use portolan_testkit::components::{Component, HELM_3, HELM_3_10, HELM_4};

use crate::site::{Nobody, Site};

/// A CRD of a name of its own for each test, in one or two versions.
pub(crate) fn crd(plural: &str, versions: &[&str]) -> String {
    let stored = versions.last().unwrap();
    let version = |name: &&str| {
        let is_stored = name == stored;
        format!(
            "\n  - {{name: {name}, served: true, storage: {is_stored}, schema: {{openAPIV3Schema: {{type: object}}}}}}"
        )
    };
    let versions: String = versions.iter().map(version).collect();
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.up.example}}\n\
         spec:\n  group: up.example\n  scope: Namespaced\n  names: {{plural: {plural}, kind: {}{}}}\n  versions:{versions}\n",
        plural[..1].to_uppercase(),
        &plural[1..plural.len() - 1]
    )
}

/// kairship, whose definition gains a version, with an object of that version, and a hook.
fn kairship(plural: &str, version: &str, versions: &[&str]) -> Chart {
    let kind = format!("{}{}", plural[..1].to_uppercase(), &plural[1..plural.len() - 1]);
    let newest = versions.last().unwrap();
    let object = format!("apiVersion: up.example/{newest}\nkind: {kind}\nmetadata: {{name: one}}\n");
    let tag = format!("v{version}");
    Chart::new("kairship", version)
        .values("global:\n  imageRegistry: old.test.example\n")
        .image("web", "release.test.example", "kairship/kairship-apiserver", &tag)
        .file(&format!("crds/{plural}.yaml"), &crd(plural, versions))
        .file("templates/object.yaml", &object)
        .file("templates/hook.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: upgraded\n  annotations: {helm.sh/hook: pre-upgrade}\ndata: {v: {{ .Chart.Version }}}\n")
}

pub(crate) fn options(site: &Site, chart: PathBuf) -> UpgradeOptions {
    options_of(site.release("kairship"), chart)
}

pub(crate) fn options_of(release: HelmRelease, chart: PathBuf) -> UpgradeOptions {
    UpgradeOptions {
        release,
        source: ChartSource::Path(chart),
        version: None,
        installs: false,
        takes_over_namespace: false,
        values: Vec::new(),
        image_registry: Some("10.6.135.222".to_owned()),
        frozen: FrozenPolicy::Keep,
        advisories: Advisories::shipped(),
        answers: Default::default(),
        image_check: ImageCheck::Skip,
        dispensable: Default::default(),
        packages: Packages::default(),
        custom_resources: true,
        timeout: Duration::from_secs(180),
        end: UpgradeEnd::RolledBack,
        pins: true,
        dry_run: false,
        stop: Stop::default(),
    }
}

pub(crate) async fn planned(site: &Site, options: &UpgradeOptions) -> Result<UpgradePlan, UpgradeError> {
    let work = tempfile::tempdir().unwrap();
    let run = Run::unrecorded(&Silent);
    let place =
        upgrade::Site { cluster: &site.cluster, helm: &site.helm, registries: &Nobody, work: work.path() };
    plan(place, prepare(place, options, &run).await?, options, &run).await
}

pub(crate) fn holder() -> Holder {
    Holder { user: Some("jane".to_owned()), host: "seed".to_owned() }
}

/// Carries a plan out that nothing stands in the way of.
pub(crate) async fn carried_out(
    site: &Site,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    folder: &Path,
    observer: &dyn Observer,
) -> Result<UpgradeReport, UpgradeError> {
    assert_eq!(plan.obstacles(), Vec::<String>::new());
    let run = Run::recorded(observer, folder, plan.task(&site.cluster, holder())).unwrap();
    let place = upgrade::Site { cluster: &site.cluster, helm: &site.helm, registries: &Nobody, work: folder };
    execute(place, plan, options, &run).await
}

pub(crate) async fn executed(site: &Site, options: &UpgradeOptions, folder: &Path) -> UpgradeReport {
    let plan = planned(site, options).await.unwrap();
    carried_out(site, &plan, options, folder, &Silent).await.unwrap()
}

async fn upgrades(namespace: &str, plural: &str, helm: &Component) {
    let Some(site) = Site::start(namespace, helm).await else { return };
    site.install("kairship", &kairship(plural, "0.20.0", &["v1alpha1"]), &["--set", "web.replicas=1"]);
    let next = site.archive(&kairship(plural, "0.21.0", &["v1alpha1", "v1"]));
    let options = options(&site, next);
    let plan = planned(&site, &options).await.unwrap();
    assert_eq!((plan.from.as_deref(), plan.to.as_str()), (Some("0.20.0"), "0.21.0"));
    assert_eq!(plan.obstacles(), Vec::<String>::new());
    assert_eq!(plan.definitions[0].versions.len(), 2, "{:?}", plan.definitions);
    // The object is of a version that only the new definition has: it can't be tried out before.
    let left: Vec<_> = plan.rehearsal.not_rehearsed.iter().map(|one| one.object.kind.as_str()).collect();
    assert!(left.iter().all(|kind| plural.starts_with(&kind.to_lowercase())), "{left:?}");
    assert!(plan.notes[0].contains("rendered without the cluster"), "{:?}", plan.notes);
    let change = serde_json::to_string(&plan.values).unwrap();
    assert!(change.contains(r#"{"imageRegistry":"10.6.135.222"}"#), "{change}");
    assert_eq!(planned(&site, &options).await.unwrap().digest, plan.digest);

    let folder = tempfile::tempdir().unwrap();
    let report = executed(&site, &options, folder.path()).await;
    assert_eq!(report.outcome, Outcome::Upgraded, "{report:#?}");
    assert_eq!((report.revision, report.version.as_deref()), (Some(2), Some("0.21.0")));
    let definition = site.kubernetes.object(namespace, "crd", &format!("{plural}.up.example")).unwrap();
    assert_eq!(definition["spec"]["versions"].as_array().unwrap().len(), 2);
    assert!(
        definition["metadata"]["managedFields"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["manager"] == "portolan")
    );
    let overrides = String::from_utf8(site.helm.overrides(&options.release).await.unwrap()).unwrap();
    assert_eq!(overrides, "global:\n  imageRegistry: 10.6.135.222\nweb:\n  replicas: 1\n");
    let kept = fs::read_to_string(folder.path().join("backup/bak.yaml")).unwrap();
    assert_eq!(kept, "web:\n  replicas: 1\n");
    let steps = fs::read_to_string(folder.path().join("journal.jsonl")).unwrap();
    for step in ["back-up", "definitions", "upgrade", "verify"] {
        assert!(steps.contains(&format!("\"step\":\"{step}\",\"state\":\"ended\"")), "{steps}");
    }
    // The same once more: nothing would change.
    let again = planned(&site, &options).await.unwrap();
    assert!(again.changes_nothing(), "{}", serde_json::to_string_pretty(&again).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_helm_3_10() {
    upgrades("up-3-10", "lanterns", &HELM_3_10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_helm_3() {
    upgrades("up-3", "candles", &HELM_3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_helm_4() {
    upgrades("up-4", "torches", &HELM_4).await;
}

/// A pod that never becomes ready: Helm gives up and goes back, and that is what the report says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_taken_back_and_told() {
    for (number, helm) in [HELM_3_10, HELM_4].iter().enumerate() {
        let namespace = format!("up-fails-{number}");
        let Some(site) = Site::start(&namespace, helm).await else { return };
        let old = Chart::new("kairship", "0.20.0").image("web", "r.test.example", "a/b", "1");
        site.install("kairship", &old, &[]);
        let stuck = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      nodeSelector: {moon: full}\n      containers: [{name: c, image: r.test.example/c:1}]\n";
        let new = Chart::new("kairship", "0.21.0")
            .image("web", "r.test.example", "a/b", "2")
            .file("templates/stuck.yaml", stuck);
        let options =
            UpgradeOptions { timeout: Duration::from_secs(20), ..options(&site, site.archive(&new)) };
        let folder = tempfile::tempdir().unwrap();
        let report = executed(&site, &options, folder.path()).await;
        assert_eq!(report.outcome, Outcome::RolledBack, "{report:#?}");
        assert_eq!((report.revision, report.version.as_deref()), (Some(3), Some("0.20.0")));
        assert!(
            report.error.as_deref().unwrap().starts_with("upgrading kairship in up-fails-"),
            "{report:#?}"
        );
        assert!(report.verified.unwrap().is_ready());
        assert!(site.kubernetes.object(&namespace, "deployment", "stuck").is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_would_refuse_stands_in_the_way() {
    let Some(site) = Site::start("up-refused", &HELM_3).await else { return };
    site.install("kairship", &kairship("bells", "0.20.0", &["v1alpha1"]), &[]);
    // The stored version is dropped from the definition, and the selector of a deployment can't change.
    let other = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: kairship-kairship}\nspec:\n  selector: {matchLabels: {other: label}}\n  template:\n    metadata: {labels: {other: label}}\n    spec: {containers: [{name: c, image: r.test.example/c:1}]}\n";
    let new = Chart::new("kairship", "0.21.0")
        .file("crds/bells.yaml", &crd("bells", &["v1"]))
        .file("templates/d.yaml", other);
    let plan = planned(&site, &options(&site, site.archive(&new))).await.unwrap();
    let obstacles = plan.obstacles();
    let has = |words: &str| obstacles.iter().any(|one| one.contains(words));
    assert!(has("the definition bells.up.example") && has("status.storedVersions[0]"), "{obstacles:#?}");
    assert!(
        has("Deployment kairship-kairship: the server refuses it") && has("field is immutable"),
        "{obstacles:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_that_somebody_else_keeps_is_refused_by_name() {
    let Some(site) = Site::start("up-kept", &HELM_3).await else { return };
    site.install(
        "kairship",
        &Chart::new("kairship", "0.20.0")
            .file("templates/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"),
        &[],
    );
    let mine = site.file("mine.yaml", &crd("drums", &["v1alpha1"]));
    let apply = |manager: &str| {
        site.kubernetes.kubectl(&[
            "apply",
            "--server-side",
            "--field-manager",
            manager,
            "--force-conflicts",
            "-f",
            &mine,
        ]);
    };
    let new = site.archive(
        &Chart::new("kairship", "0.21.0").file("crds/drums.yaml", &crd("drums", &["v1alpha1", "v1"])),
    );
    apply("kubectl-client-side-apply");
    let plan = planned(&site, &options(&site, new.clone())).await.unwrap();
    assert_eq!(plan.obstacles(), Vec::<String>::new());
    apply("gitops");
    let plan = planned(&site, &options(&site, new)).await.unwrap();
    let expected = "the definition drums.up.example is kept by gitops, whose fields are not taken over";
    assert_eq!(plan.obstacles(), [expected]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_upgraded_says_why() {
    let Some(site) = Site::start("up-not", &HELM_3).await else { return };
    site.install(
        "kairship",
        &Chart::new("kairship", "0.20.0").image("web", "r.test.example", "a/b", "1"),
        &[],
    );
    let refused = async |options: UpgradeOptions| planned(&site, &options).await.err().unwrap().to_string();
    let other = site.archive(&Chart::new("kant", "0.5.0"));
    let expected = "the release is one of the chart kairship, and this is the chart kant";
    assert_eq!(refused(options(&site, other)).await, expected);
    let chart = site.archive(&Chart::new("kairship", "0.21.0"));
    let listed =
        ChartSource::Listed { name: None, url: None, login: None, trust: RepositoryTrust::default() };
    let expected = "Helm's list has no chart repository kairship";
    let absent = UpgradeOptions { source: listed, ..options(&site, chart.clone()) };
    assert_eq!(refused(absent).await, expected);
    let mut lost = options(&site, chart.clone());
    lost.release.name = "kpanda".parse().unwrap();
    let expected = "there is no release kpanda in the namespace up-not; there are: kairship (chart kairship)";
    assert_eq!(refused(lost).await, expected);
}
