//! The manual's tables name, in each row, the tests that show it: every one of them exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan_testkit::components::workspace_root;

/// The rows of a page's tables.
fn rows(page: &str) -> Vec<String> {
    let path = workspace_root().join("docs").join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    rows.map(str::to_owned).collect()
}

/// The tests that a page names, `CRATE: MODULE::…::NAME` each.
fn named(page: &str) -> Vec<String> {
    let rows = rows(page);
    let last_cells = rows.iter().filter_map(|row| row.trim_end_matches([' ', '|']).rsplit_once('|'));
    last_cells.flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}

/// Names of all functions in the Rust files below `folder`.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a crate's folder can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file can be read");
            found.extend(text.lines().filter_map(|line| function(line.trim_start())));
        }
    }
}

fn function(line: &str) -> Option<String> {
    let rest = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))?;
    rest.split_once('(').map(|(name, _)| name.to_owned())
}

fn exists(test: &str) -> bool {
    let Some((room, path)) = test.split_once(": ") else { return false };
    let folder = workspace_root().join("crates").join(room);
    let mut found = BTreeSet::new();
    if folder.is_dir() {
        functions(&folder, &mut found);
    }
    path.rsplit("::").next().is_some_and(|name| found.contains(name))
}

/// Holds a page to at least so many tests, all of which exist.
fn check(page: &str, least: usize) {
    let named = named(page);
    assert!(named.len() > least, "{page} names {} tests", named.len());
    let absent: Vec<&String> = named.iter().filter(|test| !exists(test)).collect();
    assert!(absent.is_empty(), "{page}: {absent:#?}");
}

#[test]
fn every_fault_names_tests_that_exist() {
    check("faults.md", 20);
}

#[test]
fn every_end_point_names_tests_that_exist() {
    check("depot/endpoints.md", 60);
}

#[test]
fn every_request_of_a_chart_repository_names_tests_that_exist() {
    check("depot/charts.md", 30);
}

/// OCI Distribution specification, "Endpoints": those of 1.1 and, from end-4c on, those that the
/// draft of 1.2 adds.
const END_POINTS: [&str; 19] = [
    "end-1", "end-2", "end-3", "end-4a", "end-4b", "end-5", "end-6", "end-7", "end-8a", "end-8b", "end-9",
    "end-10", "end-11", "end-12a", "end-12b", "end-13", "end-4c", "end-7b", "end-14",
];

#[test]
fn every_end_point_has_a_row() {
    let rows = rows("depot/endpoints.md");
    for end_point in END_POINTS {
        assert!(rows.iter().any(|row| row.starts_with(&format!("| {end_point} |"))), "{end_point}");
    }
}
