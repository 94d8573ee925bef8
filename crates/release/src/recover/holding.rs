//! What the objects of a cluster hold of the old and of the new, after somebody died between them.

use std::collections::BTreeMap;

use portolan_chart::{ObjectName, rendered_objects};
use serde::Serialize;
use serde_json::Value;

use crate::cluster::{Cluster, ClusterError};
use crate::upgrade::Live;

/// What an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holding {
    /// What both revisions say.
    Same,
    /// What the good revision says.
    Old,
    /// What the pending one says.
    New,
    /// Neither: a third has changed it, or the server writes its fields another way.
    Neither,
    /// It is not there, and the good revision has it.
    Lacks,
    /// It is not there, and only the pending revision has it.
    NotYet,
}

/// An object, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectHolding {
    /// Which.
    pub object: ObjectName,
    /// What.
    pub holding: Holding,
}

/// What the objects of both manifests hold.
pub(super) async fn compare(
    cluster: &Cluster,
    old: &str,
    new: &str,
    namespace: &str,
) -> Result<Vec<ObjectHolding>, ClusterError> {
    let by_name = |manifest: &str| -> BTreeMap<ObjectName, Value> {
        rendered_objects(manifest).objects.into_iter().map(|one| (one.name, one.object)).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    let mut names: Vec<&ObjectName> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let live = Live::read(cluster, names.iter().copied(), namespace).await?;
    let one = |name: &ObjectName| ObjectHolding {
        object: name.clone(),
        holding: holding(live.object(name), old.get(name), new.get(name)),
    };
    Ok(names.into_iter().map(one).collect())
}

fn holding(live: Option<&Value>, old: Option<&Value>, new: Option<&Value>) -> Holding {
    let Some(live) = live else {
        return if old.is_some() { Holding::Lacks } else { Holding::NotYet };
    };
    let is = |wanted: Option<&Value>| wanted.is_some_and(|wanted| holds(live, wanted));
    match (is(old), is(new)) {
        (true, true) => Holding::Same,
        (true, false) => Holding::Old,
        (false, true) => Holding::New,
        (false, false) => Holding::Neither,
    }
}

/// Whether an object says all that is wanted of it; what the server adds is nobody's concern.
pub(crate) fn holds(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| match live.get(key) {
                // What is written as text is kept as data, which no reader of this needs to see.
                None if key == "stringData" => true,
                None => is_nothing(wanted),
                Some(live) => holds(live, wanted),
            })
        }
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| holds(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

fn is_nothing(wanted: &Value) -> bool {
    match wanted {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// `3 objects hold the new, 1 the old, 2 what both say`
pub(super) fn words(objects: &[ObjectHolding]) -> String {
    let count = |wanted: Holding| objects.iter().filter(|one| one.holding == wanted).count();
    let parts = [
        (count(Holding::New), "hold the new"),
        (count(Holding::Old), "hold the old"),
        (count(Holding::Same), "hold what both say"),
        (count(Holding::Neither), "hold neither"),
        (count(Holding::Lacks) + count(Holding::NotYet), "are not there"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, words)| format!("{count} {words}")).collect();
    if parts.is_empty() { "there are no objects".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_object_holds() {
        let settings = |value: &str| json!({"kind": "ConfigMap", "data": {"a": value}});
        let live = json!({"kind": "ConfigMap", "data": {"a": "1"}, "metadata": {"uid": "x"}});
        let (old, new) = (settings("1"), settings("2"));
        let check = |live: Option<&Value>, old: Option<&Value>, new: Option<&Value>, expected: Holding| {
            assert_eq!(holding(live, old, new), expected);
        };
        check(Some(&live), Some(&old), Some(&new), Holding::Old);
        check(Some(&live), Some(&new), Some(&old), Holding::New);
        check(Some(&live), Some(&old), Some(&old), Holding::Same);
        check(Some(&live), Some(&new), None, Holding::Neither);
        check(None, Some(&old), Some(&new), Holding::Lacks);
        check(None, None, Some(&new), Holding::NotYet);
    }

    #[test]
    fn what_the_server_adds_or_leaves_out_is_no_difference() {
        let check = |live: Value, wanted: Value, expected: bool| assert_eq!(holds(&live, &wanted), expected);
        check(json!({"a": 1, "b": 2}), json!({"a": 1, "c": null, "d": {}, "e": []}), true);
        check(json!({"a": [{"b": 1, "c": 2}]}), json!({"a": [{"b": 1}]}), true);
        check(json!({"a": [1, 2]}), json!({"a": [1]}), false);
        check(json!({"data": {}}), json!({"stringData": {"a": "b"}}), true);
    }
}
