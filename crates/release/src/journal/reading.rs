//! Journals of earlier runs: what was done, what is under way, what was broken off.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{EndLine, FAILED, GIVEN_UP, Head, JOURNAL, JOURNAL_VERSION, StepLine, StepState, Task, log};
use crate::event::Step;
use crate::private::FileError;

/// A run that was written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRun {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is about.
    #[serde(flatten)]
    pub task: Task,
    /// When it began, as RFC 3339 has it.
    pub began: String,
    /// How far it is.
    #[serde(flatten)]
    pub state: RunState,
    /// What somebody still has to look after, in words.
    pub left: Vec<String>,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum RunState {
    /// Its program lives.
    Running {
        /// What it is doing.
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<Step>,
    },
    /// It is over.
    Ended {
        /// How, in a word.
        outcome: String,
        /// When, as RFC 3339 has it.
        ended: String,
    },
    /// Its program died.
    BrokenOff {
        /// What it was doing.
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<Step>,
        /// Whether that, or what it did before, changes the cluster.
        changed: bool,
    },
}

impl RunState {
    /// Whether its program died.
    pub fn is_broken_off(&self) -> bool {
        matches!(self, Self::BrokenOff { .. })
    }

    /// Whether its program died, and another run was begun in its place.
    pub fn is_given_up(&self) -> bool {
        matches!(self, Self::Ended { outcome, .. } if outcome == GIVEN_UP)
    }

    /// Whether it did not come to its end: its program died, or it failed.
    pub fn is_unfinished(&self) -> bool {
        match self {
            Self::Running { .. } => false,
            Self::BrokenOff { .. } => true,
            Self::Ended { outcome, .. } => outcome == FAILED,
        }
    }
}

/// A journal that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadableRun {
    /// The folder of its run.
    pub folder: PathBuf,
    /// Why not.
    pub why: String,
}

/// Any line but the first.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Step(StepLine),
    End(EndLine),
}

/// The runs below a folder, oldest first, and the journals there that can't be read. None where there is no such
/// folder.
///
/// # Errors
/// [`FileError`] where the folder can't be read.
pub fn runs(folder: &Path) -> Result<(Vec<RecordedRun>, Vec<UnreadableRun>), FileError> {
    recorded(folder, JOURNAL, run, |run| (&run.began, &run.folder))
}

/// What `read` makes of the journals of that name below a folder, oldest first by `age`, and those that it can't read,
/// with why. It is told whether the program that writes the journal lives. None where there is no such folder.
///
/// # Errors
/// [`FileError`] where the folder can't be read.
pub(crate) fn recorded<R>(
    below: &Path,
    journal: &str,
    read: impl Fn(&Path, bool) -> Result<R, String>,
    age: impl Fn(&R) -> (&str, &Path),
) -> Result<(Vec<R>, Vec<UnreadableRun>), FileError> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for folder in log::folders(below, journal)? {
        // Asked before the journal is read: a run that ends in between has written its end by then.
        let lives = log::is_locked(&folder.join(journal));
        match read(&folder, lives) {
            Ok(one) => found.push(one),
            Err(why) => unreadable.push(UnreadableRun { folder, why }),
        }
    }
    found.sort_by(|one, other| age(one).cmp(&age(other)));
    unreadable.sort_by(|one, other| one.folder.cmp(&other.folder));
    Ok((found, unreadable))
}

/// The run of a folder, and whether its program lives; else, in words, why its journal can't be read.
pub(crate) fn run_of(folder: &Path) -> Result<RecordedRun, String> {
    let lives = log::is_locked(&folder.join(JOURNAL));
    run(folder, lives)
}

/// The run of a folder; else, in words, why its journal can't be read.
pub(super) fn run(folder: &Path, lives: bool) -> Result<RecordedRun, String> {
    parse(folder, &log::text(&folder.join(JOURNAL))?, lives)
}

