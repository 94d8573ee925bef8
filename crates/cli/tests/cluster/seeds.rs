//! The seeds' procedures for upgrades, each gone again from the same beginning: by the commands of the
//! documentation as they stand there, in a shell, and by Portolan. What stands in the cluster afterwards, what
//! Helm says of it and what was backed up has to be the same.

mod advisories;
mod back;
mod modules;
mod site;
mod state;
pub(crate) mod walkthrough;

use std::fs;

use portolan_testkit::components::{HELM_3, HELM_3_10, HELM_4};
use serde_json::Value;

use modules::{KAIRSHIP, KANT, KPANDA};
use site::Seed;

/// "Upgrade via helm repo".
const BY_REPOSITORY: &str = "\
    helm repo list | grep MODULE || echo nothing
    helm repo add RELEASE http://HOST/chartrepo/release.daocloud.io --username admin --password Harbor12345
    helm repo update RELEASE
    helm search repo RELEASE/MODULE --versions
    helm get values RELEASE -n NAMESPACE -o yaml > bak.yaml
    helm pull RELEASE/MODULE --version NEW && tar -zxf MODULE-NEW.tgz
    kubectl apply -f MODULE/crds
    export imageRegistry=HOST
    helm upgrade RELEASE RELEASE/MODULE -n NAMESPACE -f ./bak.yaml --set global.imageRegistry=$imageRegistry --version NEW
";

/// "Upgrade via chart package", in the chart's folder.
const BY_PACKAGE: &str = "\
    helm repo add site http://HOST/chartrepo/release.daocloud.io --username admin --password Harbor12345
    helm pull site/MODULE --version NEW --untar && helm repo remove site && cd MODULE
    helm get values RELEASE -n NAMESPACE -o yaml > ../bak.yaml
    kubectl apply -f ./crds
    export imageRegistry=HOST
    helm upgrade RELEASE . -n NAMESPACE -f ../bak.yaml --set global.imageRegistry=$imageRegistry
";

/// What kpanda's page tells to change by hand from 0.21.0 on, with a password that needs care in a query.
const SENTINEL: &str =
    "redis+sentinel://:3wPx%2BzW%40ffdn@rfs-redis.mcamel-system.svc.cluster.local:26379/mymaster";
const SENTINEL_BY_HAND: &str = " --set-string 'global.db.redis.url=redis+sentinel://:3wPx%2BzW%40ffdn@rfs-redis.mcamel-system.svc.cluster.local:26379/mymaster?master_password=3wPx%2BzW%40ffdn'\n";

/// A deployment for which there is no node.
const STUCK: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: stuck}
spec:
  selector: {matchLabels: {app: stuck}}
  template:
    metadata: {labels: {app: stuck}}
    spec:
      nodeSelector: {moon: full}
      containers: [{name: c, image: \"{{ .Values.global.imageRegistry }}/release.daocloud.io/kairship/kairship-shell:v0.0.3\"}]
";

/// What somebody set when the module was installed.
const OVERRIDES: &str = "global:\n  imageRegistry: HOST\napiserver:\n  replicaCount: 2\n";

/// What stands after a way was gone, and the `bak.yaml` that was made on it.
type Way = (Vec<(String, Value)>, String);

fn by_hand(seed: &Seed, [old, new]: [&str; 2], overrides: &str, lines: &str) -> Way {
    seed.install(old, overrides);
    seed.by_hand(&lines.replace("NEW", new));
    let stands = seed.stands();
    is_new(seed, new, &stands);
    (stands, fs::read_to_string(seed.site.path("bak.yaml")).unwrap())
}

fn by_portolan(seed: &Seed, old: &str, overrides: &str, line: &str) -> Way {
    seed.install(old, overrides);
    if !line.contains("--chart") && !line.contains("--from-package") {
        seed.walk(&format!("{line} --dry-run"), 0);
    }
    let done = seed.walk(line, 0);
    for secret in ["Harbor12345", "3wPx"] {
        assert!(!done.contains(secret), "{done}");
    }
    (seed.stands(), fs::read_to_string(seed.site.backup().join("bak.yaml")).unwrap())
}

#[track_caller]
fn is_same((one, one_kept): &Way, (other, other_kept): &Way) {
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one, other);
    }
    assert_eq!((one.len(), one_kept), (other.len(), other_kept));
}

/// "Upgrade via helm repo", by the documentation's lines and by one of Portolan.
fn by_repository(seed: &Seed, versions: [&str; 2], overrides: &str, lines: &str) {
    seed.sync(&versions);
    let hand = by_hand(seed, versions, overrides, lines);
    seed.remove();
    let line = "upgrade RELEASE -n NAMESPACE -c load-image.yaml --image-registry HOST --keep-frozen";
    is_same(&hand, &by_portolan(seed, versions[0], overrides, line));
}

