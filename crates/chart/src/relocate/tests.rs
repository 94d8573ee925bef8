//! Relocation of charts made for the test: where a value is written, and what is refused.

mod sub_charts;

use bytes::Bytes;

use super::*;
use crate::chart::ChartFile;

const METADATA: &str = "apiVersion: v2\nname: top\nversion: 1.0.0\n";
const SUB: &str = "apiVersion: v2\nname: db\nversion: 1.0.0\n";

fn chart(files: &[(&str, &str)]) -> Chart {
    let mut files: Vec<ChartFile> = files
        .iter()
        .map(|(path, text)| ChartFile {
            path: (*path).to_owned(),
            data: Bytes::copy_from_slice(text.as_bytes()),
        })
        .collect();
    if !files.iter().any(|file| file.path == "Chart.yaml") {
        files.push(ChartFile { path: "Chart.yaml".to_owned(), data: METADATA.into() });
    }
    Chart::from_files("top.tgz", files).unwrap()
}

fn hints(templates: &[&str]) -> Hints {
    let list: String = templates.iter().map(|template| format!("- {template:?}\n")).collect();
    Hints::parse("hints.yaml", list.as_bytes()).unwrap()
}

fn rules() -> Rules {
    Rules {
        registry: Some("t.io:5000".parse().unwrap()),
        repository: Some("p".parse().unwrap()),
        ..Rules::default()
    }
}

fn digest() -> Digest {
    Digest::sha256(b"")
}

fn run(chart: &Chart, templates: &[&str]) -> Result<Relocated, RelocateError> {
    let digest_of = |_: &Reference| Some(digest());
    let options = RelocateOptions { target_repo_name: "myrepo".to_owned(), digest_of: &digest_of };
    relocate(chart, &hints(templates), &rules(), &options)
}

fn text<'c>(chart: &'c Chart, path: &str) -> &'c str {
    std::str::from_utf8(&chart.file(path).unwrap().data).unwrap()
}

/// Relocates a chart of one values file, checks the file, and that a second run changes nothing.
fn check_values(before: &str, templates: &[&str], after: &str) {
    let relocated = run(&chart(&[("values.yaml", before)]), templates).unwrap();
    assert_eq!(text(&relocated.chart, "values.yaml"), after);
    let again = run(&relocated.chart, templates).unwrap();
    assert_eq!(text(&again.chart, "values.yaml"), after, "twice is once");
    assert_eq!(again.edits, []);
    assert_eq!(again.chart.pack().unwrap(), relocated.chart.pack().unwrap());
}

fn check_error(files: &[(&str, &str)], templates: &[&str], expected: &str) {
    let error = run(&chart(files), templates).unwrap_err();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    assert_eq!(text, expected);
}

#[test]
fn two_placeholders() {
    check_values(
        "image:\n  registry: docker.io # hub\n  repository: 'bitnami/nginx'\n  tag: 1.25-debian\n",
        &["{{ .image.registry }}/{{ .image.repository }}:{{ .image.tag }}"],
        "image:\n  registry: t.io:5000 # hub\n  repository: 'p/nginx'\n  tag: 1.25-debian\n",
    );
    check_values(
        "image: {registry: \"\", repository: bitnami/nginx, digest: \"\", tag: 1.20}\n",
        &["{{ .image.registry }}/{{ .image.repository }}:{{ .image.tag }}@{{ .image.digest }}"],
        "image: {registry: \"t.io:5000\", repository: p/nginx, digest: \"\", tag: 1.20}\n",
    );
}

#[test]
fn one_placeholder() {
    check_values(
        "image: nginx\ntag: 1\n",
        &["{{ .image }}:{{ .tag }}"],
        "image: t.io:5000/p/nginx\ntag: 1\n",
    );
    check_values("image: nginx\n", &["{{ .image }}:1.25"], "image: t.io:5000/p/nginx\n");
    let pinned = format!("image: t.io:5000/p/nginx@{}\n", digest());
    check_values("image: nginx\n", &["{{ .image }}"], &pinned);
    check_values("image: quay.io/a/nginx:1.25\n", &["{{ .image }}"], &pinned);
    check_values(
        "r: quay.io\np: a/nginx:1.25\n",
        &["{{ .r }}/{{ .p }}"],
        &format!("r: t.io:5000\np: p/nginx@{}\n", digest()),
    );
}

