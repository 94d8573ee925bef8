//! Files of advisories: what is wrong with them, and whose word counts.

use portolan_chart::{Chart, ChartFile};

use super::*;

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = parse("x.yaml", text.as_bytes()).unwrap_err();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    assert_eq!(format!("{error}{cause}"), expected, "{text}");
}

#[test]
fn errors_name_line_and_field() {
    refused("a: [", "x.yaml: line 2: while parsing a node, did not find expected node content");
    refused("", "x.yaml: line 1: is no file of advisories: it has no advisoriesVersion: 1");
    refused(
        "x: 1\nadvisoriesVersion: 2\nadvisories: []",
        "x.yaml: line 2: advisoriesVersion is 2, and this Portolan reads 1; use one that reads it, or the file in that version",
    );
    refused(
        "advisoriesVersion: 1\nadvisories: []\nadvisories: []",
        "x.yaml: line 3: the key \"advisories\" is there twice",
    );
    refused("advisoriesVersion: 1\n", "x.yaml: line 1: missing field `advisories`");
    let of = |lines: &str, expected: &str| refused(&file(lines), &format!("x.yaml: {expected}"));
    of(
        "from: '>= x'",
        "line 8: advisories[0].from: the range \">= x\" has a bound that is no version: \"x\" is no version: one to three numbers, as in 1.2.3, v1.2 or 1.2.3-rc.1+build",
    );
    of(
        "mend:\n  - move: {from: a, to: '*.b'}",
        "line 9: advisories[0].mend[0].move.to: has to be one path, without *",
    );
    of(
        "mend:\n  - move: {from: a..b, to: b}",
        "line 9: advisories[0].mend[0].move.from: \"a..b\" is no path, as in a.b, a.list[0].b or a[\"x.y/z\"]",
    );
    of(
        "mend: []\nchoices: []\nnonsense: 1",
        "line 10: advisories[0].nonsense: unknown field `nonsense`, expected one of `id`, `module`, `from`, `to`, `severity`, `title`, `text`, `when`, `mend`, `choices`, `tests`",
    );
    of(
        "mend: [{set: {path: a, value: 1}}]\nchoices: [{id: a, title: {en: a, zh: a}}]",
        "line 9: advisories[0].choices: stands beside mend, and only one of them can be",
    );
    of(
        "mend:\n  - split: {from: a, at: {image: name-and-tag}, to: [b]}",
        "line 9: advisories[0].mend[0].split.to: has 1 paths, and 2 are wanted",
    );
    of(
        "choices:\n  - {id: a, title: {en: a, zh: a}}\n  - {id: a, title: {en: a, zh: a}}",
        "line 10: advisories[0].choices[1].id: a is there twice",
    );
    of(
        "choices:\n  - {id: A, title: {en: a, zh: a}}",
        "line 9: advisories[0].choices[0].id: \"A\" is no id: up to 100 small letters, digits, and - between them",
    );
    let twice = file("").replace("  - id: one", "  - &a\n    id: one") + "  - *a\n";
    refused(&twice, "x.yaml: line 4: advisories[1].id: one is there twice");
    let pattern = "when:\n  value: {path: a, matches: '('}";
    let error = parse("x.yaml", file(pattern).as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("x.yaml: line 9: advisories[0].when.value.matches: "), "{error}");
}

#[test]
fn a_file_that_is_too_large() {
    let text = format!("{}# {}", file(""), "x".repeat(FILE_LIMIT));
    refused(&text, "x.yaml: has more than 1048576 bytes");
}

fn chart(name: &str, advisories: &str) -> Chart {
    let file = |path: &str, text: String| ChartFile { path: path.into(), data: text.into() };
    let metadata = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
    Chart::from_files("c.tgz", vec![file("Chart.yaml", metadata), file(CHART_FILE, advisories.to_owned())])
        .unwrap()
}

#[test]
fn whose_word_counts() {
    let titled = |title: &str| file("").replace("title: {en: t", &format!("title: {{en: {title}"));
    let mut advisories = Advisories::default();
    let title = |advisories: &Advisories| {
        let one = advisories.get(&"one".parse().unwrap()).unwrap();
        (one.advisory.title.en.clone(), one.source.to_string())
    };
    advisories.add_chart(&chart("web", &titled("chart"))).unwrap();
    assert_eq!(title(&advisories), ("chart".to_owned(), "chart web 1.0.0".to_owned()));
    advisories.add_file("a.yaml", titled("user").as_bytes()).unwrap();
    assert_eq!(title(&advisories), ("user".to_owned(), "a.yaml".to_owned()));
    advisories.add_chart(&chart("web", &titled("chart"))).unwrap();
    assert_eq!(title(&advisories), ("user".to_owned(), "a.yaml".to_owned()));
    assert_eq!(advisories.iter().count(), 1);
}

#[test]
fn a_chart_advises_on_itself_alone() {
    let error = Advisories::default().add_chart(&chart("other", &file(""))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "c.tgz: portolan-advisories.yaml: the advisory one is about web, and comes with the chart other, which may only advise on itself"
    );
}
