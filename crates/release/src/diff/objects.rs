//! What becomes of an object of the cluster.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portolan_chart::ObjectName;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Change, live, tree::Comparison};
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
    let (before, after) = match sides.dry_run {
        Some(dry_run) => (live::written(live), live::written(dry_run)),
        None => {
            let desired = live::written(desired);
            let previous = sides.previous.map(live::written).unwrap_or_default();
            (live::said(&live::written(live), &desired, &previous), desired)
        }
    };
    let (before, after) = (without_secrets(before), without_secrets(after));
    compare(&before, &after)
}

/// Which keys of a Secret change is told; of what they hold, nothing.
fn compare(before: &Compared, after: &Compared) -> Vec<Change> {
    let mut changes = Comparison::of(&before.shown, &after.shown, Mask::Objects);
    for key in after.keys(before) {
        let (old, new) = (before.secret.get(&key), after.secret.get(&key));
        if old != new {
            let path = portolan_chart::ValuePath::of_keys(["data", &key]);
            let hidden = |side: Option<&Value>| side.map(|_| crate::values::HIDDEN.into());
            changes.push(Change { path, before: hidden(old), after: hidden(new) });
        }
    }
    changes
}

/// An object, and what of it is never shown.
struct Compared {
    shown: Value,
    /// Of a Secret, its data: texts as they are, encoded ones with their encoding.
    secret: Value,
}

impl Compared {
    fn keys(&self, other: &Self) -> Vec<String> {
        let keys = |side: &Self| {
            side.secret.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect::<Vec<_>>()
        };
        let mine = keys(self);
        let others = keys(other).into_iter().filter(|key| !mine.contains(key)).collect::<Vec<_>>();
        [mine, others].concat()
    }
}

fn without_secrets(mut object: Value) -> Compared {
    let mut secret = json!({});
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        let fields = object.as_object_mut().expect("because it has a kind");
        for (name, encoded) in [("data", true), ("stringData", false)] {
            let Some(Value::Object(data)) = fields.shift_remove(name) else { continue };
            for (key, value) in data {
                secret[key] = plain(value, encoded);
            }
        }
    }
    Compared { shown: object, secret }
}

/// `stringData` is written as text and read as `data`: both are compared in base64.
fn plain(value: Value, encoded: bool) -> Value {
    match value {
        Value::String(text) if !encoded => STANDARD.encode(text).into(),
        other => other,
    }
}