#[test]
fn without_a_known_digest_the_tag_stays() {
    let options = RelocateOptions { target_repo_name: String::new(), digest_of: &|_| None };
    let before = chart(&[("values.yaml", "image: quay.io/a/nginx:1.25\n")]);
    let relocated = relocate(&before, &hints(&["{{ .image }}"]), &rules(), &options).unwrap();
    assert_eq!(text(&relocated.chart, "values.yaml"), "image: t.io:5000/p/nginx:1.25\n");
}

#[test]
fn text_of_the_hint_that_is_the_targets_too_stays() {
    let rules = Rules { prefix_repository: Some("m".parse().unwrap()), ..Rules::default() };
    let options = RelocateOptions { target_repo_name: String::new(), digest_of: &|_| None };
    let before = chart(&[("values.yaml", "image: a/nginx\ntag: 1\n")]);
    let relocated =
        relocate(&before, &hints(&["quay.io/{{ .image }}:{{ .tag }}"]), &rules, &options).unwrap();
    assert_eq!(text(&relocated.chart, "values.yaml"), "image: m/a/nginx\ntag: 1\n");
}

#[test]
fn without_rules_nothing_is_edited() {
    let options = RelocateOptions { target_repo_name: String::new(), digest_of: &|_| None };
    let before = chart(&[("values.yaml", "image: nginx\nr: index.docker.io\n")]);
    let templates = ["{{ .image }}", "{{ .r }}/{{ .image }}"];
    let relocated = relocate(&before, &hints(&templates), &Rules::default(), &options).unwrap();
    assert_eq!(relocated.edits, []);
    assert_eq!(relocated.chart.files(), before.files());
}

#[test]
fn shared_values_are_written_once() {
    check_values(
        "registry: quay.io\na: x/a\nb: x/b\n",
        &["{{ .registry }}/{{ .a }}:1", "{{ .registry }}/{{ .b }}:1"],
        "registry: t.io:5000\na: p/a\nb: p/b\n",
    );
    check_values(
        "a: &i\n  repository: x/a\n  tag: v1\nb: *i\nc:\n  <<: *i\n  tag: v2\n",
        &[
            "{{ .a.repository }}:{{ .a.tag }}",
            "{{ .b.repository }}:{{ .b.tag }}",
            "{{ .c.repository }}:{{ .c.tag }}",
        ],
        "a: &i\n  repository: t.io:5000/p/a\n  tag: v1\nb: *i\nc:\n  <<: *i\n  tag: v2\n",
    );
}

#[test]
fn hints_that_clash_are_named_both() {
    let values = "a: &i {image: x/a}\nb: *i\n";
    check_error(
        &[("values.yaml", values)],
        &["{{ .a.image }}:1", "{{ .b.image }}"],
        &format!(
            "image hints \"{{{{ .a.image }}}}:1\" (hints.yaml, line 1) and \"{{{{ .b.image }}}}\" (hints.yaml, line 2) \
             both write the value of a.image, as t.io:5000/p/a and as t.io:5000/p/a@{}; give each its own key",
            digest()
        ),
    );
    let clash = run(&chart(&[("values.yaml", "a: x/a\n")]), &["{{ .a }}:1", "{{ .a }}"]).unwrap_err();
    assert!(matches!(clash, RelocateError::Conflict { .. }));
}

