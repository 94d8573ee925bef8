//! What a trial of the objects doesn't show: whether Helm may write its own records, and remove what goes. Without
//! the first it stops in the middle and can't even say so; of the second it only complains, and calls the upgrade
//! done.

use portolan_chart::ObjectName;

use super::compare::place;
use super::rehearse::{Refused, Rehearsal};
use crate::cluster::{Cluster, ClusterError, Kind, SECRET, Scope};
use crate::diff::{Action, ObjectDiff};
use crate::helm::HelmRelease;

/// Adds to what the server refuses what lacks for Helm's records and for the objects that go.
pub(super) async fn ask(
    cluster: &Cluster,
    release: &HelmRelease,
    objects: &[ObjectDiff],
    rehearsal: &mut Rehearsal,
) -> Result<(), ClusterError> {
    let namespace = release.namespace.as_str();
    let secrets = Kind::from(SECRET);
    for (verb, doing) in [("create", "make"), ("update", "change")] {
        if !cluster.may(verb, &secrets, Some(namespace), None).await? {
            let why = format!("Helm's records of a release are secrets, which you may not {doing}");
            let object = record(release);
            rehearsal.refused.push(Refused { object, why });
        }
    }
    for ObjectDiff { object, .. } in objects.iter().filter(|one| one.action == Action::Delete) {
        let kind = match cluster.kind(&object.api_version, &object.kind).await {
            Err(ClusterError::NoKind { .. }) => continue,
            kind => kind?,
        };
        let within = (kind.scope == Scope::Namespaced).then(|| place(object, namespace));
        if !cluster.may("delete", &kind, within, Some(&object.name)).await? {
            let why = "the new version doesn't have it, and you may not remove it".to_owned();
            rehearsal.refused.push(Refused { object: object.clone(), why });
        }
    }
    Ok(())
}

/// `sh.helm.release.v1.kpanda` stands for all records of a release.
fn record(release: &HelmRelease) -> ObjectName {
    ObjectName {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: release.namespace.to_string(),
        name: format!("sh.helm.release.v1.{}", release.name),
    }
}
