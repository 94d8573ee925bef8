//! Journals of earlier groups: who is done, who was broken off, who was not reached.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{EndLine, GROUP_JOURNAL_VERSION, Goes, GroupMember, GroupTask, Head, JOURNAL, MemberLine};
use crate::journal::{RunState, UnreadableRun, log, recorded, run_of};
use crate::private::FileError;

/// A group whose run was written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedGroup {
    /// Its folder, whose name is the group's.
    pub folder: PathBuf,
    /// Where its components are named.
    pub file: PathBuf,
    /// What it is about.
    #[serde(skip)]
    pub task: GroupTask,
    /// When it began, as RFC 3339 has it.
    pub began: String,
    /// How far it is.
    #[serde(flatten)]
    pub state: GroupState,
    /// How far its members are, in their order.
    pub members: Vec<RecordedMember>,
}

/// How far a group is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum GroupState {
    /// Its program lives.
    Running,
    /// It is over.
    Ended {
        /// How, in a word.
        outcome: String,
        /// When, as RFC 3339 has it.
        ended: String,
    },
    /// Its program died.
    BrokenOff,
}

/// A member, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedMember {
    /// Which.
    #[serde(flatten)]
    pub member: GroupMember,
    /// How far its upgrade is.
    pub upgrade: MemberState,
    /// How far its way back is.
    #[serde(skip_serializing_if = "MemberState::is_not_reached")]
    pub back: MemberState,
}

/// How far a member is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum MemberState {
    /// It was not its turn.
    NotReached,
    /// It was, and its run is under way, or was broken off.
    Open {
        /// The folder of that run.
        run: PathBuf,
    },
    /// Its run is over.
    Ended {
        /// The folder of that run.
        run: PathBuf,
        /// How, in a word.
        outcome: String,
    },
}

impl MemberState {
    /// Whether it was not its turn.
    pub fn is_not_reached(&self) -> bool {
        matches!(self, Self::NotReached)
    }

    /// Whether its run is under way, or was broken off.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// The folder of its run.
    pub fn run(&self) -> Option<&Path> {
        match self {
            Self::NotReached => None,
            Self::Open { run } | Self::Ended { run, .. } => Some(run),
        }
    }

    /// From its run's own journal; a run that has none had not begun.
    fn of(run: &Path) -> Self {
        let run = run.to_owned();
        match run_of(&run) {
            Ok(found) => match found.state {
                RunState::Ended { outcome, .. } => Self::Ended { run, outcome },
                RunState::Running { .. } | RunState::BrokenOff { .. } => Self::Open { run },
            },
            Err(_) => Self::NotReached,
        }
    }
}

impl RecordedMember {
    /// How far it is, as words that go on from its name.
    pub fn words(&self) -> String {
        match (&self.back, &self.upgrade) {
            (MemberState::Open { .. }, _) => "was being taken back".to_owned(),
            (MemberState::Ended { .. }, _) => "is taken back".to_owned(),
            (_, MemberState::NotReached) => "was not reached".to_owned(),
            (_, MemberState::Open { .. }) => "was broken off".to_owned(),
            (_, MemberState::Ended { outcome, .. }) => format!("is done, {outcome}"),
        }
    }

    fn not_reached(member: &GroupMember) -> Self {
        let (upgrade, back) = (MemberState::NotReached, MemberState::NotReached);
        Self { member: member.clone(), upgrade, back }
    }
}

impl RecordedGroup {
    /// One that begins now.
    pub(in crate::group) fn begun(folder: &Path, task: GroupTask) -> Self {
        let members = task.members.iter().map(RecordedMember::not_reached).collect();
        let (folder, file) = (folder.to_owned(), task.file.clone());
        Self { folder, file, task, began: log::now(), state: GroupState::Running, members }
    }

    /// Whether it was on its way back.
    pub(in crate::group) fn goes_back(&self) -> bool {
        self.members.iter().any(|member| !member.back.is_not_reached())
    }

    /// The name that the runs of all members have.
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether its program died.
    pub fn is_broken_off(&self) -> bool {
        self.state == GroupState::BrokenOff
    }

    /// What is carried out for a member, whose number counts from 0: as its run has it, else as it was planned.
    pub fn order(&self, at: usize) -> PathBuf {
        let run = self.members[at].upgrade.run().filter(|run| crate::upgrade::is_kept(run));
        run.map_or_else(|| super::order(&self.folder, at), Path::to_owned)
    }
}

/// Any line but the first.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Member(MemberLine),
    End(EndLine),
}

/// The groups below a folder, oldest first, and the journals there that can't be read. None where there is no such
/// folder.
///
/// # Errors
/// [`FileError`] where the folder can't be read.
pub fn groups(below: &Path) -> Result<(Vec<RecordedGroup>, Vec<UnreadableRun>), FileError> {
    recorded(below, JOURNAL, group, |group| (&group.began, &group.folder))
}

