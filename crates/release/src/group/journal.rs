//! The journal of a group: who belongs to it, whose turn it was, and how it ended; a line of JSON each.
//!
//! ```text
//! RUNS/GROUP/group.jsonl   {"groupJournalVersion":1,"began":"…","file":"…","members":[…],…}
//!                          {"time":"…","member":2,"goes":"on","run":"RUNS/kairship-…"}
//!                          {"time":"…","outcome":"upgraded"}
//! RUNS/GROUP/members/2/    what is carried out for that member, kept before the first one is touched
//! ```
//!
//! How far a member came stands in the journal of its own run alone.

mod reading;

use std::path::{Path, PathBuf};

use portolan_oci::Digest;
use serde::{Deserialize, Serialize};

use super::course::OnFailure;
use super::select::LeftOut;
use crate::journal::log::{Log, now};
use crate::journal::{GIVEN_UP, Holder, ResumeError};
use crate::private::FileError;
pub use reading::{GroupState, MemberState, RecordedGroup, RecordedMember, groups};

/// Version of the lines' shape; raised when a member changes its meaning or goes away.
pub const GROUP_JOURNAL_VERSION: u32 = 1;

/// The journal in the folder of its group.
const JOURNAL: &str = "group.jsonl";

/// What the run of a group is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupTask {
    /// The file that names its components.
    pub file: PathBuf,
    /// The API server's URL.
    pub server: String,
    /// Whose run it is.
    pub holder: Holder,
    /// Digest of the plan.
    pub plan: Digest,
    /// What follows from a failure.
    pub on_failure: OnFailure,
    /// Those that are upgraded, in their order.
    pub members: Vec<GroupMember>,
    /// Components that are not.
    pub left_out: Vec<LeftOut>,
}

/// A member, and what is to become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// The component's name.
    pub component: String,
    /// Its release.
    pub release: String,
    /// Where that is.
    pub namespace: String,
    /// The revision that stood before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The chart's version that stood before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The chart's version that is to come.
    pub to: String,
    /// Digest of its plan.
    pub plan: Digest,
}

/// The first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    group_journal_version: u32,
    began: String,
    #[serde(flatten)]
    task: GroupTask,
}

/// That a member is next.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct MemberLine {
    time: String,
    /// Its number, from 1.
    member: usize,
    goes: Goes,
    /// The folder of its run.
    run: PathBuf,
}

/// Where a member goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Goes {
    /// It is upgraded.
    On,
    /// It is taken back.
    Back,
}

/// The last line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct EndLine {
    time: String,
    outcome: String,
}

/// A group's journal that is being written. Its lock goes with it.
pub(super) struct GroupJournal(Log);

impl GroupJournal {
    /// Begins it in a folder that has none.
    pub(super) fn begin(folder: &Path, task: &GroupTask) -> Result<Self, FileError> {
        let log = Log::begin(folder.join(JOURNAL))?;
        log.add(&Head { group_journal_version: GROUP_JOURNAL_VERSION, began: now(), task: task.clone() })?;
        Ok(Self(log))
    }

    /// Goes on with one that was broken off, and says how far that came.
    pub(super) fn resume(folder: &Path) -> Result<(Self, RecordedGroup), ResumeError> {
        let path = folder.join(JOURNAL);
        let Some(log) = Log::take_up(path.clone())? else {
            return Err(ResumeError::UnderWay { path });
        };
        let unreadable = |why| ResumeError::Unreadable { path: path.clone(), why };
        let found = reading::group(folder, false).map_err(unreadable)?;
        if let GroupState::Ended { outcome, .. } = found.state {
            return Err(ResumeError::Ended { path, outcome });
        }
        log.take_away_what_was_cut_off()?;
        Ok((Self(log), found))
    }

    /// A member is next: its number counts from 0.
    pub(super) fn turn(&self, at: usize, goes: Goes, run: &Path) -> Result<(), FileError> {
        self.0.add(&MemberLine { time: now(), member: at + 1, goes, run: run.to_owned() })
    }

    /// The group is over.
    pub(super) fn end(&self, outcome: &str) -> Result<(), FileError> {
        self.0.add(&EndLine { time: now(), outcome: outcome.to_owned() })
    }
}

/// The folder of what is carried out for a member, whose number counts from 0.
pub(super) fn order(folder: &Path, at: usize) -> PathBuf {
    folder.join("members").join((at + 1).to_string())
}

/// Closes the journal of a group that was broken off, since another one takes its place.
///
/// # Errors
/// [`ResumeError`] where it is under way, is over, or its journal can't be read or written.
pub fn give_up(folder: &Path) -> Result<(), ResumeError> {
    let (journal, _) = GroupJournal::resume(folder)?;
    Ok(journal.end(GIVEN_UP)?)
}
