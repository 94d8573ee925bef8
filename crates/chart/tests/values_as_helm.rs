//! What comes of defaults, sub-charts and overrides is what each of Helm's programs gives its templates.

#![expect(clippy::unwrap_used, reason = "a test whose set-up fails has failed")]

use std::fs;
use std::path::Path;

use portolan_chart::{Chart, ChartFile, YamlText, coalesce};
use portolan_testkit::helm::Helm;
use serde_json::{Map, Value};

const CHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: db, version: 1.0.0, alias: store}]\n",
    ),
    (
        "values.yaml",
        "a: {b: 1, c: {d: x}}\nlist: [1, 2]\ntable: {k: v}\ntext: t\nnone:\nhex: 0x10\nlarge: 1000000\nstore: {port: 2, own: 1}\n",
    ),
    ("templates/values.yaml", "kind: V\nvalues: {{ .Values | toJson }}\n"),
    ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
    ("charts/db/values.yaml", "port: 1\nhost: h\ntags: [a]\nin: {x: 1, z: 2}\n"),
];

/// Overrides, each laid over the chart's defaults.
const OVERRIDES: &[&str] = &[
    "{}",
    "a: {b: 2}\nlist: [3]\nstore: {in: {x: 3}}",
    "a: null\ntext: null",
    "a: {c: null, new: {deep: [{k: 1}]}}\ntable: {k: null, l: yes}",
    "text: {now: a map}\nlist: {a: map}\nnone: 1\nhex: '0x10'",
    "large: 1000001\nfloat: 1.5\nempty: {}\nglobal: {imageRegistry: r.io}",
];

/// A sub-chart's values are taken away by null; Helm 3.10 puts them back.
const NULLS_OF_SUB_CHARTS: &str = "store: {host: null, in: {x: null}}";

fn chart() -> Chart {
    let file = |(path, text): &(&str, &'static str)| ChartFile { path: (*path).into(), data: (*text).into() };
    Chart::from_files("web", CHART.iter().map(file).collect()).unwrap()
}

fn map(yaml: &str) -> Map<String, Value> {
    YamlText::parse(yaml.as_bytes()).unwrap().document().unwrap().as_object().cloned().unwrap()
}

/// Without what Helm hands down, without what is null (a template can't tell it from nothing), and with
/// numbers as floats.
fn as_a_template_sees_it(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(key, value)| key != "global" && !value.is_null());
            kept.map(|(key, value)| (key, as_a_template_sees_it(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(as_a_template_sees_it).collect(),
        Value::Number(number) => number.as_f64().unwrap().into(),
        other => other,
    }
}

fn of_helm(helm: &Helm, folder: &Path, overrides: &str) -> Value {
    fs::write(folder.join("over.yaml"), overrides).unwrap();
    let mut command = helm.command();
    command.args(["template", "web"]).arg(folder.join("web")).arg("-f").arg(folder.join("over.yaml"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}: {}", helm.name, String::from_utf8_lossy(&output.stderr));
    YamlText::parse(&output.stdout).unwrap().document().unwrap()["values"].take()
}

#[test]
fn values_are_laid_over_values_as_helm_does() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in CHART {
        let path = folder.path().join("web").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let defaults = chart().tree_values().unwrap();
    for helm in Helm::all() {
        let more = (helm.name != "helm-3.10.1").then_some(&NULLS_OF_SUB_CHARTS);
        for overrides in OVERRIDES.iter().chain(more) {
            let ours = Value::Object(coalesce(defaults.clone(), map(overrides)));
            let theirs = of_helm(&helm, folder.path(), overrides);
            assert_eq!(
                as_a_template_sees_it(ours),
                as_a_template_sees_it(theirs),
                "{}: {overrides}",
                helm.name
            );
        }
    }
}
