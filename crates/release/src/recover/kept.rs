//! What a recovery is about, in the folder of its run: where it is broken off between two revisions, or once the record
//! that was pending is gone, Helm's records don't tell it any more.
//!
//! ```text
//! FOLDER/recovery.json    {"recoveryVersion":1,"way":"back","from":4,"was":"pending-rollback","to":3,"through":2,"forgets":true}
//! ```

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::way::{Course, LastRecord};
use super::{PASSED, RecoverError, WayOut};
use crate::private;
use crate::stored::{Status, StoredRelease};

/// Version of the file's shape; raised when an older program could not go on from it.
const RECOVERY_VERSION: u32 = 1;
const RECOVERY: &str = "recovery.json";
/// How large the file may be.
const FILE_LIMIT: u64 = 1 << 20;

/// What a recovery is about, by the numbers of revisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kept {
    recovery_version: u32,
    pub(super) way: WayOut,
    /// The revision that was pending.
    pub(super) from: u32,
    /// What it was.
    pub(super) was: Status,
    /// The revision whose content will stand; absent where there will be no release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<u32>,
    /// A revision that stands before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<u32>,
    /// Whether the record that was pending goes first.
    forgets: bool,
}

impl Kept {
    /// A recovery from that revision on, which is pending.
    pub(super) fn new(way: WayOut, now: &StoredRelease, to: Option<u32>, course: Option<Course>) -> Self {
        Self {
            recovery_version: RECOVERY_VERSION,
            way,
            from: now.version,
            was: now.info.status,
            to,
            through: course.and_then(|course| course.through),
            forgets: course.is_some_and(|course| course.record == LastRecord::Goes),
        }
    }

    /// Writes it into the folder of its run.
    pub(super) fn save(&self, folder: &Path) -> Result<(), RecoverError> {
        let bytes = serde_json::to_vec(self).expect("because it is a struct of words and numbers");
        Ok(private::replace(&folder.join(RECOVERY), &bytes)?)
    }

    /// Reads it again; `None` where there is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, RecoverError> {
        let path = folder.join(RECOVERY);
        if !path.is_file() {
            return Ok(None);
        }
        let unreadable = |why: String| RecoverError::Kept { path: path.clone(), why };
        let bytes = private::read(&path, FILE_LIMIT)?;
        let kept: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        match kept.recovery_version {
            version if version > RECOVERY_VERSION => Err(unreadable(format!(
                "it is of version {version}, and this program reads {RECOVERY_VERSION}"
            ))),
            _ => Ok(Some(kept)),
        }
    }

    /// How the rest of it is done where `now` is the last revision. `None` where that one is none of this recovery's
    /// own: it had not begun, has come to its end, or somebody else was at work since.
    pub(super) fn rest(&self, now: &StoredRelease) -> Option<Course> {
        let again = now.rolled_back_to();
        let is_own = |aim: Option<u32>, steps: u32| {
            again.is_some() && again == aim && now.version <= self.from.saturating_add(steps)
        };
        let (passes, arrives) = (is_own(self.through, 1), is_own(self.to, 2));
        let through = |record| Some(Course { through: self.through, record });
        let straight = |record| Some(Course::straight(record));
        match now.info.status {
            _ if self.forgets && now.version < self.from => through(LastRecord::Stays),
            Status::PendingRollback if passes => through(LastRecord::Goes),
            Status::PendingRollback if arrives => straight(LastRecord::Goes),
            Status::Deployed if passes => straight(LastRecord::IsMarked),
            Status::Failed if now.stood_on_the_way() => straight(LastRecord::Stays),
            Status::Uninstalling if self.to.is_none() => straight(LastRecord::Stays),
            _ => None,
        }
    }
}

impl StoredRelease {
    /// The revision that it is again, where Helm has rolled back to one, or was about to.
    pub(super) fn rolled_back_to(&self) -> Option<u32> {
        self.info.description.strip_prefix("Rollback to ")?.parse().ok()
    }

    /// Whether it only stood on the way of a recovery.
    pub(super) fn stood_on_the_way(&self) -> bool {
        self.info.status == Status::Failed && self.info.description == PASSED
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn revision(version: u32, status: &str, description: &str) -> StoredRelease {
        let chart = json!({"metadata": {"name": "kant", "version": "1.0.0"}});
        let info = json!({"status": status, "description": description});
        serde_json::from_value(
            json!({"name": "kant", "namespace": "n", "version": version, "info": info, "chart": chart}),
        )
        .unwrap()
    }

    #[test]
    fn what_is_still_to_be_done() {
        let pending = revision(4, "pending-rollback", "Rollback to 2");
        let course = |through, record| Some(Course { through, record });
        let kept = Kept::new(WayOut::Back, &pending, Some(3), course(Some(2), LastRecord::Goes));
        let check = |now: (u32, &str, &str), expected: Option<Course>| {
            assert_eq!(kept.rest(&revision(now.0, now.1, now.2)), expected, "{now:?}");
        };
        check((4, "pending-rollback", "Rollback to 2"), course(Some(2), LastRecord::Goes));
        check((3, "deployed", "Upgrade complete"), course(Some(2), LastRecord::Stays));
        check((4, "deployed", "Rollback to 2"), course(None, LastRecord::IsMarked));
        check((4, "failed", PASSED), course(None, LastRecord::Stays));
        check((5, "pending-rollback", "Rollback to 3"), course(None, LastRecord::Goes));
        check((5, "deployed", "Rollback to 3"), None);
        check((5, "deployed", "Upgrade complete"), None);
        check((5, "pending-upgrade", "Preparing upgrade"), None);
        check((5, "pending-rollback", "Rollback to 1"), None);
        check((7, "pending-rollback", "Rollback to 3"), None);
        check((4, "failed", "Rollback \"kant\" failed: timed out"), None);
    }

    #[test]
    fn a_release_that_is_half_taken_away() {
        let pending = revision(1, "pending-install", "Initial install underway");
        let kept = Kept::new(WayOut::Back, &pending, None, Some(Course::straight(LastRecord::Stays)));
        assert!(
            kept.rest(&revision(1, "uninstalling", "Deletion in progress (or silently failed)")).is_some()
        );
        assert_eq!(kept.rest(&pending), None);
    }

    #[test]
    fn it_is_read_as_it_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Kept::read(folder.path()).unwrap(), None);
        let pending = revision(4, "pending-rollback", "Rollback to 2");
        let course = Course { through: Some(2), record: LastRecord::Goes };
        let kept = Kept::new(WayOut::On, &pending, Some(3), Some(course));
        kept.save(folder.path()).unwrap();
        assert_eq!(Kept::read(folder.path()).unwrap(), Some(kept));
        let newer = json!({"recoveryVersion": 2, "way": "on", "from": 4, "was": "failed", "forgets": true});
        std::fs::write(folder.path().join(RECOVERY), newer.to_string()).unwrap();
        let error = Kept::read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("recovery.json can't be read: it is of version 2, and this program reads 1"));
    }
}
