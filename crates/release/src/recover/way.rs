//! Where a release that is stuck goes, and through what.

use super::WayOut;
use crate::stored::{Status, StoredRelease};

/// A way out.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// The revision whose content will stand; `None` where there will be no release.
    pub(super) to: Option<StoredRelease>,
    /// Revisions that stand before it.
    pub(super) through: Vec<u32>,
    /// Whether the record that is pending goes first.
    pub(super) forgets: bool,
}

impl Way {
    /// The way from `now`, which is the last revision, for what was earlier and the last good one of that.
    pub(super) fn of(
        now: &StoredRelease,
        earlier: &[StoredRelease],
        good: Option<StoredRelease>,
        way: WayOut,
    ) -> Self {
        let straight = |to| Self { to, through: Vec::new(), forgets: false };
        let number = |one: &Option<StoredRelease>| one.as_ref().map(|one| one.version);
        match (now.info.status, way) {
            // Only records of earlier revisions were left pending: what stands stays.
            (status, _) if !status.is_pending() => straight(Some(now.clone())),
            (Status::PendingRollback, _) => {
                let aim = earlier.iter().rev().find(|one| one.manifest == now.manifest).cloned();
                let Some(aim) = aim else {
                    return straight(if way == WayOut::On { Some(now.clone()) } else { good });
                };
                let to = if way == WayOut::On { Some(aim.clone()) } else { good };
                let through = if number(&to) == Some(aim.version) { Vec::new() } else { vec![aim.version] };
                Self { to, through, forgets: true }
            }
            (_, WayOut::Back) => straight(good),
            (_, WayOut::On) => {
                Self { through: number(&good).into_iter().collect(), ..straight(Some(now.clone())) }
            }
        }
    }
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

    #[test]
    fn where_it_goes_and_through_what() {
        let check = |now: (&str, &str), way: WayOut, to: Option<u32>, through: &[u32], forgets: bool| {
            let earlier = [
                revision(1, "superseded", "one"),
                revision(2, "deployed", "two"),
                revision(3, "failed", "three"),
            ];
            let now = revision(4, now.0, now.1);
            let found = Way::of(&now, &earlier, Some(earlier[1].clone()), way);
            let number = found.to.map(|to| to.version);
            assert_eq!((number, found.through.as_slice(), found.forgets), (to, through, forgets));
        };
        check(("pending-upgrade", "four"), WayOut::Back, Some(2), &[], false);
        check(("pending-upgrade", "four"), WayOut::On, Some(4), &[2], false);
        check(("pending-rollback", "two"), WayOut::Back, Some(2), &[], true);
        check(("pending-rollback", "two"), WayOut::On, Some(2), &[], true);
        check(("pending-rollback", "one"), WayOut::Back, Some(2), &[1], true);
        check(("pending-rollback", "one"), WayOut::On, Some(1), &[], true);
        check(("pending-rollback", "gone"), WayOut::Back, Some(2), &[], false);
        check(("deployed", "two"), WayOut::Back, Some(4), &[], false);
    }
}
