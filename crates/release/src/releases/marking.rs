//! Records that somebody left pending, and that say afterwards that they failed.

use serde_json::Value;

use super::{OWNER, Place, ReleasesError, broken, places, secret_of};
use crate::cluster::{Cluster, ClusterError, SECRET};
use crate::helm::HelmRelease;
use crate::stored::{DecodeError, Status, StoredRelease, decode, with_status};

/// The labels of records that are pending.
const PENDING: &str = "status in (pending-install, pending-upgrade, pending-rollback)";

/// Has each of Helm's records of a release that is pending, and older than the revision `below`, say that it failed:
/// whoever was at it is gone, and another revision stands. Gives the revisions that were marked.
///
/// # Errors
/// [`ReleasesError`] where they can't be read or written.
pub(crate) async fn mark_left(
    cluster: &Cluster,
    release: &HelmRelease,
    below: u32,
    description: &str,
) -> Result<Vec<u32>, ReleasesError> {
    let mut marked = Vec::new();
    for place in left(cluster, release, below).await? {
        if mark(cluster, &place, Status::is_pending, description).await? {
            marked.push(place.revision);
        }
    }
    Ok(marked)
}

/// Has Helm's record of a revision that stands, or stood, say that it failed: it is none to go back to.
///
/// # Errors
/// [`ReleasesError`] where it can't be read or written.
pub(crate) async fn mark_failed(
    cluster: &Cluster,
    release: &HelmRelease,
    revision: u32,
    description: &str,
) -> Result<(), ReleasesError> {
    let HelmRelease { name, namespace } = release;
    let labels = format!("{OWNER},name={name},version={revision}");
    let stood = |status| matches!(status, Status::Deployed | Status::Superseded);
    for place in places(cluster, Some(namespace.as_str()), &labels).await? {
        mark(cluster, &place, stood, description).await?;
    }
    Ok(())
}

/// Removes Helm's record of a way back that was broken off, or failed. Helm takes its last record for what is there:
/// from this one it would leave what only the version has that is gone back from, and what that one changed.
///
/// # Errors
/// [`ClusterError`] where it can't be read or removed.
pub(crate) async fn forget(cluster: &Cluster, way_back: &StoredRelease) -> Result<(), ClusterError> {
    match secret_of(cluster, way_back).await? {
        Some(secret) => cluster.remove(&SECRET.into(), Some(&way_back.namespace), &secret).await,
        None => Ok(()),
    }
}

/// The records that are pending, and older than the revision `below`; oldest first.
async fn left(cluster: &Cluster, release: &HelmRelease, below: u32) -> Result<Vec<Place>, ReleasesError> {
    let HelmRelease { name, namespace } = release;
    let labels = format!("{OWNER},name={name},{PENDING}");
    let mut left = places(cluster, Some(namespace.as_str()), &labels).await?;
    left.retain(|place| place.revision < below);
    left.sort_by_key(|place| place.revision);
    Ok(left)
}

/// One that is gone, or whose state is another by now, stays as it is.
async fn mark(
    cluster: &Cluster,
    place: &Place,
    is_meant: impl Fn(Status) -> bool,
    description: &str,
) -> Result<bool, ReleasesError> {
    let namespace = Some(place.namespace.as_str());
    let Some(mut secret) = cluster.get(&SECRET.into(), namespace, &place.secret).await? else {
        return Ok(false);
    };
    let broken = |source| broken(place, source);
    let data = secret.pointer("/data/release").and_then(Value::as_str);
    let data = data.ok_or(DecodeError::NoKey).map_err(broken)?;
    if !is_meant(decode(data).map_err(broken)?.info.status) {
        return Ok(false);
    }
    let marked = with_status(data, Status::Failed, description).map_err(broken)?;
    secret["data"]["release"] = marked.into();
    secret["metadata"]["labels"]["status"] = Status::Failed.as_str().into();
    cluster.replace(&SECRET.into(), namespace, &secret).await?;
    Ok(true)
}
