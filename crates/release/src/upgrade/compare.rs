//! What the new chart renders beside what the old one did and what the cluster has.

use std::collections::{BTreeMap, BTreeSet};

use portolan_chart::{ObjectName, RenderedObject, rendered_objects};
use serde_json::Value;

use super::error::UpgradeError;
use super::live::Live;
use super::plan::NoWayBack;
use super::rehearse::Tried;
use crate::cluster::{Cluster, ClusterError, Scope};
use crate::diff::{ObjectDiff, Sides, object_diff};
use crate::judge::objections;

/// What Helm rendered, divided.
pub(super) struct Rendered {
    /// Definitions of the chart's `crds/` and its sub-charts', in Helm's order.
    pub(super) definitions: Vec<Value>,
    /// All other objects, hooks included.
    pub(super) objects: Vec<RenderedObject>,
}

/// Divides what `helm template --include-crds` printed.
pub(super) fn divide(text: &str) -> Result<Rendered, UpgradeError> {
    let rendered = rendered_objects(text);
    if let Some(fault) = rendered.faults.into_iter().next() {
        return Err(UpgradeError::Rendered(fault));
    }
    let (definitions, objects): (Vec<_>, Vec<_>) = rendered.objects.into_iter().partition(is_from_crds);
    // Tests are run by `helm test` alone.
    let objects = objects.into_iter().filter(|object| !is_test(object)).collect();
    Ok(Rendered { definitions: definitions.into_iter().map(|one| one.object).collect(), objects })
}

/// Helm marks each document with its file; those of `crds/` are not templates, and never upgraded by Helm.
fn is_from_crds(object: &RenderedObject) -> bool {
    let source = object.source.as_deref().unwrap_or_default();
    // Helm 3.10 names files of `crds/` without the chart that they lie in.
    let is_bare = source.starts_with("crds/") && !source.starts_with("crds/templates/");
    let mut inside = source.split_once('/').filter(|_| !is_bare).map_or(source, |(_, inside)| inside);
    // Of a sub-chart, its name is taken off, however deep it lies.
    while let Some((_, rest)) = inside.strip_prefix("charts/").and_then(|rest| rest.split_once('/')) {
        inside = rest;
    }
    inside.starts_with("crds/") && object.name.kind == "CustomResourceDefinition"
}

fn is_test(object: &RenderedObject) -> bool {
    let events = object.hook.as_deref().unwrap_or_default();
    !events.is_empty() && events.split(',').all(|event| event.trim().starts_with("test"))
}

/// What becomes of every object but hooks, which Helm makes anew each time.
pub(super) async fn compare(
    cluster: &Cluster,
    old_manifest: &str,
    objects: &[RenderedObject],
    tried: &BTreeMap<ObjectName, Tried>,
    namespace: &str,
) -> Result<Vec<ObjectDiff>, ClusterError> {
    let old = rendered_objects(old_manifest).objects;
    let previous = |name: &ObjectName| old.iter().find(|object| is_same(&object.name, name, namespace));
    let kept = objects.iter().filter(|object| object.hook.is_none());
    let mut diffs = Vec::new();
    for object in kept {
        let (found, previous) = (tried.get(&object.name), previous(&object.name));
        let found_live = found.and_then(|found| found.live.clone());
        diffs.extend(object_diff(Sides {
            live: found_live.or(live_as_before(cluster, object, previous, namespace).await?).as_ref(),
            previous: previous.map(|previous| &previous.object),
            desired: Some(&object.object),
            dry_run: found.and_then(|found| found.dry_run.as_ref()),
        }));
    }
    let desired: BTreeSet<&ObjectName> = objects.iter().map(|object| &object.name).collect();
    let is_gone = |one: &&RenderedObject| !desired.iter().any(|name| is_same(name, &one.name, namespace));
    let gone: Vec<&RenderedObject> = old.iter().filter(is_gone).collect();
    let live = Live::read(cluster, gone.iter().map(|object| &object.name), namespace).await?;
    diffs.extend(gone.into_iter().filter_map(|gone| {
        let live = live.object(&gone.name);
        object_diff(Sides { live, previous: Some(&gone.object), ..Sides::default() })
    }));
    Ok(diffs)
}

/// Objects that, once they are what the new chart says, could not be what the old one says again.
pub(super) fn way_back(old_manifest: &str, objects: &[RenderedObject], namespace: &str) -> Vec<NoWayBack> {
    let old = rendered_objects(old_manifest).objects;
    let mut found = Vec::new();
    for object in objects.iter().filter(|object| object.hook.is_none()) {
        let before = old.iter().find(|one| is_same(&one.name, &object.name, namespace));
        let reasons = before.map(|before| objections(&object.object, &before.object)).unwrap_or_default();
        let named = |why: String| NoWayBack { object: object.name.clone(), why };
        found.extend(reasons.iter().map(ToString::to_string).map(named));
    }
    found
}

/// The same object, whatever version of its kind is spoken.
fn is_same(one: &ObjectName, other: &ObjectName, namespace: &str) -> bool {
    one.kind == other.kind
        && one.name == other.name
        && one.group() == other.group()
        && place(one, namespace) == place(other, namespace)
}

/// The namespace of an object that may name none.
pub(super) fn place<'a>(name: &'a ObjectName, usual: &'a str) -> &'a str {
    if name.namespace.is_empty() { usual } else { &name.namespace }
}

/// An object in the version of its kind that the old chart spoke: one that the new chart's own definitions bring
/// can't be asked for yet.
async fn live_as_before(
    cluster: &Cluster,
    object: &RenderedObject,
    previous: Option<&RenderedObject>,
    namespace: &str,
) -> Result<Option<Value>, ClusterError> {
    match previous {
        Some(previous) if previous.name.api_version != object.name.api_version => {
            live(cluster, &previous.name, namespace).await
        }
        _ => Ok(None),
    }
}

/// An object as the cluster has it; `None` where it has none, or doesn't know the kind.
pub(super) async fn live(
    cluster: &Cluster,
    name: &ObjectName,
    namespace: &str,
) -> Result<Option<Value>, ClusterError> {
    let kind = match cluster.kind(&name.api_version, &name.kind).await {
        Ok(kind) => kind,
        Err(ClusterError::NoKind { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let own = if name.namespace.is_empty() { namespace } else { &name.namespace };
    cluster.get(&kind, (kind.scope == Scope::Namespaced).then_some(own), &name.name).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_of_the_chart_and_its_sub_charts_are_told_from_templates() {
        let crd = |source: &str| {
            format!(
                "---\n# Source: {source}\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: a}}\n"
            )
        };
        let text = [
            crd("kpanda/crds/a.yaml"),
            crd("kpanda/charts/sub/crds/b.yaml"),
            crd("crds/bare.yaml"),
            crd("kpanda/templates/crds/c.yaml"),
            "---\n# Source: kpanda/templates/t.yaml\nkind: Pod\nmetadata: {annotations: {helm.sh/hook: test}}\n".to_owned(),
        ];
        let rendered = divide(&text.concat()).unwrap();
        assert_eq!((rendered.definitions.len(), rendered.objects.len()), (3, 1));
    }
}
