//! The two versions of the module that all rows upgrade, with everything that can be left half done: definitions that
//! gain a version and one that is new, objects that come, change and go, and one of the definitions' own.

use portolan_testkit::charts::Chart;

const GONE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a-gone}\ndata: {of: old}\n";
const MADE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: z-made}\ndata: {of: new}\n";
const SETTINGS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b-settings}\ndata: {version: '{{ .Chart.Version }}'}\n";
const PASSWORD: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: c-password}\nstringData: {of: '{{ .Chart.Version }}'}\n";
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: None, ports: [{port: PORT}], selector: {app: kant}}\n";
const SPOON: &str =
    "apiVersion: GROUP/VERSION\nkind: Spoon\nmetadata: {name: one}\nspec: {of: '{{ .Chart.Version }}'}\n";

/// A deployment for whose pod there is no node.
const STUCK: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: stuck}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      nodeSelector: {moon: full}\n      containers: [{name: c, image: r.test.example/c:1}]\n";

pub(crate) const OLD: &str = "0.20.0";
pub(crate) const NEW: &str = "0.21.0";

/// The group of the definitions of one namespace.
pub(crate) fn group(namespace: &str) -> String {
    format!("{namespace}.faults.example")
}

/// The names of all definitions of one namespace.
pub(crate) fn definitions(namespace: &str) -> [String; 3] {
    ["forks", "knives", "spoons"].map(|plural| format!("{plural}.{}", group(namespace)))
}

fn crd(namespace: &str, plural: &str, kind: &str, versions: &[&str]) -> String {
    let stored = versions.last().expect("a definition has a version");
    let version = |name: &&str| {
        let storage = name == stored;
        format!(
            "\n  - {{name: {name}, served: true, storage: {storage}, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}"
        )
    };
    let (group, versions) = (group(namespace), versions.iter().map(version).collect::<String>());
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: {plural}, kind: {kind}}}\n  versions:{versions}\n"
    )
}

fn module(version: &str, namespace: &str, spoon: &str) -> Chart {
    let spoon = SPOON.replace("GROUP", &group(namespace)).replace("VERSION", spoon);
    Chart::new("kant", version)
        .image("web", "r.test.example", "kant/kant-apiserver", &format!("v{version}"))
        .file("templates/b.yaml", SETTINGS)
        .file("templates/c.yaml", PASSWORD)
        .file("templates/spoon.yaml", &spoon)
}

/// What stands.
pub(crate) fn old(namespace: &str) -> Chart {
    module(OLD, namespace, "v1alpha1")
        .file("crds/forks.yaml", &crd(namespace, "forks", "Fork", &["v1"]))
        .file("crds/spoons.yaml", &crd(namespace, "spoons", "Spoon", &["v1alpha1"]))
        .file("templates/a.yaml", GONE)
        .file("templates/web.yaml", &SERVICE.replace("PORT", "80"))
}

/// What is to come.
pub(crate) fn new(namespace: &str) -> Chart {
    module(NEW, namespace, "v1")
        .file("crds/forks.yaml", &crd(namespace, "forks", "Fork", &["v1", "v2"]))
        .file("crds/knives.yaml", &crd(namespace, "knives", "Knife", &["v1"]))
        .file("crds/spoons.yaml", &crd(namespace, "spoons", "Spoon", &["v1alpha1", "v1"]))
        .file("templates/web.yaml", &SERVICE.replace("PORT", "8080"))
        .file("templates/z.yaml", MADE)
}

/// The same, and never ready.
pub(crate) fn stuck(namespace: &str) -> Chart {
    new(namespace).file("templates/stuck.yaml", STUCK)
}
