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
    for (command, page) in [("sync", "sync.md"), ("serve", "depot.md")] {
        assert_eq!(flags_missing(command, page), Vec::<String>::new(), "{command}");
    }
}

/// The flags of the command's help that the page does not name.
fn flags_missing(command: &str, page: &str) -> Vec<String> {
    let manual = manual(page);
    let help = Site::new().run(&format!("{command} --help")).expect(0).out;
    let flags = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
    let flags = flags.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
    flags.filter(|flag| !manual.contains(flag)).map(str::to_owned).collect()
}