#[test]
fn hints_that_give_no_image_are_errors() {
    let values = "map: {a: b}\nlist: [a]\nempty: ''\nnothing:\nimage: x/a\nbad: 'A b'\nkey.with: {dot: a}\n";
    let check = |template: &str, expected: &str| {
        let place = format!("image hint {template:?} (hints.yaml, line 1)");
        check_error(&[("values.yaml", values)], &[template], &format!("{place}{expected}"));
    };
    check("{{ .map }}", ": .map resolves to a map; correct the hint or add the value");
    check("{{ .list }}", ": .list resolves to a list; correct the hint or add the value");
    check("{{ .nothing }}", ": .nothing resolves to nothing; correct the hint or add the value");
    check("{{ .missing.a }}", ": .missing.a resolves to nothing; correct the hint or add the value");
    check("{{ .key.with.dot }}", ": .key.with.dot resolves to nothing; correct the hint or add the value");
    check(
        "{{ .image.a }}",
        ": .image.a goes through a value that is no map; correct the hint or add the value",
    );
    check("{{ .image }}:{{ .empty }}", ": .empty is empty; set it, or name the image in another way");
    check("{{ .empty }}", ": .empty is empty; set it, or name the image in another way");
    check(
        "quay.io/{{ .image }}:1",
        ": would name no image instead of t.io:5000/p/a:1; registry and repository must be values, not text of the hint",
    );
}

#[test]
fn values_that_are_no_map_are_errors() {
    check_error(
        &[("values.yaml", "a: b\n--- [c]\n")],
        &[],
        "reading values.yaml: line 2: the values are no map",
    );
    check_error(
        &[("values.yaml", ""), ("charts/db/Chart.yaml", SUB), ("charts/db/values.yaml", "- a\n")],
        &[],
        "reading charts/db/values.yaml: line 1: the values are no map",
    );
    check_error(
        &[("charts/db.tgz", "no gzip at all")],
        &[],
        "opening the sub-charts: chart top.tgz: charts/db.tgz: reading the gzip-compressed tar after 0 entries: invalid gzip header",
    );
}

const TWICE: &str = "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n\
    - {name: db, version: 1.x, repository: \"https://u:secret@x\", alias: a}\n\
    - name: db\n  version: 1.x\n  repository: https://x # why\n  alias: b\n";

#[test]
fn dependencies_are_vendored() {
    let requirements =
        "# v1\r\ndependencies:\r\n  - name: db\r\n    repository: 'https://x'\r\n  - name: own\r\n";
    let relocated = run(
        &chart(&[
            ("Chart.yaml", TWICE),
            ("Chart.lock", "x: y\n"),
            ("requirements.yaml", requirements),
            ("requirements.lock", "x: y\n"),
            ("charts/db/Chart.yaml", SUB),
            ("charts/db/Chart.lock", "x: y\n"),
        ]),
        &[],
    )
    .unwrap();
    assert_eq!(
        text(&relocated.chart, "Chart.yaml"),
        TWICE.replace("\"https://u:secret@x\"", "\"\"").replace("https://x #", "\"\" #")
    );
    assert_eq!(text(&relocated.chart, "requirements.yaml"), requirements.replace("'https://x'", "''"));
    assert_eq!(relocated.dropped, ["Chart.lock", "requirements.lock", "charts/db/Chart.lock"]);
    assert!(relocated.dropped.iter().all(|path| relocated.chart.file(path).is_none()));
    assert_eq!(relocated.edits[0].key, "dependencies[0].repository");
    assert_eq!(relocated.edits[0].from.as_deref(), Some("https://x"), "no credentials");
}

#[test]
fn images_of_hints() {
    let chart = chart(&[("values.yaml", "a: nginx:1.25\nb: x/y\nt: v1\n")]);
    let images = hint_images(&chart, &hints(&["{{ .a }}", "{{ .b }}:{{ .t }}"]), &rules()).unwrap();
    let shown: Vec<_> =
        images.iter().map(|i| (i.source.to_string(), i.target.to_string(), i.pin_digest)).collect();
    assert_eq!(
        shown,
        [
            ("docker.io/library/nginx:1.25".to_owned(), "t.io:5000/p/nginx:1.25".to_owned(), true),
            ("docker.io/x/y:v1".to_owned(), "t.io:5000/p/y:v1".to_owned(), false),
        ]
    );
}

#[test]
fn the_readme_names_the_targets_repository() {
    let relocated =
        run(&chart(&[("README.md", "helm repo add bitnami https://x\nhelm install bitnami/top\n")]), &[])
            .unwrap();
    assert_eq!(
        text(&relocated.chart, "README.md"),
        "helm repo add myrepo https://x\nhelm install myrepo/top\n"
    );
    assert_eq!(relocated.edits.len(), 2);
}
