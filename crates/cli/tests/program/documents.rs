//! The manual names every key, variable and flag.

use std::fs;
use std::process::Command;

use portolan_cli::config::{KEYS, VARIABLES};
use portolan_testkit::components::{self, workspace_root};
use portolan_testkit::process;

use crate::site::{PROGRAM, Site};

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
    let of_users =
        ["add", "list", "password", "grant", "revoke", "remove"].map(|verb| format!("depot user {verb}"));
    let of_users = of_users.iter().map(|command| (command.as_str(), "depot.md"));
    for (command, page) in [
        ("sync", "sync.md"),
        ("import-addon", "import-addon.md"),
        ("cluster-create", "import-addon.md"),
        ("serve", "depot.md"),
    ]
    .into_iter()
    .chain(of_users)
    {
        assert_eq!(flags_missing(command, page), Vec::<String>::new(), "{command}");
    }
}

#[test]
fn the_unit_is_one_and_has_flags_that_are_there() {
    let Some(analyze) = components::SYSTEMD_ANALYZE.require() else { return };
    let unit = manual("depot/portolan-depot.service");
    let (_, line) = unit.split_once("\nExecStart=/usr/local/bin/portolan serve ").unwrap();
    let help = Site::new().run("serve --help").expect(0).out;
    let flags = line.lines().next().unwrap().split(' ').filter(|word| word.starts_with("--"));
    let missing: Vec<&str> = flags.filter(|flag| !help.contains(flag)).collect();
    assert_eq!(missing, Vec::<&str>::new());

    let site = Site::new();
    site.write("portolan-depot.service", unit.replace("/usr/local/bin/portolan", PROGRAM));
    let mut verify = Command::new(analyze);
    verify.args(["verify", "--man=no"]).arg(site.path("portolan-depot.service"));
    let outcome = process::outcome(&mut verify);
    assert!(outcome.status.success() && outcome.stderr.is_empty(), "{outcome:?}");
}

/// The flags of the command's help that the page does not name.
fn flags_missing(command: &str, page: &str) -> Vec<String> {
    let manual = manual(page);
    let help = Site::new().run(&format!("{command} --help")).expect(0).out;
    let flags = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
    let flags = flags.map(|word| word.split_once('=').map_or(word, |(flag, _)| flag));
    let flags = flags.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
    flags.filter(|flag| !manual.contains(flag)).map(str::to_owned).collect()
}
