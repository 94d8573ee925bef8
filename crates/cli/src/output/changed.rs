//! What backups, restores and rollbacks came to.

use portolan_release::diff::crd_lines;
use portolan_release::{Backup, Restored, RollbackPlan, RolledBack};

use super::style::Style;
use super::unready;

/// What a backup holds.
#[must_use]
pub fn backup(backup: &Backup) -> String {
    let mut parts = vec![format!("revision {}", backup.revision)];
    if backup.definitions > 0 {
        parts.push(format!("{} definitions", backup.definitions));
    }
    if backup.custom_resources > 0 {
        parts.push(format!("{} custom resources", backup.custom_resources));
    }
    format!("{} is in {}", parts.join(", "), backup.folder.display())
}

/// What was brought back.
#[must_use]
pub fn restored(restored: &Restored) -> String {
    let Restored { release, namespace, from, revision, .. } = restored;
    let mut text =
        format!("{release} in {namespace} is as revision {from} was; it is revision {revision} now");
    if restored.record_made_again {
        text += "; Helm's record of it was gone, and was made again";
    }
    if restored.custom_resources > 0 {
        text += &format!("; {} custom resources were applied", restored.custom_resources);
    }
    text
}

/// What becomes of definitions that go back with a release.
#[must_use]
pub fn definitions_back(plan: &RollbackPlan, style: Style) -> Vec<String> {
    let changes = crd_lines(&plan.definitions).into_iter().map(|line| format!("  {}", style.warn(line)));
    changes.chain(plan.notes.iter().map(|note| format!("  {note}"))).collect()
}

/// What stands after a rollback.
#[must_use]
pub fn rolled_back(done: &RolledBack, style: Style) -> String {
    let RolledBack { from, to, version, revision, .. } = done;
    let text = format!(
        "revision {revision} stands, which is revision {to} again (version {version}); it was {from}"
    );
    let mut lines = vec![text];
    if !done.definitions.is_empty() {
        lines.push(format!("  definitions that went back: {}", done.definitions.join(", ")));
    }
    lines.extend(done.backup.iter().map(|backup| format!("  backup: {}", backup.folder.display())));
    lines.extend(unready::lines(&done.verified.unready, style));
    lines.extend(done.lease_left.iter().map(|lease| format!("  {lease}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use portolan_release::{Unready, Verified};

    use super::*;

    #[test]
    fn in_words() {
        let kept = Backup { folder: "/b".into(), revision: 3, definitions: 2, custom_resources: 0 };
        assert_eq!(backup(&kept), "revision 3, 2 definitions is in /b");
        let unready = Unready {
            object: Default::default(),
            why: "late".to_owned(),
            events: vec!["Pod a BackOff: again".to_owned()],
            log: vec!["a/c: no".to_owned()],
        };
        let verified = Verified { objects: 2, unready: vec![unready] };
        let done = RolledBack {
            from: 3,
            to: 2,
            version: "0.1.0".to_owned(),
            revision: 4,
            backup: None,
            definitions: Vec::new(),
            verified,
            lease_left: None,
        };
        let expected = "revision 4 stands, which is revision 2 again (version 0.1.0); it was 3\n  \
                        not ready  : late\n    Pod a BackOff: again\n    log a/c: no";
        assert_eq!(rolled_back(&done, Style::Plain), expected);
    }
}