/// The steps that a run has begun; else, in words, why its journal can't be read.
pub(super) fn begun(folder: &Path) -> Result<BTreeSet<Step>, String> {
    let text = log::text(&folder.join(JOURNAL))?;
    let lines = text.lines().filter_map(|line| serde_json::from_str::<StepLine>(line).ok());
    Ok(lines.map(|line| line.step).collect())
}

/// Whether a run has begun a step. Not, where its journal can't be read.
pub(crate) fn has_begun(folder: &Path, step: Step) -> bool {
    begun(folder).is_ok_and(|begun| begun.contains(&step))
}

fn parse(folder: &Path, text: &str, lives: bool) -> Result<RecordedRun, String> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let unread = || log::unread(first, "journalVersion", JOURNAL_VERSION);
    let head: Head = serde_json::from_str(first).map_err(|_| unread())?;
    if head.journal_version > JOURNAL_VERSION {
        return Err(unread());
    }
    // The last line of a run that was killed may be cut off: it says no more than the one before.
    let lines: Vec<Line> = lines.map_while(|line| serde_json::from_str(line).ok()).collect();
    let (state, left) = state(lines, lives);
    Ok(RecordedRun { folder: folder.to_owned(), task: head.task, began: head.began, state, left })
}

fn state(lines: Vec<Line>, lives: bool) -> (RunState, Vec<String>) {
    let (mut under_way, mut changed) = (None, false);
    for line in lines {
        match line {
            Line::End(EndLine { time, ending }) => {
                return (RunState::Ended { outcome: ending.outcome, ended: time }, ending.left);
            }
            Line::Step(line) => {
                under_way = (line.state == StepState::Began).then_some(line.step);
                changed |= line.step.changes_cluster();
            }
        }
    }
    match lives {
        true => (RunState::Running { step: under_way }, Vec::new()),
        false => (RunState::BrokenOff { step: under_way, changed }, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"journalVersion":1,"began":"2026-01-02T03:04:05.000Z","work":"upgrade","release":"kpanda","namespace":"kpanda-system","server":"https://10.0.0.1:6443","holder":{"user":"jane","host":"seed"},"revision":3,"from":"0.20.0","to":"0.21.0"}"#;

    fn journal(lines: &[&str]) -> String {
        [&[HEAD][..], lines].concat().join("\n")
    }

    fn step(step: &str, state: &str) -> String {
        format!(r#"{{"time":"t","step":"{step}","state":"{state}"}}"#)
    }

    #[test]
    fn how_far_a_run_is() {
        let check = |lines: &[&str], lives: bool, expected: RunState| {
            assert_eq!(parse(Path::new("runs/a"), &journal(lines), lives).unwrap().state, expected);
        };
        let (began, ended) = (step("back-up", "began"), step("back-up", "ended"));
        let definitions = step("definitions", "began");
        check(&[&began], true, RunState::Running { step: Some(Step::BackUp) });
        check(&[&began], false, RunState::BrokenOff { step: Some(Step::BackUp), changed: false });
        check(&[&began, &ended], false, RunState::BrokenOff { step: None, changed: false });
        let at_definitions = RunState::BrokenOff { step: Some(Step::Definitions), changed: true };
        check(&[&began, &ended, &definitions], false, at_definitions.clone());
        // Cut off in the middle of a line.
        check(&[&began, &ended, &definitions, r#"{"time":"t","st"#], false, at_definitions);
        let end = r#"{"time":"t","outcome":"upgraded","left":["a"]}"#;
        check(&[&began, end], false, RunState::Ended { outcome: "upgraded".into(), ended: "t".into() });
    }

    #[test]
    fn what_is_no_journal_says_why() {
        let check = |text: &str, expected: &str| {
            assert_eq!(parse(Path::new("runs/a"), text, false).unwrap_err(), expected);
        };
        check("", "its first line is not that of a journal");
        check(&HEAD[..100], "its first line is not that of a journal");
        let later = HEAD.replace("\"journalVersion\":1", "\"journalVersion\":2");
        check(&later, "it is of version 2, and this program reads 1 at most");
        check(r#"{"journalVersion":7}"#, "it is of version 7, and this program reads 1 at most");
    }
}
