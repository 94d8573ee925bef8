//! Claims of storage: what they ask for only grows, and all else stays.

use portolan_chart::{ObjectName, ValuePath};
use serde_json::Value;

use super::{Objection, Reason};
use crate::quantity::quantity;

/// Fields of a claim's `spec` that do change.
const CHANGING: &[&str] = &["resources", "volumeAttributesClassName", "volumeName"];

pub(super) fn of_kind(name: &ObjectName, present: &Value, wanted: &Value) -> Vec<Objection> {
    if (name.group(), name.kind.as_str()) != ("", "PersistentVolumeClaim") {
        return Vec::new();
    }
    let spec = ValuePath::of_keys(["spec"]);
    let mut objections = Vec::new();
    for field in wanted.get("spec").and_then(Value::as_object).into_iter().flat_map(|spec| spec.keys()) {
        let path = spec.key(field);
        let is_changed = path.get(present).is_some_and(|present| Some(present) != path.get(wanted));
        if is_changed && !CHANGING.contains(&field.as_str()) {
            objections.push(Objection { path, reason: Reason::Immutable });
        }
    }
    let storage = ValuePath::of_keys(["spec", "resources", "requests", "storage"]);
    let amount = |side: &Value| storage.get(side).and_then(quantity);
    if let (Some(present), Some(wanted)) = (amount(present), amount(wanted))
        && wanted < present
    {
        objections.push(Objection { path: storage, reason: Reason::Shrinks });
    }
    objections
}
