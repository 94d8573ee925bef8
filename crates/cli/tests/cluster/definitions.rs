//! Back with definitions of custom resources: refused where an object stands in the way, and done where none does.

use portolan_testkit::charts::Chart;
use portolan_testkit::components::HELM_3;
use serde_json::{Value, json};

use crate::seeds::walkthrough::{compare, in_order, lasting_words, said};
use crate::site::Site;

const NAMESPACE: &str = "crds-back";

const GROUP: &str = "crds-back.example";

const BACK: &str = "rollback kpanda -n crds-back --with-crds --skip-image-check";

const OBJECTS: &str = "\
apiVersion: crds-back.example/v1
kind: Gateway
metadata: {name: edge, namespace: crds-back}
spec: {host: a.example}
---
apiVersion: crds-back.example/v1
kind: Route
metadata: {name: shop, namespace: crds-back}
spec: {host: b.example, weight: 5}
";

/// A definition with these versions, the last of which is stored, and fields of `spec`.
fn definition(plural: &str, kind: &str, versions: &[&str], fields: &str) -> String {
    let schema = format!(
        "{{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{{fields}}}}}}}}}}}"
    );
    let version = |name: &&str| {
        let stored = name == versions.last().unwrap();
        format!("  - {{name: {name}, served: true, storage: {stored}, schema: {schema}}}\n")
    };
    let versions: String = versions.iter().map(version).collect();
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {plural}.{GROUP}}}\n\
         spec:\n  group: {GROUP}\n  scope: Namespaced\n  names: {{plural: {plural}, kind: {kind}}}\n  versions:\n{versions}"
    )
}

/// In its newer version, gateways have a version more, and routes a field.
fn module(version: &str) -> Chart {
    let (versions, fields) = match version {
        "0.20.0" => (&["v1alpha1"][..], "host: {type: string}"),
        _ => (&["v1alpha1", "v1"][..], "host: {type: string}, weight: {type: integer}"),
    };
    Chart::new("kpanda", version)
        .image("web", "r.test.example", "kpanda/kpanda-apiserver", &format!("v{version}"))
        .file("crds/gateways.yaml", &definition("gateways", "Gateway", versions, "host: {type: string}"))
        .file("crds/routes.yaml", &definition("routes", "Route", &["v1"], fields))
}

/// The same as docs/releases.md shows it.
fn walk(site: &Site, line: &str, code: i32) -> String {
    let said = said(&mut site.command(line), code);
    let shown = |text: &str| {
        let folder = site.path("").display().to_string();
        let text = text.replace(&format!("{folder}home"), "~").replace(&folder, "");
        lasting_words(&text.replace(GROUP, "kpanda.io").replace(NAMESPACE, "kpanda-system"))
    };
    compare("releases.md", &shown(&format!("$ portolan {line}")), &in_order(&shown(&said)));
    said
}

fn live(site: &Site, plural: &str) -> Value {
    site.cluster.object("", "crd", &format!("{plural}.{GROUP}")).unwrap()
}

/// What a refusal may not touch: both definitions, their objects, and Helm's records.
fn standing(site: &Site) -> [Value; 5] {
    let object = |kind: &str, name: &str| site.cluster.object(NAMESPACE, kind, name).unwrap();
    let gateway = object("gateways.crds-back.example", "edge");
    let route = object("routes.crds-back.example", "shop");
    let records = site.by_hand("history kpanda -o json").into();
    [live(site, "gateways"), live(site, "routes"), gateway, route, records]
}

/// A gateway is stored in a version that would go, and a route has a field that would: both are told, and nothing
/// is changed. Without that, both definitions go back, and the route that is left is kept before.
#[test]
fn definitions_go_back_once_nothing_is_lost() {
    let Some(site) = Site::start(NAMESPACE, &HELM_3) else { return };
    site.install("kpanda", &module("0.20.0"), "");
    let before = ["gateways", "routes"].map(|plural| live(&site, plural)["spec"].clone());
    let next = site.archive(&module("0.21.0"));
    site.run(&format!("upgrade kpanda --chart {next} --skip-image-check --keep-frozen")).expect(0);
    site.cluster.apply(OBJECTS);

    let stood = standing(&site);
    let refused = walk(&site, BACK, 1);
    for reason in [
        "gateways.crds-back.example: objects may be stored as v1, which the older definition lacks",
        "routes.crds-back.example: Route crds-back/shop: spec.weight would be lost",
    ] {
        assert!(refused.contains(reason), "{refused}");
    }
    assert_eq!(standing(&site), stood);
    assert!(!site.run_anywhere("runs").expect(0).out.contains("rollback"));
    assert!(site.cluster.object(NAMESPACE, "lease", "portolan-kpanda").is_none());

    site.cluster.kubectl(&["-n", NAMESPACE, "delete", "gateways.crds-back.example", "edge"]);
    let removal = r#"[{"op": "remove", "path": "/spec/weight"}]"#;
    let patch = ["-n", NAMESPACE, "patch", "routes.crds-back.example", "shop", "--type=json", "-p", removal];
    site.cluster.kubectl(&patch);
    walk(&site, &format!("{BACK} --dry-run"), 0);
    let done = walk(&site, &format!("{BACK} --yes"), 0);
    assert!(done.contains("definitions that went back: gateways.crds-back.example, routes"), "{done}");
    assert_eq!(["gateways", "routes"].map(|plural| live(&site, plural)["spec"].clone()), before);
    assert_eq!(live(&site, "gateways")["status"]["storedVersions"], json!(["v1alpha1"]));
    let route = site.cluster.object(NAMESPACE, "routes.crds-back.example", "shop").unwrap();
    assert_eq!(route["spec"], json!({"host": "b.example"}));
    let backup = site.backup();
    let kept = |file: &str| std::fs::read_to_string(backup.join(file)).unwrap();
    assert!(kept("crds/gateways.crds-back.example.json").contains("v1alpha1"));
    assert!(kept("crds/routes.crds-back.example.json").contains("weight"));
    assert!(kept("resources/routes.crds-back.example.json").contains("b.example"));
}
