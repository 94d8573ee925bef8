//! What is refused by file, and what is only remarked on.

use crate::{Chart, ChartFile};

const METADATA: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";

fn chart(files: &[(&str, &str)]) -> Chart {
    let file = |(path, data): &(&str, &str)| ChartFile {
        path: (*path).to_owned(),
        data: bytes::Bytes::copy_from_slice(data.as_bytes()),
    };
    Chart::from_files("x.tgz", files.iter().map(file).collect()).unwrap()
}

fn with(path: &str, data: &str) -> Chart {
    chart(&[("Chart.yaml", METADATA), (path, data)])
}

/// The error with its causes, as a report has it.
fn error_of(chart: &Chart) -> String {
    let error = chart.validate().unwrap_err();
    let causes =
        std::iter::successors(std::error::Error::source(&error), |cause| std::error::Error::source(*cause));
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[test]
fn refusals_name_the_file() {
    let check = |path: &str, data: &str, expected: &str| {
        assert_eq!(error_of(&with(path, data)), format!("chart x.tgz: {expected}"));
    };
    check("values.yaml", "- a\n", "values.yaml: line 1: the values are no map");
    check("values.yaml", "a: 1\nb: .nan\n", "values.yaml: line 2: holds a number that Helm can't read");
    check("Chart.lock", "- a\n", "Chart.lock: line 1: is no map of dependencies and so on");
    check(
        "values.schema.json",
        "{",
        "values.schema.json is no JSON, so Helm refuses the chart; mend it or take it out: EOF while parsing an object at line 1 column 1",
    );
    check(
        "charts/README.md",
        "",
        "charts/README.md lies among the sub-charts and is none, so Helm refuses the chart; take it out of charts/",
    );
    check(
        "charts/db/values.yaml",
        "",
        "charts/db/values.yaml lies among the sub-charts and is none, so Helm refuses the chart; take it out of charts/",
    );
    check("charts/db/Chart.yaml", "name: db\n", "charts/db: Chart.yaml: has no version; add it");
}

#[test]
fn packed_sub_charts_are_looked_into() {
    let packed = with("values.schema.json", "no").pack().unwrap();
    let files = vec![
        ChartFile { path: "Chart.yaml".into(), data: METADATA.into() },
        ChartFile { path: "charts/db.tgz".into(), data: packed },
    ];
    let error = error_of(&Chart::from_files("x.tgz", files).unwrap());
    assert!(error.starts_with("chart x.tgz: charts/db.tgz!values.schema.json is no JSON"), "{error}");
}

#[test]
fn what_helm_passes_over_is_no_fault() {
    for (path, data) in [
        ("values.yaml", ""),
        ("values.yaml", "\u{feff}a: b\n"),
        ("values.schema.json", ""),
        ("values.schema.json", "\u{feff}{}"),
        ("Chart.lock", ""),
        ("charts/_notes.md", "x"),
        ("charts/.keep", ""),
        ("charts/db-1.0.0.tgz.prov", "x"),
    ] {
        assert_eq!(with(path, data).validate().unwrap(), [] as [&str; 0], "{path}");
    }
}

#[test]
fn what_helm_warns_of_is_remarked_on() {
    let remarks = |metadata: &str| chart(&[("Chart.yaml", metadata)]).validate().unwrap();
    assert_eq!(
        remarks("apiVersion: v2\nname: web\nversion: v1.2\ndependencies:\n- name: db\n- name: cache\n"),
        [
            "the dependencies db, cache are not in charts/, and Helm installs no chart without them",
            "version v1.2 is not written as semantic versioning has it; Helm finds it in a registry by exactly this name alone",
        ]
    );
}
