//! Objects of hooks, which belong to no revision: an upgrade that fails leaves them behind, and neither Helm's
//! rollback nor anything else takes them away.

use std::collections::BTreeMap;

use portolan_chart::{ObjectName, RenderedObject};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::live;
use super::rehearse::Tried;
use crate::cluster::Cluster;
use crate::verify::Named;

/// An object of a hook, and which one of that name was there before the upgrade.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Hook {
    #[serde(with = "Named")]
    name: ObjectName,
    uid: Option<String>,
}

/// The hooks among these objects.
pub(super) fn hooks(objects: &[RenderedObject], tried: &BTreeMap<ObjectName, Tried>) -> Vec<Hook> {
    let hook = |object: &RenderedObject| {
        let found = tried.get(&object.name).and_then(|found| found.live.as_ref());
        Hook { name: object.name.clone(), uid: found.and_then(uid) }
    };
    objects.iter().filter(|object| object.hook.is_some()).map(hook).collect()
}

/// Those that were made since and are still there. One that can't be asked for is left out.
pub(super) async fn left(cluster: &Cluster, hooks: &[Hook], namespace: &str) -> Vec<ObjectName> {
    let mut left = Vec::new();
    for hook in hooks {
        let found = live(cluster, &hook.name, namespace).await.ok().flatten();
        if found.is_some_and(|found| uid(&found) != hook.uid) {
            left.push(hook.name.clone());
        }
    }
    left
}

fn uid(object: &Value) -> Option<String> {
    object.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned)
}
