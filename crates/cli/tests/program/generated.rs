//! Completions and manual pages, which are made from the arguments.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use portolan_testkit::{components, process};

use crate::site::Site;

/// The commands that have a page and completions.
const COMMANDS: [&str; 37] = [
    "sync",
    "inspect",
    "merge",
    "import-addon",
    "cluster-create",
    "load",
    "advisories",
    "advisories list",
    "advisories show",
    "advisories check",
    "advisories test",
    "serve",
    "depot",
    "depot check",
    "depot gc",
    "depot project",
    "depot project list",
    "depot project set",
    "depot serve",
    "depot user",
    "depot user add",
    "depot user list",
    "depot user password",
    "depot user grant",
    "depot user revoke",
    "depot user remove",
    "releases",
    "history",
    "upgrade",
    "rollback",
    "backup",
    "restore",
    "runs",
    "recover",
    "quickstart",
    "completions",
    "man",
];

/// What works with a later version only, and is not offered before.
const HIDDEN: [&str; 3] = ["generate", "--from-date", "--latest-version-only"];

/// The same of `sync` alone: `load` has such a flag.
const HIDDEN_OF_SYNC: &str = "--platform";

/// Every long flag that the help of a command shows.
fn flags(site: &Site, command: &str) -> BTreeSet<String> {
    let help = site.run(&format!("{command} --help")).expect(0).out;
    let definitions = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let words = definitions.flat_map(str::split_whitespace).filter(|word| word.starts_with("--"));
    words.map(|word| word.trim_end_matches(|c: char| !c.is_ascii_alphabetic()).to_owned()).collect()
}

#[test]
fn every_shell_is_offered_every_flag_and_command() {
    let site = Site::new();
    let flags_of = COMMANDS.map(|command| (command, flags(&site, command)));
    assert!(flags_of[0].1.contains("--auto-create-repository"), "{flags_of:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = site.run(&format!("completions {shell}")).expect(0);
        let offers = |word: &str| match shell {
            // fish's own way to write a long flag
            "fish" => script.out.contains(word) || script.out.contains(&word.replacen("--", "-l ", 1)),
            _ => script.out.contains(word),
        };
        // clap's script for fish knows the flags of two words, and the names of those below them.
        let knows = |command: &str| shell != "fish" || command.matches(' ').count() < 2;
        let flags = flags_of.iter().filter(|(command, _)| knows(command)).flat_map(|(_, flags)| flags);
        let words = COMMANDS.iter().flat_map(|command| command.split(' '));
        let lacking: Vec<&str> =
            flags.map(String::as_str).chain(words).filter(|word| !offers(word)).collect();
        assert_eq!(lacking, [] as [&str; 0], "{shell}");
        assert!(!HIDDEN.iter().any(|word| offers(word)), "{shell}: {}", script.out);
        assert_eq!(script.err, "");
    }
    site.run("completions tcsh").expect(2);
}

#[test]
fn bash_takes_its_script_and_completes_with_it() {
    let site = Site::new();
    site.write("portolan.bash", site.run("completions bash").expect(0).out);
    let script = site.path("portolan.bash");
    process::run(Command::new("bash").arg("-n").arg(&script));
    // As bash calls it: the words, and the last two of them once more.
    let complete = |words: &str| {
        let line = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _portolan portolan ${{COMP_WORDS[-1]}} ${{COMP_WORDS[-2]}}; echo ${{COMPREPLY[@]}}",
            script.display()
        );
        String::from_utf8(process::run(Command::new("bash").args(["-c", &line]))).unwrap()
    };
    assert_eq!(complete("portolan sy"), "sync\n");
    assert_eq!(complete("portolan depot ser"), "serve\n");
    assert_eq!(complete("portolan sync --auto"), "--auto-create-repository\n");
    assert_eq!(complete("portolan sync --log-format j"), "json\n");
}

#[test]
fn manual_pages_have_every_flag() {
    let site = Site::new();
    site.run("man --output-dir pages/man1").expect(0);
    for command in COMMANDS {
        let name = command.replace(' ', "-");
        let page = fs::read_to_string(site.path(&format!("pages/man1/portolan-{name}.1"))).unwrap();
        let text = page.replace("\\-", "-");
        let lacking: Vec<String> =
            flags(&site, command).into_iter().filter(|flag| !text.contains(flag.as_str())).collect();
        assert_eq!(lacking, [] as [&str; 0], "{command}");
        assert!(!HIDDEN.iter().any(|word| text.contains(word)), "{command}: {text}");
        assert!(command != "sync" || !text.contains(HIDDEN_OF_SYNC), "{text}");
    }
    let main = fs::read_to_string(site.path("pages/man1/portolan.1")).unwrap();
    assert_eq!(site.run("man").expect(0).out.trim_end(), main.trim_end());
    let mut first = COMMANDS.iter().filter(|command| !command.contains(' '));
    assert!(
        first.all(|command| main.contains(&format!("portolan\\-{}(1)", command.replace('-', "\\-")))),
        "{main}"
    );
    let refused = site.run("man --output-dir pages/man1/portolan.1").expect(1);
    assert!(
        refused.err.starts_with("error: cannot write manual pages to pages/man1/portolan.1\n"),
        "{refused:?}"
    );
}

#[test]
fn groff_has_nothing_to_warn_of() {
    let Some(groff) = components::GROFF.require() else { return };
    let site = Site::new();
    site.run("man --output-dir pages").expect(0);
    let pages: Vec<_> = fs::read_dir(site.path("pages")).unwrap().map(|page| page.unwrap().path()).collect();
    assert_eq!(pages.len(), 1 + COMMANDS.len());
    let mut typeset = Command::new(groff);
    typeset.args(["-man", "-Tutf8", "-ww"]).args(pages);
    assert_eq!(String::from_utf8_lossy(&process::outcome(&mut typeset).stderr), "");
}
