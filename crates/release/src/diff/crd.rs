//! What an upgrade does to a definition of custom resources: its versions, and in short its schema.

mod schema;

use serde::Serialize;
use serde_json::Value;

use super::Action;
use schema::schema_changes;

/// What becomes of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CrdDiff {
    /// `clusters.cluster.example.io`
    pub name: String,
    /// Whether it is made, changed or kept; definitions are never removed.
    pub action: Action,
    /// What happens to its versions.
    pub versions: Vec<VersionChange>,
    /// Versions that objects may be stored in, as the cluster says (`status.storedVersions`).
    pub stored_versions: Vec<String>,
    /// What changes in the schemas of versions that both have.
    pub schema: Vec<SchemaChange>,
}

/// What happens to a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "change", content = "version")]
pub enum VersionChange {
    /// It comes.
    Added(String),
    /// It goes.
    Dropped(String),
    /// It goes, though objects may be stored in it: the server refuses that.
    DroppedThoughStored(String),
    /// The server answers in it from now on.
    Served(String),
    /// The server no longer answers in it.
    NotServed(String),
    /// New objects are stored in it from now on.
    Storage(String),
}

/// A difference between two schemas of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaChange {
    /// The version.
    pub version: String,
    /// The field, from the root of the object: `spec.nodes[].image`.
    pub field: String,
    /// What changes.
    pub finding: SchemaFinding,
}

/// What changes about a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum SchemaFinding {
    /// It comes.
    Added,
    /// It goes: what objects have there is lost at their next write.
    Removed,
    /// It is of another type.
    Type {
        /// The type it had.
        before: String,
        /// The type it has.
        after: String,
    },
    /// Objects have to have it from now on.
    Required,
    /// Objects need it no longer.
    Optional,
    /// Some values are no longer taken.
    FewerValues,
    /// Bounds, pattern or rules are others.
    Constraint,
    /// What it is where nobody sets it.
    Default,
}

impl SchemaFinding {
    /// Whether objects that are there may be refused or lose something.
    #[must_use]
    pub fn may_break(&self) -> bool {
        !matches!(self, Self::Added | Self::Optional | Self::Default)
    }
}

/// Compares a definition (`apiextensions.k8s.io/v1`) as the cluster has it with the one that comes.
#[must_use]
pub fn crd_diff(live: Option<&Value>, desired: &Value) -> CrdDiff {
    let name = desired.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(live) = live else {
        let versions = versions(desired).map(|version| VersionChange::Added(version_name(version))).collect();
        return CrdDiff {
            name,
            action: Action::Create,
            versions,
            stored_versions: Vec::new(),
            schema: Vec::new(),
        };
    };
    let stored_versions = stored(live);
    let versions = version_changes(live, desired, &stored_versions);
    let schema = schema_changes(live, desired);
    let is_same = versions.is_empty() && schema.is_empty() && live.get("spec") == desired.get("spec");
    let action = if is_same { Action::Keep } else { Action::Change };
    CrdDiff { name, action, versions, stored_versions, schema }
}

/// `status.storedVersions` of a definition in the cluster.
pub(crate) fn stored(live: &Value) -> Vec<String> {
    let stored = live.pointer("/status/storedVersions").and_then(Value::as_array);
    stored.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `spec.versions` of a definition.
pub(crate) fn versions(definition: &Value) -> impl Iterator<Item = &Value> {
    definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten()
}

/// The name of one of them.
pub(crate) fn version_name(version: &Value) -> String {
    version.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn version_changes(live: &Value, desired: &Value, stored: &[String]) -> Vec<VersionChange> {
    let old = |name: &str| versions(live).find(|version| version_name(version) == name);
    let is = |version: &Value, flag: &str| version.get(flag) == Some(&Value::Bool(true));
    let mut changes = Vec::new();
    for version in versions(desired) {
        let name = version_name(version);
        let Some(old) = old(&name) else {
            changes.push(VersionChange::Added(name.clone()));
            changes.extend(is(version, "storage").then_some(VersionChange::Storage(name)));
            continue;
        };
        match (is(old, "served"), is(version, "served")) {
            (false, true) => changes.push(VersionChange::Served(name.clone())),
            (true, false) => changes.push(VersionChange::NotServed(name.clone())),
            _ => {}
        }
        if is(version, "storage") && !is(old, "storage") {
            changes.push(VersionChange::Storage(name));
        }
    }
    let stays = |name: &str| versions(desired).any(|version| version_name(version) == name);
    for name in versions(live).map(version_name).filter(|name| !stays(name)) {
        let is_stored = stored.contains(&name);
        changes.push(if is_stored {
            VersionChange::DroppedThoughStored(name)
        } else {
            VersionChange::Dropped(name)
        });
    }
    changes
}
