//! Which sub-chart a name means, and which file wins.

use bytes::Bytes;

use super::*;
use crate::chart::{Chart, ChartFile};

fn values(files: &[(&str, &str)]) -> Values {
    let file = |(path, text): &(&str, &str)| ChartFile {
        path: (*path).to_owned(),
        data: Bytes::copy_from_slice(text.as_bytes()),
    };
    let chart = Chart::from_files("top", files.iter().map(file).collect()).unwrap();
    Values::of(&ChartTree::of(&chart).unwrap()).unwrap()
}

fn check(values: &Values, path: &str, expected: Result<&str, PathError>) {
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    let found = values.get(&path).map(|leaf| leaf.value.print().unwrap());
    assert_eq!(found, expected.map(str::to_owned), "{path:?}");
}

#[test]
fn the_version_decides_between_sub_charts_of_one_name() {
    let names = |ranges: [&str; 2]| {
        let metadata = format!(
            "name: top\nversion: 1.0.0\ndependencies:\n\
             - {{name: db, alias: a, version: \"{}\"}}\n- {{name: db, alias: b, version: \"{}\"}}\n",
            ranges[0], ranges[1]
        );
        let values = values(&[
            ("Chart.yaml", &metadata),
            ("charts/one/Chart.yaml", "name: db\nversion: 1.5.0\n"),
            ("charts/one/values.yaml", "v: one\n"),
            ("charts/two/Chart.yaml", "name: db\nversion: 2.0.0\n"),
            ("charts/two/values.yaml", "v: two\n"),
        ]);
        check(&values, "a.v", Ok("one"));
        check(&values, "b.v", Ok("two"));
        check(&values, "db.v", Err(PathError::Nothing));
    };
    names(["1.x", "2.x"]);
    names(["1.5.0", "2.0.0"]);
    names(["~1.5", "^2.0"]);
    names([">=1.0 <2", ">= 2.0.0, < 3"]);
    names(["0.9.0 || 1.5.0", "7.x||2.x"]);
}

#[test]
fn a_sub_chart_that_no_dependency_names_goes_by_its_name() {
    let values = values(&[
        ("Chart.yaml", "name: top\nversion: 1.0.0\n"),
        ("charts/folder/Chart.yaml", "name: db\nversion: 1.0.0\n"),
        ("charts/folder/values.yaml", "v: one\n"),
        ("charts/no-chart/values.yaml", "v: two\n"),
        ("charts/_hidden/Chart.yaml", "no: chart\n"),
    ]);
    check(&values, "db.v", Ok("one"));
    check(&values, "folder.v", Err(PathError::Nothing));
}

#[test]
fn the_stronger_file_wins_key_by_key() {
    let values = values(&[
        ("Chart.yaml", "name: top\nversion: 1.0.0\n"),
        (
            "values.yaml",
            "db: {a: {x: top}, gone: {w: }, text: top, table: {z: top}}\n---\nlate: 1\ndb: {late: 2}\n",
        ),
        ("charts/db/Chart.yaml", "name: db\nversion: 1.0.0\n"),
        ("charts/db/values.yaml", "a: {x: sub, w: sub}\ngone: {w: sub}\ntext: {q: sub}\ntable: sub\n"),
    ]);
    check(&values, "db.a.x", Ok("top"));
    check(&values, "db.a.w", Ok("sub"));
    check(&values, "db.gone.w", Err(PathError::Nothing));
    check(&values, "db.text", Ok("top"));
    check(&values, "db.text.q", Err(PathError::Through));
    check(&values, "db.table.z", Ok("top"));
    check(&values, "db.table", Err(PathError::Map));
    check(&values, "late", Ok("1"));
    check(&values, "db.late", Ok("2"));
    check(&values, "db", Err(PathError::Map));
}

#[test]
fn global_of_the_topmost_chart_wins() {
    let values = values(&[
        ("Chart.yaml", "name: top\nversion: 1.0.0\n"),
        ("values.yaml", "global: {a: top}\ndb: {global: {a: no, b: top}}\n"),
        ("charts/db/Chart.yaml", "name: db\nversion: 1.0.0\n"),
        ("charts/db/values.yaml", "global: {a: no, b: no, c: db}\n"),
        ("charts/db/charts/deep/Chart.yaml", "name: deep\nversion: 1.0.0\n"),
        ("charts/db/charts/deep/values.yaml", "global: {a: no, b: no, c: no, d: deep}\n"),
    ]);
    for (path, expected) in [
        ("db.deep.global.a", "top"),
        ("db.deep.global.b", "top"),
        ("db.deep.global.c", "db"),
        ("db.deep.global.d", "deep"),
        ("db.global.c", "db"),
        ("global.a", "top"),
    ] {
        check(&values, path, Ok(expected));
    }
    check(&values, "global.b", Err(PathError::Nothing));
}
