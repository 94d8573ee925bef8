//! Definitions of custom resources back to those of an older revision: judged for every object that is there, and put
//! back only where nothing is lost.
//!
//! The older ones come from Helm's record of the revision, which holds a chart's own `crds/` and none of its
//! sub-charts'. A definition that the older chart lacks stays.

use std::collections::BTreeSet;

use portolan_chart::rendered_objects;
use serde_json::{Value, json};

use super::RollbackError;
use crate::backup::stored_kind;
use crate::cluster::{CRD, Cluster, ClusterError};
use crate::diff::{CrdDiff, VersionChange, crd_diff, stored, version_name, versions};
use crate::judge::{DefinitionObjection, definition_objections, objections, resource_objections};
use crate::recover::holds;
use crate::stored::{StoredFile, StoredRelease};
use crate::upgrade::ahead;
use crate::upgrade::definitions::{self, name};

/// How many objects a refusal names.
const REASONS_SHOWN: usize = 10;

/// Definitions that go back with a release.
#[derive(Clone, Debug, Default)]
pub(super) struct Older {
    /// As they were, in the chart's order; only those that differ from what stands.
    pub(super) definitions: Vec<Value>,
    /// What becomes of each.
    pub(super) diffs: Vec<CrdDiff>,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
}

/// A definition in the cluster, and what it would become.
struct Pair<'a> {
    live: &'a Value,
    older: &'a Value,
}

/// Works out which definitions go back. `comes_first` says that they do so before Helm takes the release back, which
/// then reads objects of the present revision by them.
///
/// # Errors
/// [`RollbackError::Definitions`] with all that stands in the way.
pub(super) async fn plan(
    cluster: &Cluster,
    now: &StoredRelease,
    to: &StoredRelease,
    comes_first: bool,
) -> Result<Older, RollbackError> {
    let (mut older, mut reasons) = (Older::default(), Vec::new());
    let wanted = of_chart(to);
    for definition in &wanted {
        let live = cluster.get(&CRD.into(), None, name(definition)).await?;
        if let Some(live) = &live {
            let pair = Pair { live, older: definition };
            let against = pair.objections(cluster, now, to, comes_first).await?;
            let of = name(definition);
            reasons.extend(against.into_iter().map(|reason| format!("the definition {of}: {reason}")));
        }
        if !live.as_ref().is_some_and(|live| is_as(live, definition)) {
            older.diffs.push(becomes(live.as_ref(), definition));
            older.definitions.push(definition.clone());
        }
    }
    older.notes = notes(now, to, &wanted);
    match reasons.is_empty() {
        true => Ok(older),
        false => Err(RollbackError::Definitions { revision: to.version, reasons: shown(reasons) }),
    }
}

/// What becomes of a definition that may go back. No object is stored in a version that goes then, whatever the server
/// remembers: else it would have been refused.
fn becomes(live: Option<&Value>, older: &Value) -> CrdDiff {
    let mut diff = crd_diff(live, older);
    for change in &mut diff.versions {
        if let VersionChange::DroppedThoughStored(version) = change {
            *change = VersionChange::Dropped(std::mem::take(version));
        }
    }
    diff
}

/// Whether the definition stands as it was, but for what the server fills in: it holds all that the older one says, and
/// its schemas say no more.
fn is_as(live: &Value, older: &Value) -> bool {
    let schema = |version: &Value| version["schema"].clone();
    holds(live, older) && versions(live).map(schema).eq(versions(older).map(schema))
}

fn shown(mut reasons: Vec<String>) -> Vec<String> {
    let more = reasons.len().saturating_sub(REASONS_SHOWN);
    reasons.truncate(REASONS_SHOWN);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    reasons
}

fn notes(now: &StoredRelease, to: &StoredRelease, wanted: &[Value]) -> Vec<String> {
    let stays = |definition: &Value| !wanted.iter().any(|other| name(other) == name(definition));
    let of_present = of_chart(now);
    let newer = of_present.iter().filter(|definition| stays(definition));
    let mut notes: Vec<String> =
        newer.map(|one| format!("the definition {} stays: the older chart has none", name(one))).collect();
    if !to.chart.metadata.dependencies.is_empty() {
        notes.push("definitions of sub-charts stay: Helm's record of the revision has none".to_owned());
    }
    notes
}

/// The definitions in a revision's chart, in the order of their files.
fn of_chart(release: &StoredRelease) -> Vec<Value> {
    let texts = release.chart.files.iter().filter(|file| file.name.starts_with("crds/"));
    let objects = texts.filter_map(StoredFile::text).flat_map(|text| rendered_objects(&text).objects);
    objects.map(|one| one.object).filter(|object| object["kind"] == "CustomResourceDefinition").collect()
}

/// Whether one of these serves that kind in that version.
pub(super) fn serve(definitions: &[Value], group: &str, kind: &str, api_version: &str) -> bool {
    let version = api_version.rsplit('/').next().unwrap_or_default();
    definitions.iter().any(|definition| {
        let spec = &definition["spec"];
        spec["group"] == group
            && spec["names"]["kind"] == kind
            && versions(definition).any(|one| version_name(one) == version && one["served"] == true)
    })
}

