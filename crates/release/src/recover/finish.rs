//! A recovery that was broken off behind its work: nothing is pending any more, but its lease and its journal are open.

use super::carry::{alone, verified};
use super::{BROKEN_OFF, RecoverError, RecoverOptions, Recovered};
use crate::cluster::Cluster;
use crate::event::Step;
use crate::helm::HelmRelease;
use crate::names::{Namespace, ReleaseName};
use crate::releases::{ReleasesError, find, history, mark_left};
use crate::run::Run;
use crate::stored::StoredRelease;

/// Whether a release is to be brought out of its state: a record of it is pending, or a recovery was broken off that had
/// not come to its end. Only reads.
///
/// # Errors
/// [`RecoverError`] where it can't be read.
pub async fn is_stuck(cluster: &Cluster, options: &RecoverOptions) -> Result<bool, RecoverError> {
    let HelmRelease { name, namespace } = &options.release;
    let revisions = match history(cluster, name, namespace).await {
        Err(ReleasesError::NoRelease { .. }) => return Ok(false),
        revisions => revisions?,
    };
    Ok(is_stuck_at(&revisions) || options.kept()?.is_some_and(|kept| kept.rest(last(&revisions)).is_some()))
}

/// The same, as far as Helm's records tell it.
pub(super) fn is_stuck_at(revisions: &[StoredRelease]) -> bool {
    last(revisions).stood_on_the_way() || revisions.iter().any(|one| one.info.status.is_pending())
}

pub(super) fn last(revisions: &[StoredRelease]) -> &StoredRelease {
    revisions.last().expect("because a release has a last revision")
}

/// Finishes it, as the run that was broken off: looks at every object, gives the lease back and closes the journal.
///
/// # Errors
/// [`RecoverError`]; objects that do not become ready are no error, but stand in what is returned.
pub async fn finish_recovery(
    cluster: &Cluster,
    options: &RecoverOptions,
    run: &Run<'_>,
) -> Result<Recovered, RecoverError> {
    alone(cluster, options, run, async || finish(cluster, options, run).await).await
}

async fn finish(
    cluster: &Cluster,
    options: &RecoverOptions,
    run: &Run<'_>,
) -> Result<Recovered, RecoverError> {
    let HelmRelease { name, namespace } = &options.release;
    let from = run.task().and_then(|task| task.revision).unwrap_or_default();
    let words = |now: &Option<StoredRelease>| match now {
        Some(now) => format!("revision {} is {}", now.version, now.info.status),
        None => "there is no release any more".to_owned(),
    };
    let now = run.step(Step::Find, standing(cluster, name, namespace), words).await?;
    let Some(now) = now else { return Ok(Recovered::gone(from, None)) };
    mark_left(cluster, &options.release, now.version, BROKEN_OFF).await?;
    let verified = verified(cluster, &now, options, run).await?;
    Ok(Recovered {
        to: Some(now.rolled_back_to().unwrap_or(now.version)),
        version: Some(now.chart.metadata.version.clone()),
        revision: Some(now.version),
        verified: Some(verified),
        ..Recovered::gone(from, None)
    })
}

async fn standing(
    cluster: &Cluster,
    name: &ReleaseName,
    namespace: &Namespace,
) -> Result<Option<StoredRelease>, RecoverError> {
    match find(cluster, name, namespace, None).await {
        Err(ReleasesError::NoRelease { .. }) => Ok(None),
        found => Ok(Some(found?)),
    }
}
