//! The manual's table of faults names, in each row, the test that shows it: every one of them exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan_testkit::components::workspace_root;

/// The tests that the manual names, `CRATE: MODULE::…::NAME` each.
fn named() -> Vec<String> {
    let manual = workspace_root().join("docs/faults.md");
    let text = fs::read_to_string(&manual).unwrap_or_else(|error| panic!("{}: {error}", manual.display()));
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let last_cells = rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit_once('|'));
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

#[test]
fn every_row_names_tests_that_exist() {
    let named = named();
    assert!(named.len() > 20, "{} tests are named", named.len());
    let absent: Vec<&String> = named.iter().filter(|test| !exists(test)).collect();
    assert!(absent.is_empty(), "{absent:#?}");
}