/// The group of a folder; else, in words, why its journal can't be read.
pub(super) fn group(folder: &Path, lives: bool) -> Result<RecordedGroup, String> {
    let text = log::text(&folder.join(JOURNAL))?;
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let unread = || log::unread(first, "groupJournalVersion", GROUP_JOURNAL_VERSION);
    let Head { group_journal_version, began, task } = serde_json::from_str(first).map_err(|_| unread())?;
    if group_journal_version > GROUP_JOURNAL_VERSION {
        return Err(unread());
    }
    let mut members: Vec<RecordedMember> = task.members.iter().map(RecordedMember::not_reached).collect();
    let mut state = if lives { GroupState::Running } else { GroupState::BrokenOff };
    // The last line of a program that was killed may be cut off: it says no more than the one before.
    for line in lines.map_while(|line| serde_json::from_str(line).ok()) {
        match line {
            Line::End(EndLine { time, outcome }) => state = GroupState::Ended { outcome, ended: time },
            Line::Member(line) => {
                let member = line.member.checked_sub(1).and_then(|at| members.get_mut(at));
                let member = member.ok_or_else(|| format!("it has no member {}", line.member))?;
                match line.goes {
                    Goes::On => member.upgrade = MemberState::of(&line.run),
                    Goes::Back => member.back = MemberState::of(&line.run),
                }
            }
        }
    }
    let (folder, file) = (folder.to_owned(), task.file.clone());
    Ok(RecordedGroup { folder, file, task, began, state, members })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const HEAD: &str = r#"{"groupJournalVersion":1,"began":"2026-01-02T03:04:05.000Z","file":"/m.yaml","server":"https://10.0.0.1:6443","holder":{"host":"seed"},"plan":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","onFailure":"stop","members":[{"component":"a","release":"a","namespace":"n","from":"1","to":"2","plan":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},{"component":"b","release":"b","namespace":"n","to":"2","plan":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"leftOut":[{"component":"c","why":"present","version":"2"},{"component":"d","why":"disabled"}]}"#;
    const RUN: &str = r#"{"journalVersion":1,"began":"2026-01-02T03:04:05.000Z","work":"upgrade","release":"a","namespace":"n","server":"s","holder":{"host":"seed"}}"#;

    #[test]
    fn how_far_members_are() {
        let place = tempfile::tempdir().unwrap();
        let run = |name: &str, end: &str| {
            let folder = place.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("journal.jsonl"), format!("{RUN}\n{end}")).unwrap();
            folder
        };
        let done = run("done", r#"{"time":"t","outcome":"upgraded","left":[]}"#);
        let (open, none) = (run("open", ""), place.path().join("none"));
        let folder = place.path().join("group-1");
        fs::create_dir(&folder).unwrap();
        let turn = |member: usize, goes: &str, run: &Path| {
            format!(r#"{{"time":"t","member":{member},"goes":"{goes}","run":"{}"}}"#, run.display())
        };
        let check = |lines: &[String], expected: &str| {
            fs::write(folder.join(JOURNAL), [&[HEAD.to_owned()][..], lines].concat().join("\n")).unwrap();
            let (found, unreadable) = groups(place.path()).unwrap();
            assert_eq!(unreadable, []);
            let word = |state: &MemberState| match state {
                MemberState::NotReached => "-".to_owned(),
                MemberState::Open { .. } => "open".to_owned(),
                MemberState::Ended { outcome, .. } => outcome.clone(),
            };
            let members =
                found[0].members.iter().map(|one| format!("{}/{}", word(&one.upgrade), word(&one.back)));
            let words = format!("{} {:?}", members.collect::<Vec<_>>().join(" "), found[0].state);
            assert_eq!(words, expected);
            assert_eq!((found[0].name().as_str(), found[0].task.left_out.len()), ("group-1", 2));
        };
        check(&[], "-/- -/- BrokenOff");
        check(&[turn(1, "on", &done)], "upgraded/- -/- BrokenOff");
        let both = [turn(1, "on", &done), turn(2, "on", &open)];
        check(&both, "upgraded/- open/- BrokenOff");
        check(&[turn(1, "on", &done), turn(2, "on", &none), "{\"ti".to_owned()], "upgraded/- -/- BrokenOff");
        let back = [both.to_vec(), vec![turn(1, "back", &open)]].concat();
        check(&back, "upgraded/open open/- BrokenOff");
        let end = r#"{"time":"t","outcome":"in-part"}"#.to_owned();
        let ended = [both.to_vec(), vec![end]].concat();
        check(&ended, r#"upgraded/- open/- Ended { outcome: "in-part", ended: "t" }"#);
        fs::write(folder.join(JOURNAL), HEAD.replace(":1,", ":2,")).unwrap();
        assert_eq!(
            groups(place.path()).unwrap().1[0].why,
            "it is of version 2, and this program reads 1 at most"
        );
    }
}
