//! Where a release that is stuck goes, and through what.

use super::WayOut;
use crate::stored::{Status, StoredRelease};

/// A way out.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// The revision whose content will stand; `None` where there will be no release.
    pub(super) to: Option<StoredRelease>,
    /// How Helm gets there; `None` where that revision stands already, and only earlier ones were left pending.
    pub(super) course: Option<Course>,
}

/// How Helm gets to another revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Course {
    /// A revision that stands before it.
    pub(super) through: Option<u32>,
    /// What becomes of the last record before.
    pub(super) record: LastRecord,
}

/// What becomes of the last record before Helm gets to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastRecord {
    /// It stays.
    Stays,
    /// It goes: Helm would take it for what is there.
    Goes,
    /// It says that it only stood on the way.
    IsMarked,
}

impl Course {
    /// Straight to the revision.
    pub(super) fn straight(record: LastRecord) -> Self {
        Self { through: None, record }
    }
}

impl Way {
    /// The way from `now`, which is the last revision, for what was earlier and the last good one of that.
    pub(super) fn of(
        now: &StoredRelease,
        earlier: &[StoredRelease],
        good: Option<StoredRelease>,
        way: WayOut,
    ) -> Self {
        let straight = |to| Self { to, course: Some(Course::straight(LastRecord::Stays)) };
        let number = |one: &Option<StoredRelease>| one.as_ref().map(|one| one.version);
        match (now.info.status, way) {
            _ if now.stood_on_the_way() => {
                straight(if way == WayOut::On { broken_off_before(now, earlier) } else { good })
            }
            (status, _) if !status.is_pending() => Self { to: Some(now.clone()), course: None },
            (Status::PendingRollback, _) => {
                let aim = earlier.iter().rev().find(|one| one.manifest == now.manifest).cloned();
                let Some(aim) = aim else {
                    return straight(if way == WayOut::On { Some(now.clone()) } else { good });
                };
                let through = Some(aim.version);
                let to = if way == WayOut::On { Some(aim) } else { good };
                let through = through.filter(|_| number(&to) != through);
                Self { to, course: Some(Course { through, record: LastRecord::Goes }) }
            }
            (_, WayOut::Back) => straight(good),
            (_, WayOut::On) => {
                let course = Course { through: number(&good), record: LastRecord::Stays };
                Self { to: Some(now.clone()), course: Some(course) }
            }
        }
    }
}

/// What was broken off before a revision that only stood on the way: an upgrade, else the rollback that aimed at it.
fn broken_off_before(now: &StoredRelease, earlier: &[StoredRelease]) -> Option<StoredRelease> {
    let last = |is_it: &dyn Fn(&&StoredRelease) -> bool| earlier.iter().rev().find(is_it).cloned();
    last(&|one| one.info.status.is_pending()).or_else(|| last(&|one| one.manifest == now.manifest))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn revision(version: u32, status: &str, manifest: &str) -> StoredRelease {
        let chart = json!({"metadata": {"name": "kant", "version": "1.0.0"}});
        let release = json!({"name": "kant", "namespace": "n", "version": version, "manifest": manifest,
            "info": {"status": status}, "chart": chart});
        serde_json::from_value(release).unwrap()
    }

    /// Somewhere else, where the folder of the run is not.
    #[test]
    fn where_it_goes_from_what_stood_on_the_way() {
        let passed = |version, manifest| {
            let mut passed = revision(version, "failed", manifest);
            passed.info.description = crate::recover::PASSED.to_owned();
            passed
        };
        let check = |earlier: &[StoredRelease], now: &StoredRelease, way: WayOut, expected: u32| {
            let found = Way::of(now, earlier, Some(earlier[0].clone()), way);
            let to = found.to.map(|to| to.version);
            assert_eq!((to, found.course), (Some(expected), Some(Course::straight(LastRecord::Stays))));
        };
        let upgraded = [revision(1, "superseded", "one"), revision(2, "pending-upgrade", "two")];
        check(&upgraded, &passed(3, "one"), WayOut::On, 2);
        let rolled_back = [revision(1, "superseded", "one"), revision(2, "superseded", "two")];
        check(&rolled_back, &passed(3, "two"), WayOut::Back, 1);
        check(&rolled_back, &passed(3, "two"), WayOut::On, 2);
    }

    #[test]
    fn where_it_goes_and_through_what() {
        let check = |now: (&str, &str), way: WayOut, to: Option<u32>, course: Option<Course>| {
            let earlier = [
                revision(1, "superseded", "one"),
                revision(2, "deployed", "two"),
                revision(3, "failed", "three"),
            ];
            let now = revision(4, now.0, now.1);
            let found = Way::of(&now, &earlier, Some(earlier[1].clone()), way);
            assert_eq!((found.to.map(|to| to.version), found.course), (to, course));
        };
        let stays = |through| Some(Course { through, record: LastRecord::Stays });
        let goes = |through| Some(Course { through, record: LastRecord::Goes });
        check(("pending-upgrade", "four"), WayOut::Back, Some(2), stays(None));
        check(("pending-upgrade", "four"), WayOut::On, Some(4), stays(Some(2)));
        check(("pending-rollback", "two"), WayOut::Back, Some(2), goes(None));
        check(("pending-rollback", "two"), WayOut::On, Some(2), goes(None));
        check(("pending-rollback", "one"), WayOut::Back, Some(2), goes(Some(1)));
        check(("pending-rollback", "one"), WayOut::On, Some(1), goes(None));
        check(("pending-rollback", "gone"), WayOut::Back, Some(2), stays(None));
        check(("deployed", "two"), WayOut::Back, Some(4), None);
    }
}
