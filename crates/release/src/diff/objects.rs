//! What becomes of an object of the cluster.

use portolan_chart::ObjectName;
use serde::Serialize;
use serde_json::Value;

use super::{Change, live, secret, tree::Comparison};
use crate::values::Mask;

/// All that is known of one object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sides<'a> {
    /// As the cluster has it.
    pub live: Option<&'a Value>,
    /// As the present revision rendered it.
    pub previous: Option<&'a Value>,
    /// As the new chart renders it.
    pub desired: Option<&'a Value>,
    /// What the server would make of `desired`, by a dry run: with it, defaults are told from changes.
    pub dry_run: Option<&'a Value>,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed.
    Change,
    /// It is removed.
    Delete,
    /// Nothing.
    Keep,
}

/// What becomes of one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectDiff {
    /// Which.
    pub object: ObjectName,
    /// What happens to it.
    pub action: Action,
    /// Its changes, masked; none where it is made or removed.
    pub changes: Vec<Change>,
}

/// Compares the sides of one object; `None` where nobody has it.
#[must_use]
pub fn object_diff(sides: Sides<'_>) -> Option<ObjectDiff> {
    let object = ObjectName::of(sides.live.or(sides.desired).or(sides.previous)?);
    let diff = |action, changes| Some(ObjectDiff { object, action, changes });
    match (sides.live, sides.desired) {
        (None, Some(_)) => diff(Action::Create, Vec::new()),
        // What only the cluster has is not the release's to remove.
        (Some(_), None) if sides.previous.is_some() && !is_kept(sides.live) => {
            diff(Action::Delete, Vec::new())
        }
        (Some(live), Some(desired)) => {
            let changes = changes(live, desired, &sides);
            let action = if changes.is_empty() { Action::Keep } else { Action::Change };
            diff(action, changes)
        }
        (_, None) => diff(Action::Keep, Vec::new()),
    }
}

/// Whether Helm leaves the object in the cluster though no template has it any more.
fn is_kept(live: Option<&Value>) -> bool {
    let policy =
        live.and_then(|live| live.get("metadata")?.get("annotations")?.get("helm.sh/resource-policy"));
    policy.and_then(Value::as_str) == Some("keep")
}

fn changes(live: &Value, desired: &Value, sides: &Sides<'_>) -> Vec<Change> {
    let written = |object: &Value| secret::encoded(live::written(object));
    let (before, after) = match sides.dry_run {
        Some(dry_run) => (written(live), written(dry_run)),
        None => {
            let desired = written(desired);
            let previous = sides.previous.map(written).unwrap_or_default();
            (live::said(&written(live), &desired, &previous), desired)
        }
    };
    let ((before, old), (after, new)) = (secret::taken_out(before), secret::taken_out(after));
    let mut changes = Comparison::of(&before, &after, Mask::Objects);
    changes.extend(secret::changes(&old, &new));
    changes
}