impl Pair<'_> {
    /// All that keeps the live definition from becoming the older one.
    async fn objections(
        &self,
        cluster: &Cluster,
        now: &StoredRelease,
        to: &StoredRelease,
        comes_first: bool,
    ) -> Result<Vec<String>, ClusterError> {
        let mut used = self.used(to);
        if comes_first {
            used.extend(self.used(now));
        }
        let used: Vec<&str> = used.iter().map(String::as_str).collect();
        let of_definition = definition_objections(self.live, self.older, &used);
        let objects = self.objects(cluster).await?;
        // What was once stored counts for nothing where no object is left, and Helm makes none before.
        let none_is_stored = objects.is_empty() && (comes_first || used.is_empty());
        let counts =
            |one: &DefinitionObjection| !(none_is_stored && matches!(one, DefinitionObjection::Stored(_)));
        let mut reasons: Vec<String> =
            of_definition.iter().filter(|one| counts(one)).map(ToString::to_string).collect();
        reasons.extend(objections(self.live, self.older).iter().map(ToString::to_string));
        if reasons.is_empty() && stored(self.live).iter().all(|version| self.has(version)) {
            reasons.extend(self.refused(cluster).await?);
        }
        let own: BTreeSet<String> = [now, to].into_iter().flat_map(|revision| self.own(revision)).collect();
        for object in objects.iter().filter(|object| !own.contains(&label(object, ""))) {
            let against = resource_objections(object, self.schema());
            let kind = self.older["spec"]["names"]["kind"].as_str().unwrap_or_default();
            let of = format!("{kind} {}", label(object, ""));
            reasons.extend(against.into_iter().map(|reason| format!("{of}: {reason}")));
        }
        Ok(reasons)
    }

    fn has(&self, version: &str) -> bool {
        versions(self.older).any(|one| version_name(one) == version)
    }

    /// Why the server would not take it, or somebody else keeps its fields.
    async fn refused(&self, cluster: &Cluster) -> Result<Option<String>, ClusterError> {
        match definitions::apply(cluster, self.older, true).await {
            Ok(_) => Ok(None),
            Err(definitions::DefinitionsError::Refused { source, .. }) if source.may_pass() => Err(source),
            Err(error) => Ok(Some(crate::causes::in_one_line(&error))),
        }
    }

    /// The versions that objects of the release are written in.
    fn used(&self, revision: &StoredRelease) -> Vec<String> {
        let objects = self.of_kind(revision).into_iter();
        let version = |object: Value| Some(object["apiVersion"].as_str()?.split_once('/')?.1.to_owned());
        objects.filter_map(version).collect()
    }

    /// The release's own objects, which Helm writes anew or takes away.
    fn own(&self, revision: &StoredRelease) -> Vec<String> {
        self.of_kind(revision).iter().map(|object| label(object, &revision.namespace)).collect()
    }

    fn of_kind(&self, revision: &StoredRelease) -> Vec<Value> {
        let spec = &self.older["spec"];
        let is_of_kind = |object: &Value| {
            let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/'));
            object["kind"] == spec["names"]["kind"] && group.is_some_and(|(group, _)| spec["group"] == group)
        };
        let objects = rendered_objects(&revision.manifest).objects.into_iter().map(|one| one.object);
        objects.filter(is_of_kind).collect()
    }

    /// Every object, in the version that the older definition stores, where the live one serves it.
    async fn objects(&self, cluster: &Cluster) -> Result<Vec<Value>, ClusterError> {
        let Some(mut kind) = stored_kind(self.live) else { return Ok(Vec::new()) };
        if let Some(older) = stored_kind(self.older) {
            let version = older.api_version.rsplit('/').next().unwrap_or_default();
            let is_served = |one: &Value| version_name(one) == version && one["served"] == true;
            if versions(self.live).any(is_served) {
                kind.api_version = older.api_version;
            }
        }
        cluster.list(&kind, None, "").await
    }

    /// The schema by which the older definition stores.
    fn schema(&self) -> &Value {
        let storage = versions(self.older).find(|version| version["storage"] == true);
        storage.map_or(&Value::Null, |version| &version["schema"]["openAPIV3Schema"])
    }
}

/// `NAMESPACE/NAME`, or the name of an object of the whole cluster.
fn label(object: &Value, namespace: &str) -> String {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match object["metadata"]["namespace"].as_str().unwrap_or(namespace) {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}

/// Puts definitions back. `done` gets the names of those that were, also where a later one can't be.
pub(super) async fn put_back(
    cluster: &Cluster,
    olders: &[Value],
    done: &mut Vec<String>,
) -> Result<(), RollbackError> {
    for older in olders {
        put_one_back(cluster, older).await?;
        done.push(name(older).to_owned());
    }
    cluster.forget_kinds().await;
    Ok(())
}

/// As a whole, so that nothing of the newer one is left, whoever set it; the server refuses versions that go though
/// objects may be stored in them, and it is told that none is where there is no object.
async fn put_one_back(cluster: &Cluster, older: &Value) -> Result<(), RollbackError> {
    let Some(mut live) = cluster.get(&CRD.into(), None, name(older)).await? else {
        cluster.create(&CRD.into(), None, older).await?;
        return Ok(());
    };
    if !ahead::versions_that_go(&live, older).is_empty() && ahead::objects(cluster, &live).await? == 0 {
        ahead::forget_stored(cluster, &live, older).await?;
        live = cluster.get(&CRD.into(), None, name(older)).await?.unwrap_or(live);
    }
    live["spec"] = older["spec"].clone();
    for part in ["labels", "annotations"] {
        for (key, value) in older["metadata"][part].as_object().into_iter().flatten() {
            if !live["metadata"][part].is_object() {
                live["metadata"][part] = json!({});
            }
            live["metadata"][part][key] = value.clone();
        }
    }
    cluster.replace(&CRD.into(), None, &live).await?;
    Ok(())
}