/// "Upgrade via chart package": straight from the packages, which brings the images too; and after a sync by the
/// documentation's lines in the chart's folder, and by Portolan in the same.
fn by_package(seed: &Seed, versions: [&str; 2], overrides: &str, lines: &str) {
    let [old, new] = versions;
    seed.sync(&[old]);
    seed.packages(new);
    let line = format!(
        "upgrade RELEASE -n NAMESPACE -c load-image.yaml --from-package MODULE_v{new}_amd64.tar --push-images \
         --package MODULE_v{new}_arm64.tar --image-registry HOST --keep-frozen"
    );
    let straight = by_portolan(seed, old, overrides, &line);
    seed.remove();
    seed.sync(&[new]);
    let hand = by_hand(seed, versions, overrides, lines);
    is_same(&hand, &straight);
    seed.remove();
    let line =
        "upgrade RELEASE -n NAMESPACE -c load-image.yaml --chart MODULE --image-registry HOST --keep-frozen";
    is_same(&hand, &by_portolan(seed, old, overrides, line));
}

/// That something was compared: the new version is what stands, its definitions and images included.
fn is_new(seed: &Seed, version: &str, state: &[(String, Value)]) {
    let chart = format!("{}-{version}", seed.module.name);
    assert!(state.contains(&("helm list: chart".to_owned(), chart.into())), "{state:?}");
    let definition = format!("CustomResourceDefinition {}", seed.definitions()[0]);
    let definition = state.iter().find(|(name, _)| *name == definition);
    assert_eq!(definition.unwrap().1["spec"]["versions"][1]["name"], "v1");
    let text = format!("{state:?}");
    let own = seed.image_names(version).into_iter().filter(|image| image.ends_with(&format!(":v{version}")));
    own.for_each(|image| assert!(text.contains(&image), "{image} in {text}"));
}

/// kpanda's own overrides.
fn kpandas() -> String {
    format!(
        "global:\n  imageRegistry: HOST\n  db:\n    redis:\n      url: {SENTINEL}\napiServer:\n  replicaCount: 3\n"
    )
}

/// Seed 002, with the chart repository of the sync.
#[test]
fn kairship_by_chart_repository() {
    let Some(seed) = Seed::start("seed-2-repository", &HELM_3_10, KAIRSHIP, "kairship") else { return };
    by_repository(&seed, ["0.20.0", "0.21.0"], OVERRIDES, BY_REPOSITORY);
}

/// Seed 002, with the chart's folder or its package.
#[test]
fn kairship_by_chart_package() {
    let Some(seed) = Seed::start("seed-2-package", &HELM_4, KAIRSHIP, "kairship") else { return };
    by_package(&seed, ["0.20.0", "0.21.0"], OVERRIDES, BY_PACKAGE);
}

/// Seed 003. The URL of Redis gains the password that the page tells to add by hand.
#[test]
fn kpanda_by_chart_repository() {
    let Some(seed) = Seed::start("seed-3-repository", &HELM_4, KPANDA, "kpanda") else { return };
    by_repository(
        &seed,
        ["0.20.0", "0.21.0"],
        &kpandas(),
        &(BY_REPOSITORY.trim_end().to_owned() + SENTINEL_BY_HAND),
    );
}

/// Seed 003, with the chart's folder or its package.
#[test]
fn kpanda_by_chart_package() {
    let Some(seed) = Seed::start("seed-3-package", &HELM_3_10, KPANDA, "kpanda") else { return };
    by_package(
        &seed,
        ["0.20.0", "0.21.0"],
        &kpandas(),
        &(BY_PACKAGE.trim_end().to_owned() + SENTINEL_BY_HAND),
    );
}

/// Seed 004, where the release has another name than the chart.
#[test]
fn kant_by_chart_repository() {
    let Some(seed) = Seed::start("seed-4-repository", &HELM_3, KANT, "kant-release") else { return };
    by_repository(&seed, ["0.4.0", "0.5.0"], OVERRIDES, BY_REPOSITORY);
}

/// Seed 004, with the chart's folder or its package.
#[test]
fn kant_by_chart_package() {
    let Some(seed) = Seed::start("seed-4-package", &HELM_3, KANT, "kant-release") else { return };
    by_package(&seed, ["0.4.0", "0.5.0"], OVERRIDES, BY_PACKAGE);
}
