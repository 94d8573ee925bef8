//! The transcripts in docs/: what a command says there is what it says here.
//!
//! A command that is walked has a block of its own there, which begins with it. With `PORTOLAN_WALKTHROUGH=write`
//! the blocks are written anew. What no two runs have in common is written as the documentation has it.

use std::fs;
use std::io::Seek;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::site::Seed;

/// Tests of one program write the same file.
static DOCUMENT: Mutex<()> = Mutex::new(());

impl Seed {
    /// Runs the program, and holds what it says against its block. It is given as a terminal shows it: standard
    /// output and error in one.
    pub(crate) fn walk(&self, line: &str, code: i32) -> String {
        let said = said(&mut self.site.command(&self.filled(line)), code);
        let command = self.shown(&format!("$ portolan {}", self.filled(line)));
        compare("upgrade-walkthrough.md", &command, &in_order(&self.shown(&said)));
        said
    }

    /// A text with the documentation's names in the place of the test's.
    fn shown(&self, text: &str) -> String {
        let folder = self.site.path("");
        let home = format!("{}home", folder.display());
        let module = self.module.name;
        let text = text.replace(&home, "~").replace(&folder.display().to_string(), "");
        let text = text.replace(&self.depot.host(), "10.16.10.111");
        let text = text.replace(&format!("{}.example", self.namespace), &format!("{module}.io"));
        let text = text.replace(self.namespace, &format!("{module}-system"));
        lasting_words(&text)
    }
}

/// What a command says, given as a terminal shows it: standard output and error in one.
pub(crate) fn said(command: &mut Command, code: i32) -> String {
    let mut file = tempfile::tempfile().unwrap();
    command.stdout(file.try_clone().unwrap()).stderr(file.try_clone().unwrap());
    let status = command.status().unwrap();
    file.rewind().unwrap();
    let said = std::io::read_to_string(file).unwrap();
    assert_eq!(status.code(), Some(code), "{said}");
    said
}

/// A text without digests and times.
pub(crate) fn lasting_words(text: &str) -> String {
    text.split_inclusive(|c: char| c.is_whitespace() || c == '(' || c == ')').map(lasting).collect()
}

/// How many objects are ready by now is another one in each run.
fn is_lasting(line: &str) -> bool {
    let is_progress = line.starts_with("  ") && line.contains(" of ") && line.contains(" ready");
    !is_progress
}

/// The lines that every run has. Images arrive as they do: their lines are in the order of their names.
pub(crate) fn in_order(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| is_lasting(line)).collect();
    let is_image = |line: &str| ["pushed ", "merged ", "exists "].iter().any(|word| line.starts_with(word));
    let mut groups: Vec<Vec<&str>> =
        lines.chunk_by(|one, other| is_image(one) && is_image(other)).map(<[_]>::to_vec).collect();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.concat().iter().map(|line| format!("{line}\n")).collect()
}

/// A word without its digest or time.
fn lasting(word: &str) -> String {
    let end = word.trim_end_matches(|c: char| c.is_whitespace() || c == '(' || c == ')').len();
    let (word, rest) = word.split_at(end);
    if let Some((before, hex)) = word.split_once("sha256:")
        && hex.len() == 64
    {
        return format!("{before}sha256:4f0c…{rest}");
    }
    if let Some((before, run)) = word.split_once("portolan/runs/")
        && let Some((release, time)) = run.rsplit_once("-2")
    {
        let behind = time.split_once('Z').map_or("", |(_, behind)| behind);
        return format!("{before}portolan/runs/{release}-20260102T030405Z{behind}{rest}");
    }
    let is_time = word.len() > 18 && word.starts_with("20") && word.as_bytes()[10] == b'T';
    if is_time { format!("2026-01-02T03:04:05Z{rest}") } else { format!("{word}{rest}") }
}

/// Holds what a command says against its block in a file of docs/.
pub(crate) fn compare(document: &str, command: &str, said: &str) {
    let _held = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(document);
    let text = fs::read_to_string(&path).unwrap();
    let opening = format!("```console\n{command}\n");
    let (before, rest) = text.split_once(&opening).unwrap_or_else(|| panic!("no block has {command}"));
    let (block, after) = rest.split_once("```\n").unwrap();
    if std::env::var_os("PORTOLAN_WALKTHROUGH").is_some() {
        fs::write(&path, format!("{before}{opening}{said}```\n{after}")).unwrap();
        return;
    }
    assert_eq!(block, said, "{command} says something else now; PORTOLAN_WALKTHROUGH=write writes it anew");
}
