//! Where values of sub-charts are written: folders, archives, aliases, `global`.

use super::*;

const HINT: [&str; 1] = ["{{ .db.image.repository }}:{{ .db.image.tag }}"];

#[test]
fn sub_chart_values_are_written_where_they_live() {
    let sub =
        [("charts/db/Chart.yaml", SUB), ("charts/db/values.yaml", "image:\n  repository: x/db\n  tag: 1\n")];
    let own = chart(&sub);
    let relocated = run(&own, &HINT).unwrap();
    assert_eq!(
        relocated.edits,
        [Edit {
            file: "charts/db/values.yaml".into(),
            key: "image.repository".into(),
            from: Some("x/db".into()),
            to: "t.io:5000/p/db".into()
        }]
    );
    let parents = chart(&[&sub[..], &[("values.yaml", "db:\n  image: {repository: y/pg}\n")]].concat());
    let relocated = run(&parents, &HINT).unwrap();
    assert_eq!(text(&relocated.chart, "values.yaml"), "db:\n  image: {repository: t.io:5000/p/pg}\n");
    assert_eq!(text(&relocated.chart, sub[1].0), sub[1].1);
}

#[test]
fn packed_and_nested_sub_charts() {
    let inner = chart(&[("Chart.yaml", "name: in.ner\nversion: 1.0.0\n")]);
    let db = chart(&[
        ("Chart.yaml", SUB),
        ("values.yaml", "image: {repository: x/db, tag: 1}\n"),
        ("Chart.lock", "x: y\n"),
        ("charts/deep/Chart.yaml", "name: deep\nversion: 1.0.0\n"),
        ("charts/deep/values.yaml", "image: x/deep"),
    ]);
    let (inner, db) = (inner.pack().unwrap(), db.pack().unwrap());
    let mut files = chart(&[("values.yaml", "")]).files().to_vec();
    files.push(ChartFile { path: "charts/inner-1.tgz".into(), data: inner.clone() });
    files.push(ChartFile { path: "charts/inner-1.tgz.prov".into(), data: Bytes::new() });
    files.push(ChartFile { path: "charts/db-1.tgz".into(), data: db });
    files.push(ChartFile { path: "charts/db-1.tgz.prov".into(), data: Bytes::new() });
    let top = Chart::from_files("top.tgz", files).unwrap();
    let relocated = run(&top, &[HINT[0], "{{ .db.deep.image }}:2"]).unwrap();
    let named: Vec<(&str, &str)> =
        relocated.edits.iter().map(|edit| (edit.file.as_str(), edit.key.as_str())).collect();
    assert_eq!(
        named,
        [
            ("charts/db-1.tgz!values.yaml", "image.repository"),
            ("charts/db-1.tgz!charts/deep/values.yaml", "image")
        ]
    );
    assert_eq!(relocated.dropped, ["charts/db-1.tgz!Chart.lock", "charts/db-1.tgz.prov"]);
    assert!(relocated.chart.file("charts/db-1.tgz.prov").is_none(), "it signs another archive");
    assert!(relocated.chart.file("charts/inner-1.tgz.prov").is_some());
    assert_eq!(
        relocated.chart.file("charts/inner-1.tgz").unwrap().data,
        inner,
        "untouched, so not packed again"
    );
    let packed = &relocated.chart.file("charts/db-1.tgz").unwrap().data;
    let db = Chart::from_archive("db", packed.as_ref()).unwrap();
    assert_eq!(text(&db, "values.yaml"), "image: {repository: t.io:5000/p/db, tag: 1}\n");
    assert_eq!(text(&db, "charts/deep/values.yaml"), "image: t.io:5000/p/deep");
    assert!(db.file("Chart.lock").is_none());
    assert_eq!(run(&relocated.chart, &[HINT[0]]).unwrap().chart.files(), relocated.chart.files());
}

#[test]
fn aliases_of_sub_charts() {
    let files = [
        ("Chart.yaml", TWICE),
        ("charts/db/Chart.yaml", SUB),
        ("charts/db/values.yaml", "image: {registry: quay.io, repository: x/db, tag: 1}\n"),
    ];
    let templates = [
        "{{ .a.image.registry }}/{{ .a.image.repository }}:1",
        "{{ .b.image.registry }}/{{ .b.image.repository }}:1",
    ];
    let relocated = run(&chart(&files), &templates).unwrap();
    assert_eq!(
        text(&relocated.chart, files[2].0),
        "image: {registry: t.io:5000, repository: p/db, tag: 1}\n"
    );
    assert!(matches!(run(&chart(&files), &HINT), Err(RelocateError::Path { .. })), "the name is gone");
}

#[test]
fn one_sub_chart_twice_with_different_images() {
    let files = [
        ("Chart.yaml", TWICE),
        ("values.yaml", "# values\na:\n    image:\n        registry: docker.io\nb: {on: 1}\n"),
        ("charts/db/Chart.yaml", SUB),
        ("charts/db/values.yaml", "image: {registry: quay.io, repository: x/db, tag: 1}\n"),
    ];
    let templates = [
        "{{ .a.image.registry }}/{{ .a.image.repository }}:1",
        "{{ .b.image.registry }}/{{ .b.image.repository }}:1",
    ];
    let rules = Rules { prefix_registry: Some("t.io/m".parse().unwrap()), ..Rules::default() };
    let options = RelocateOptions { target_repo_name: String::new(), digest_of: &|_| None };
    let relocated = relocate(&chart(&files), &hints(&templates), &rules, &options).unwrap();
    assert_eq!(
        text(&relocated.chart, "values.yaml"),
        "# values\na:\n    image:\n        registry: t.io/m\n        repository: docker.io/x/db\n\
         b: {image: {repository: quay.io/x/db}, on: 1}\n"
    );
    assert_eq!(text(&relocated.chart, files[3].0), "image: {registry: t.io/m, repository: x/db, tag: 1}\n");
}

#[test]
fn global_values_are_handed_down() {
    let files = [
        ("values.yaml", "global: {registry: quay.io}\ndb: {global: {registry: no.io}}\n"),
        ("charts/db/Chart.yaml", SUB),
        ("charts/db/values.yaml", "global: {registry: never.io}\nrepository: x/db\n"),
    ];
    let relocated = run(&chart(&files), &["{{ .db.global.registry }}/{{ .db.repository }}:1"]).unwrap();
    assert_eq!(
        text(&relocated.chart, "values.yaml"),
        "global: {registry: t.io:5000}\ndb: {global: {registry: no.io}}\n"
    );
    assert_eq!(text(&relocated.chart, files[2].0), "global: {registry: never.io}\nrepository: p/db\n");
}

#[test]
fn null_in_the_parent_takes_a_value_away() {
    let files = [
        ("values.yaml", "db: {image: }\n"),
        ("charts/db/Chart.yaml", SUB),
        ("charts/db/values.yaml", "image: x/db\n"),
    ];
    assert!(matches!(run(&chart(&files), &["{{ .db.image }}"]), Err(RelocateError::Path { .. })));
}
