//! A recovery that was broken off behind its work: nothing is pending any more, but its lease and its journal are open.

use super::{BROKEN_OFF, RecoverError, RecoverOptions, Recovered};
use crate::cluster::Cluster;
use crate::event::Step;
use crate::helm::HelmRelease;
use crate::lease::{Guard, held};
use crate::names::{Namespace, ReleaseName};
use crate::releases::{ReleasesError, find, history, mark_left};
use crate::run::Run;
use crate::stored::StoredRelease;
use crate::verify;

/// Whether any record of a release is pending. Only reads.
///
/// # Errors
/// [`RecoverError`] where it can't be read.
pub async fn is_stuck(cluster: &Cluster, release: &HelmRelease) -> Result<bool, RecoverError> {
    match history(cluster, &release.name, &release.namespace).await {
        Err(ReleasesError::NoRelease { .. }) => Ok(false),
        revisions => Ok(revisions?.iter().any(|one| one.info.status.is_pending())),
    }
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
    let work = async |_: &Guard| finish(cluster, options, run).await;
    let done = held(cluster, &options.release, run, work).await;
    run.ends(&done, Recovered::ending);
    done
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
    let verified =
        verify::in_step::<RecoverError>(cluster, &now.manifest, namespace.as_str(), options.timeout, run)
            .await?;
    let again = now.info.description.strip_prefix("Rollback to ").and_then(|number| number.parse().ok());
    Ok(Recovered {
        to: Some(again.unwrap_or(now.version)),
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
