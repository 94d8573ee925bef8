//! The manual names every key, variable and flag.

use std::fs;

use portolan_cli::config::{KEYS, VARIABLES};
use portolan_testkit::components::workspace_root;

use crate::site::Site;

fn manual(name: &str) -> String {
    let path = workspace_root().join("docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_key_and_variable_is_in_the_manual() {
    let manual = manual("configuration.md");
    let missing: Vec<&str> = KEYS
        .iter()
        .chain(VARIABLES.iter().map(|(name, _)| name))
        .copied()
        .filter(|name| !manual.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_flag_is_in_the_manual() {
    let manual = manual("sync.md");
    let help = Site::new().run("sync --help").expect(0).out;
    let flags = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
    let flags = flags.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
    let missing: Vec<&str> = flags.filter(|flag| !manual.contains(flag)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
