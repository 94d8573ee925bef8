//! Definitions of custom resources back to what a backup holds, as far as no object is lost by it.
//!
//! A definition that was not there before goes only where it has no objects, since they would go with it. One that
//! was there gets its former text again; where objects may have been stored in a version that it had not, only if
//! there are none.

use std::path::Path;

use serde_json::{Value, json};

use super::definitions::{live, name};
use crate::backup::{BackupError, kept_definition, stored_kind};
use crate::cluster::{ApplyMode, CRD, Cluster, ClusterError, FIELD_MANAGER};
use crate::recover::holds;

/// A definition that stays ahead of the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ahead {
    /// Its name.
    pub(super) name: String,
    /// Why it stays.
    pub(super) why: String,
}

/// Takes definitions back to what the backup in a folder holds of them, the last one first. Gives those that stay.
pub(super) async fn take_back(
    cluster: &Cluster,
    definitions: &[Value],
    backup: &Path,
) -> Result<Vec<Ahead>, BackupError> {
    let mut ahead = Vec::new();
    for definition in definitions.iter().rev() {
        let Some(found) = live(cluster, definition).await? else { continue };
        let before = kept_definition(backup, name(definition))?;
        let why = match &before {
            Some(before) if holds(&found, before) => None,
            Some(before) => put_back(cluster, &found, before).await?,
            None => take_away(cluster, &found).await?,
        };
        ahead.extend(why.map(|why| Ahead { name: name(definition).to_owned(), why }));
    }
    cluster.forget_kinds().await;
    Ok(ahead)
}

/// Removes one that was not there before; else says why it stays.
async fn take_away(cluster: &Cluster, found: &Value) -> Result<Option<String>, ClusterError> {
    match objects(cluster, found).await? {
        0 => cluster.remove(&CRD.into(), None, found).await.map(|()| None),
        count => Ok(Some(format!("{count} of its objects would go with it"))),
    }
}

/// Gives one its former text again; else says why it stays.
async fn put_back(cluster: &Cluster, found: &Value, before: &Value) -> Result<Option<String>, ClusterError> {
    let gone = versions_that_go(found, before);
    if !gone.is_empty() {
        let count = objects(cluster, found).await?;
        if count > 0 {
            let gone = gone.join(", ");
            return Ok(Some(format!(
                "{count} of its objects may be stored in {gone}, which it had not before"
            )));
        }
        forget_stored(cluster, found, before).await?;
    }
    let mode = ApplyMode { manager: FIELD_MANAGER, takes_over: true, dry_run: false };
    match cluster.apply(&CRD.into(), None, before, &mode).await {
        Ok(_) => Ok(None),
        Err(error) if error.may_pass() => Err(error),
        Err(error) => Ok(Some(error.to_string())),
    }
}

/// How many objects a definition has.
pub(crate) async fn objects(cluster: &Cluster, definition: &Value) -> Result<usize, ClusterError> {
    let Some(kind) = stored_kind(definition) else { return Ok(0) };
    Ok(cluster.list_metadata(&kind, None, "").await?.len())
}

/// Versions that objects may be stored in, and that the former text has not.
pub(crate) fn versions_that_go(found: &Value, before: &Value) -> Vec<String> {
    let had = |version: &&str| before["spec"]["versions"].as_array().is_some_and(|all| named(all, version));
    let stored = found["status"]["storedVersions"].as_array().into_iter().flatten().filter_map(Value::as_str);
    stored.filter(|version| !had(version)).map(str::to_owned).collect()
}

fn named(versions: &[Value], name: &str) -> bool {
    versions.iter().any(|version| version["name"] == name)
}

/// The server keeps every version that was ever stored in until it is told that no object is: the former one is
/// stored in again, and then it is told. Only of one without objects.
pub(crate) async fn forget_stored(
    cluster: &Cluster,
    found: &Value,
    before: &Value,
) -> Result<(), ClusterError> {
    let all = before["spec"]["versions"].as_array();
    let stored = all.and_then(|all| all.iter().find(|version| version["storage"] == true));
    let stored = stored.map(|version| version["name"].clone()).unwrap_or_default();
    let mut between = found.clone();
    for version in between["spec"]["versions"].as_array_mut().into_iter().flatten() {
        version["storage"] = json!(version["name"] == stored);
    }
    let mut told = cluster.replace(&CRD.into(), None, &between).await?;
    told["status"]["storedVersions"] = json!([stored]);
    cluster.replace_status(&CRD.into(), &told).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_would_go() {
        let found = json!({"status": {"storedVersions": ["v1alpha1", "v1"]}});
        let check =
            |before: Value, expected: &[&str]| assert_eq!(versions_that_go(&found, &before), expected);
        check(json!({"spec": {"versions": [{"name": "v1alpha1"}]}}), &["v1"]);
        check(json!({"spec": {"versions": [{"name": "v1alpha1"}, {"name": "v1"}]}}), &[]);
        check(json!({}), &["v1alpha1", "v1"]);
    }
}
