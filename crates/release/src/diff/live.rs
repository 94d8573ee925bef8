//! Objects without what the server and its controllers fill in.

use serde_json::{Map, Value};

use super::lists;

/// Fields of `metadata` that nobody writes by hand.
const METADATA: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Annotations of tools and controllers; Helm adds its own when it installs.
const ANNOTATIONS: &[&str] = &[
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "kubectl.kubernetes.io/last-applied-configuration",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
];

/// The label that Helm adds to everything.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The object as somebody could have written it.
pub(super) fn written(object: &Value) -> Value {
    let mut object = object.clone();
    let Some(fields) = object.as_object_mut() else { return object };
    fields.shift_remove("status");
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        METADATA.iter().for_each(|field| drop(metadata.shift_remove(*field)));
        metadata.shift_remove("namespace");
        without(metadata, "annotations", |key, _| ANNOTATIONS.contains(&key));
        without(metadata, "labels", |key, value| key == MANAGED_BY && value == "Helm");
    }
    object
}

fn without(metadata: &mut Map<String, Value>, field: &str, is_added: impl Fn(&str, &Value) -> bool) {
    let Some(Value::Object(entries)) = metadata.get_mut(field) else { return };
    entries.retain(|key, value| !is_added(key, value));
    if entries.is_empty() {
        metadata.shift_remove(field);
    }
}

/// What of `live` the chart has a say in: what `desired` sets, and what `previous` set. Without a dry run of
/// the server's, nothing else tells what is a default.
pub(super) fn said(live: &Value, desired: &Value, previous: &Value) -> Value {
    match live {
        Value::Object(fields) => {
            let keep = |(key, value): (&String, &Value)| {
                let (desired, previous) = (desired.get(key), previous.get(key));
                (desired.is_some() || previous.is_some()).then(|| {
                    let none = Value::Null;
                    (key.clone(), said(value, desired.unwrap_or(&none), previous.unwrap_or(&none)))
                })
            };
            Value::Object(fields.iter().filter_map(keep).collect())
        }
        Value::Array(items) => said_items(items, desired, previous),
        other => other.clone(),
    }
}

/// Items are compared with their partners; those that nobody of the chart wrote are left out.
fn said_items(items: &[Value], desired: &Value, previous: &Value) -> Value {
    let (desired, previous) = (partners(items, desired), partners(items, previous));
    let keep = |((item, desired), previous): ((&Value, Option<&Value>), Option<&Value>)| {
        let is_said = !item.is_object() || desired.is_some() || previous.is_some();
        is_said.then(|| said(item, desired.unwrap_or(&Value::Null), previous.unwrap_or(&Value::Null)))
    };
    items.iter().zip(desired).zip(previous).filter_map(keep).collect()
}

/// For each item the one of `list` that it is compared with.
fn partners<'v>(items: &[Value], list: &'v Value) -> Vec<Option<&'v Value>> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut partners = vec![None; items.len()];
    for (item, partner) in lists::pairs(items, list) {
        if let (Some(item), Some(partner)) = (item, partner) {
            partners[item] = Some(&list[partner]);
        }
    }
    partners
}
