//! The journal of a run: what it is, each of its steps before and after, and how it ended; a line of JSON each.
//!
//! ```text
//! {"journalVersion":1,"began":"…","work":"upgrade","release":"kpanda","namespace":"kpanda-system",…}
//! {"time":"…","step":"definitions","state":"began"}
//! {"time":"…","step":"definitions","state":"ended","result":"2 applied","seconds":0.41}
//! {"time":"…","outcome":"upgraded","left":[]}
//! ```
//!
//! A line is on the disk before the run goes on, and the file is locked for as long as its run lives: so a
//! journal without a last line, and without a lock, is one of a run that was broken off.

pub(crate) mod log;
mod reading;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use portolan_oci::Digest;
use serde::{Deserialize, Serialize};

use crate::event::Step;
use crate::private::FileError;
use log::{Log, now};
pub use reading::{RecordedRun, RunState, UnreadableRun, runs};
pub(crate) use reading::{has_begun, recorded, run_of};

/// Version of the lines' shape; raised when a member changes its meaning or goes away.
pub const JOURNAL_VERSION: u32 = 1;

/// The journal in the folder of its run.
pub(crate) const JOURNAL: &str = "journal.jsonl";

/// What a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// To another version of the chart.
    Upgrade,
    /// Back to an earlier revision.
    Rollback,
    /// Out of a state in which another run left it.
    Recover,
    /// Back to what a backup holds.
    Restore,
}

/// Whose run it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The machine.
    pub host: String,
}

/// That a run is one of several, which are about the members of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMark {
    /// The name that all of them have.
    pub name: String,
    /// The member's number, from 1.
    pub number: usize,
    /// How many members there are.
    pub of: usize,
}

/// What a run is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// What it does.
    pub work: Work,
    /// The release.
    pub release: String,
    /// Where it is.
    pub namespace: String,
    /// The API server's URL.
    pub server: String,
    /// Whose run it is.
    pub holder: Holder,
    /// The revision that stood before; absent where there was no release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The chart's version that stood before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The chart's version that is to come; absent where there will be no release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Digest of the plan, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    /// The group that it is one of, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupMark>,
}

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    journal_version: u32,
    began: String,
    #[serde(flatten)]
    task: Task,
}

/// A line about a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StepLine {
    time: String,
    step: Step,
    state: StepState,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    result: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StepState {
    Began,
    Ended,
    Failed,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// In a word.
    pub(crate) outcome: String,
    /// What somebody still has to look after, in words.
    pub(crate) left: Vec<String>,
}

/// The outcome of a run that came to nothing.
const FAILED: &str = "failed";

/// The outcome of a run that was broken off, and in whose place another one was begun.
pub const GIVEN_UP: &str = "given-up";

impl Ending {
    /// Of a run that came to nothing, or broke off.
    pub(crate) fn failed(error: &dyn std::error::Error) -> Self {
        Self { outcome: FAILED.to_owned(), left: vec![error.to_string()] }
    }
}

/// The last line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct EndLine {
    time: String,
    #[serde(flatten)]
    ending: Ending,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Recover => "recover",
            Self::Restore => "restore",
        })
    }
}

/// `jane@seed-node`
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user}@{}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Why a run can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// Its program lives.
    #[error("the run of {} is still under way", .path.display())]
    UnderWay {
        /// Its journal.
        path: PathBuf,
    },
    /// It is over.
    #[error("the run of {} is over: {outcome}", .path.display())]
    Ended {
        /// Its journal.
        path: PathBuf,
        /// How it ended.
        outcome: String,
    },
    /// Its journal can't be read.
    #[error("{} can't be read: {why}", .path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Its journal can't be opened or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Closes the journal of a run that was broken off: somebody has dealt with what it left. `outcome` says how, in a
/// word.
///
/// # Errors
/// [`ResumeError`] where it is under way, is over, or its journal can't be read or written.
pub fn close(folder: &Path, outcome: &str) -> Result<(), ResumeError> {
    let Resumed { journal, .. } = Journal::resume(folder)?;
    Ok(journal.end(&Ending { outcome: outcome.to_owned(), left: Vec::new() })?)
}

/// A journal that goes on.
pub(crate) struct Resumed {
    pub(crate) journal: Journal,
    pub(crate) task: Task,
    /// What was begun before.
    pub(crate) begun: BTreeSet<Step>,
}

/// A journal that is being written.
pub(crate) struct Journal(Log);

impl Journal {
    /// Begins a journal in a folder that has none.
    pub(crate) fn begin(folder: &Path, task: &Task) -> Result<Self, FileError> {
        let log = Log::begin(folder.join(JOURNAL))?;
        log.add(&Head { journal_version: JOURNAL_VERSION, began: now(), task: task.clone() })?;
        Ok(Self(log))
    }

    /// Goes on with one that was broken off. What was cut off at its end is taken away.
    pub(crate) fn resume(folder: &Path) -> Result<Resumed, ResumeError> {
        let path = folder.join(JOURNAL);
        let Some(log) = Log::take_up(path.clone())? else {
            return Err(ResumeError::UnderWay { path });
        };
        let unreadable = |why| ResumeError::Unreadable { path: path.clone(), why };
        let found = reading::run(folder, false).map_err(unreadable)?;
        let begun = reading::begun(folder).map_err(unreadable)?;
        if let RunState::Ended { outcome, .. } = found.state {
            return Err(ResumeError::Ended { path, outcome });
        }
        log.take_away_what_was_cut_off()?;
        Ok(Resumed { journal: Self(log), task: found.task, begun })
    }

    /// A step begins, or is over.
    pub(crate) fn step(
        &self,
        step: Step,
        state: StepState,
        result: &str,
        seconds: Option<f64>,
    ) -> Result<(), FileError> {
        self.0.add(&StepLine { time: now(), step, state, result: result.to_owned(), seconds })
    }

    /// The run is over.
    pub(crate) fn end(&self, ending: &Ending) -> Result<(), FileError> {
        self.0.add(&EndLine { time: now(), ending: ending.clone() })
    }
}
