//! Every object is tried out on the server, as Helm would apply it (`dryRun=All`), so that what a webhook, a
//! quota or an immutable field refuses is known before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use portolan_chart::{ObjectName, RenderedObject};
use serde::Serialize;
use serde_json::Value;

use super::live::{AT_ONCE, Live};
use crate::cluster::{ApplyMode, Cluster, ClusterError};

/// Under whose name Helm sets fields.
const HELM: &str = "helm";

/// What the rehearsal came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// How many objects the server would take.
    pub taken: usize,
    /// Those that it refuses.
    pub refused: Vec<Refused>,
    /// Those that can't be tried out.
    pub not_rehearsed: Vec<NotRehearsed>,
}

/// An object that the server refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Which.
    pub object: ObjectName,
    /// The server's words.
    pub why: String,
}

/// An object that can't be tried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotRehearsed {
    /// Which.
    pub object: ObjectName,
    /// Why.
    pub why: String,
}

/// An object as the cluster has it, and as the server would make it.
#[derive(Default)]
pub(super) struct Tried {
    pub(super) live: Option<Value>,
    pub(super) dry_run: Option<Value>,
}

enum Trial {
    Taken,
    Refused(String),
    NotRehearsed(String),
}

/// How objects are tried out.
#[derive(Clone, Copy)]
pub(super) struct Manner<'a> {
    /// Where those are that name no namespace.
    pub(super) namespace: &'a str,
    /// Namespaces that are not there yet.
    pub(super) to_come: &'a BTreeSet<String>,
    /// Whether Helm applies the release on the server's side, so that fields of others are a conflict.
    pub(super) is_server_side: bool,
}

/// Tries all objects out.
pub(super) async fn rehearse(
    cluster: &Cluster,
    objects: &[RenderedObject],
    Manner { namespace, to_come, is_server_side }: Manner<'_>,
) -> Result<(Rehearsal, BTreeMap<ObjectName, Tried>), ClusterError> {
    let mode = ApplyMode { manager: HELM, takes_over: !is_server_side, dry_run: true };
    let live = Live::read(cluster, objects.iter().map(|object| &object.name), namespace).await?;
    let trials = objects.iter().map(|object| try_out(cluster, object, &live, to_come, &mode));
    let trials: Vec<_> = stream::iter(trials).buffered(AT_ONCE).collect().await;
    let (mut rehearsal, mut tried) = (Rehearsal::default(), BTreeMap::new());
    for (object, trial) in objects.iter().zip(trials) {
        let (found, trial) = trial?;
        let object = object.name.clone();
        match trial {
            Trial::Taken => rehearsal.taken += 1,
            Trial::Refused(why) => rehearsal.refused.push(Refused { object: object.clone(), why }),
            Trial::NotRehearsed(why) => {
                rehearsal.not_rehearsed.push(NotRehearsed { object: object.clone(), why })
            }
        }
        tried.insert(object, found);
    }
    Ok((rehearsal, tried))
}

async fn try_out(
    cluster: &Cluster,
    object: &RenderedObject,
    live: &Live,
    to_come: &BTreeSet<String>,
    mode: &ApplyMode<'_>,
) -> Result<(Tried, Trial), ClusterError> {
    let name = &object.name;
    let Some(place) = live.place(name) else {
        let why = "the cluster does not know its kind yet".to_owned();
        return Ok((Tried::default(), Trial::NotRehearsed(why)));
    };
    let live = live.object(name).cloned();
    if object.hook.is_some() && live.is_some() {
        let why = "it is a hook, which Helm removes before it makes it anew".to_owned();
        return Ok((Tried { live, dry_run: None }, Trial::NotRehearsed(why)));
    }
    let namespace = place.namespace.as_deref();
    let applied = match cluster.apply(&place.kind, namespace, &object.object, mode).await {
        Err(error) if mode.takes_over && live.is_some() && is_invalid(&error) => {
            // What was set by a client is removed by nobody who applies: a port that has another number now would be
            // there twice. Helm 3 removes it, which a merge shows.
            cluster.try_merge(&place.kind, namespace, &object.object).await.map_err(|_| error)
        }
        applied => applied,
    };
    tried(live, applied, namespace.is_some_and(|namespace| to_come.contains(namespace)))
}

/// What the server's answer to a trial says; `comes` tells that the namespace may not be there yet.
fn tried(
    live: Option<Value>,
    applied: Result<Value, ClusterError>,
    comes: bool,
) -> Result<(Tried, Trial), ClusterError> {
    let (dry_run, trial) = match applied {
        Ok(applied) => (Some(applied), Trial::Taken),
        Err(error) if comes && error.is_not_found() => {
            (None, Trial::NotRehearsed("its namespace is not there yet".to_owned()))
        }
        Err(error @ (ClusterError::Refused { .. } | ClusterError::Forbidden { .. })) if !error.may_pass() => {
            (None, Trial::Refused(words(&error)))
        }
        Err(ClusterError::Refused { code: 500, said, .. }) => (None, Trial::Refused(said)),
        Err(error) => return Err(error),
    };
    Ok((Tried { live, dry_run }, trial))
}

/// Whether the server calls the object itself wrong.
fn is_invalid(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Refused { code: 422, .. })
}

fn words(error: &ClusterError) -> String {
    match error {
        ClusterError::Refused { said, .. } | ClusterError::Forbidden { said, .. } => said.clone(),
        other => other.to_string(),
    }
}
