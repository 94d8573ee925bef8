//! A namespace that was made for an installation goes again when that is taken back, where nothing else lives in it.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use kube::api::ObjectMeta;
use serde_json::Value;

use crate::cluster::{Cluster, ClusterError, FIELD_MANAGER, Kind, NAMESPACE};
use crate::helm::HelmRelease;
use crate::lease;

/// How many kinds are asked for at once.
const AT_ONCE: usize = 16;
/// How long what belonged to the release may take to go.
const FOR_REMAINS: Duration = Duration::from_secs(10);
/// How long the server may take to clear it away.
const FOR_ITS_END: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// Removes the namespace of a release that is gone, and waits until it is gone too. Gives, in words, why it stays
/// where it does. `has_remains` says that Helm may have made objects there, which may not all be gone yet.
///
/// # Errors
/// [`ClusterError`] where the server is out of reach.
pub(in crate::upgrade) async fn take_back(
    cluster: &Cluster,
    release: &HelmRelease,
    has_remains: bool,
) -> Result<Option<String>, ClusterError> {
    let name = release.namespace.as_str();
    let Some(found) = cluster.get(&NAMESPACE.into(), None, name).await? else { return Ok(None) };
    let patience = if has_remains { FOR_REMAINS } else { Duration::ZERO };
    if found["metadata"]["deletionTimestamp"].is_null() {
        if let Some(why) = why_it_stays(cluster, &found, release, patience).await {
            return Ok(Some(why));
        }
        match cluster.remove(&NAMESPACE.into(), None, &found).await {
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => return Ok(Some(error.to_string())),
            Ok(()) => {}
        }
    }
    let began = Instant::now();
    while began.elapsed() < FOR_ITS_END {
        if cluster.get(&NAMESPACE.into(), None, name).await?.is_none() {
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(Some("the server has not cleared it away yet".to_owned()))
}

async fn why_it_stays(
    cluster: &Cluster,
    found: &Value,
    release: &HelmRelease,
    patience: Duration,
) -> Option<String> {
    if !is_ours(found) {
        return Some("somebody else made it".to_owned());
    }
    let began = Instant::now();
    loop {
        match objects(cluster, release).await {
            // Whatever can't be asked for may be there.
            Err(error) => return Some(format!("what is in it can't be told: {error}")),
            Ok(there) if there.is_empty() => return None,
            Ok(_) if began.elapsed() < patience => tokio::time::sleep(PAUSE).await,
            Ok(there) => {
                let more = if there.len() > 1 { " and others" } else { "" };
                return Some(format!("it has {}{more}", there[0]));
            }
        }
    }
}

fn is_ours(namespace: &Value) -> bool {
    let managers = namespace["metadata"]["managedFields"].as_array().into_iter().flatten();
    managers.into_iter().any(|one| one["manager"] == FIELD_MANAGER)
}

/// What is in the namespace, `KIND NAME` each, beside what every namespace has and what is about to go.
async fn objects(cluster: &Cluster, release: &HelmRelease) -> Result<Vec<String>, ClusterError> {
    let kinds = cluster.listable_in_namespaces().await?;
    // Events tell of what was, and go by themselves.
    let kinds = kinds.into_iter().filter(|kind| kind.kind != "Event");
    let lists = kinds.map(async |kind| of_kind(cluster, &kind, release).await);
    let lists: Vec<Vec<String>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
    Ok(lists.concat())
}

async fn of_kind(cluster: &Cluster, kind: &Kind, release: &HelmRelease) -> Result<Vec<String>, ClusterError> {
    let found = match cluster.list_metadata(kind, Some(release.namespace.as_str()), "").await {
        // Its definition went meanwhile.
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        found => found?,
    };
    let others = found.into_iter().map(|object| object.metadata).filter(|object| {
        object.deletion_timestamp.is_none()
            && !comes_by_itself(kind, object)
            && !is_lease(kind, object, release)
    });
    Ok(others.map(|object| format!("{} {}", kind.kind, object.name.unwrap_or_default())).collect())
}

/// Whether the cluster itself puts it into every namespace.
fn comes_by_itself(kind: &Kind, object: &ObjectMeta) -> bool {
    /// Until 1.24 the default account had a token in a secret.
    const ACCOUNT: &str = "kubernetes.io/service-account.name";
    let name = object.name.as_deref().unwrap_or_default();
    let account = object.annotations.as_ref().and_then(|all| all.get(ACCOUNT));
    match (kind.api_version.as_str(), kind.kind.as_str()) {
        ("v1", "ServiceAccount") => name == "default",
        ("v1", "ConfigMap") => name == "kube-root-ca.crt",
        ("v1", "Secret") => account.is_some_and(|account| account == "default"),
        _ => false,
    }
}

/// Whether it is the lease that is held meanwhile.
fn is_lease(kind: &Kind, object: &ObjectMeta, release: &HelmRelease) -> bool {
    kind.kind == "Lease" && object.name.as_deref() == Some(&lease::name(release))
}
