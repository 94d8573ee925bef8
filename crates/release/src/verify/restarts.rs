//! Which containers were started again while somebody looked. Told by counting, so that no clocks are compared: what a
//! container had done before is nobody's reason.

use std::collections::{BTreeMap, BTreeSet};

use portolan_chart::ObjectName;
use serde_json::Value;

use crate::cluster::{Cluster, POD};

/// How often containers had been started again at some time, by the UID of their pods and their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Restarts(Option<BTreeMap<(String, String), i64>>);

impl Restarts {
    /// How it is now in the namespaces of these objects. Where it can't be told, no container counts as started again
    /// since then.
    pub(super) async fn now(cluster: &Cluster, objects: &[ObjectName]) -> Self {
        let namespaces: BTreeSet<&str> = objects.iter().map(|object| object.namespace.as_str()).collect();
        let mut pods = Vec::new();
        for namespace in namespaces.into_iter().filter(|namespace| !namespace.is_empty()) {
            match cluster.list(&POD.into(), Some(namespace), "").await {
                Ok(found) => pods.extend(found),
                Err(_) => return Self::default(),
            }
        }
        Self::of(&pods)
    }

    pub(super) fn of(pods: &[Value]) -> Self {
        let counts = pods.iter().flat_map(|pod| {
            statuses(pod)
                .map(|container| (key(pod, container), container["restartCount"].as_i64().unwrap_or(0)))
        });
        Self(Some(counts.collect()))
    }

    /// Whether a container of a pod was started again since. One that was not there then has begun since.
    pub(super) fn is_again(&self, pod: &Value, container: &Value) -> bool {
        let Some(counts) = &self.0 else { return false };
        let before = counts.get(&key(pod, container)).copied().unwrap_or(0);
        container["restartCount"].as_i64() > Some(before)
    }

    /// Whether any container of a pod was.
    pub(super) fn is_any_again(&self, pod: &Value) -> bool {
        statuses(pod).any(|container| self.is_again(pod, container))
    }
}

fn key(pod: &Value, container: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&pod["metadata"]["uid"]), text(&container["name"]))
}

/// What a pod says of each of its containers.
pub(super) fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["initContainerStatuses", "containerStatuses"].map(|key| pod["status"][key].as_array());
    lists.into_iter().flatten().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(uid: &str, restarts: i64) -> Value {
        json!({"metadata": {"uid": uid}, "status": {"containerStatuses": [
            {"name": "web", "ready": true, "restartCount": restarts}, {"name": "side", "restartCount": 0},
        ]}})
    }

    #[test]
    fn what_was_started_again_since() {
        let seen = Restarts::of(&[pod("a", 3)]);
        let check = |found: Value, expected: bool| assert_eq!(seen.is_any_again(&found), expected, "{found}");
        check(pod("a", 3), false);
        check(pod("a", 4), true);
        check(pod("new", 0), false);
        check(pod("new", 1), true);
        assert!(!Restarts::default().is_any_again(&pod("a", 4)), "nobody could tell how it was");
    }
}
