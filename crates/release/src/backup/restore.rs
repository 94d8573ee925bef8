//! From the files of a backup back into the cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{BACKUP, BACKUP_VERSION, Contents, RESOURCES, SECRET_FILE};
use crate::cluster::{ApplyMode, Cluster, ClusterError, FIELD_MANAGER, SECRET};
use crate::event::{Event, Step};
use crate::helm::{Helm, HelmError, HelmRelease};
use crate::journal::{Ending, Holder, Task, Work};
use crate::lease::{LeaseError, Leaves, held};
use crate::names::{NameError, Revision};
use crate::private::{self, FileError};
use crate::releases::{ReleasesError, find, mark_left, secret_name};
use crate::run::Run;

/// What a record says that was pending.
const BROKEN_OFF: &str = "Broken off; restored by Portolan";

/// How large a file of a backup may be: a secret has 1 MiB at most, and lists of objects are no larger than what
/// etcd holds.
pub(super) const FILE_LIMIT: u64 = 1 << 30;

/// How a backup is restored.
#[derive(Clone, Copy, Debug)]
pub struct RestoreOptions {
    /// Whether custom resources are brought back too, where the backup holds some.
    pub custom_resources: bool,
    /// How long the release's objects may take until they are ready.
    pub timeout: Duration,
}

/// What was brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// The release.
    pub release: String,
    /// Where it is.
    pub namespace: String,
    /// The revision that the backup holds.
    pub from: u32,
    /// The revision that stands now, which is the same again.
    pub revision: u32,
    /// Whether Helm's record of that revision was gone, and was made again from the backup.
    pub record_made_again: bool,
    /// How many custom resources were applied.
    pub custom_resources: usize,
    /// Its lease, where that could not be removed at the end: which one, and when it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_left: Option<String>,
}

impl Leaves for Restored {
    fn leaves(&mut self, lease: String) {
        self.lease_left = Some(lease);
    }
}

/// Why a backup could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A file can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is not what a backup holds.
    #[error("{} is not what a backup holds", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The names in it are none.
    #[error("{} names what can be no release", .path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
    /// A later program wrote it.
    #[error("{} is a backup of version {version}, and this program reads {BACKUP_VERSION} at most", .path.display())]
    Later {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// Helm's record of the revision is gone, and the backup doesn't hold it either.
    #[error(
        "the cluster has no revision {revision} of {release} any more, and the backup has no {SECRET_FILE}"
    )]
    NoRecord {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
    /// Somebody else is at work on the release.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The cluster refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The release can't be read.
    #[error(transparent)]
    Releases(#[from] ReleasesError),
    /// Helm didn't do its part.
    #[error(transparent)]
    Helm(#[from] HelmError),
}

/// Brings a release back to what a backup holds: Helm rolls back to the backup's revision, whose record is made
/// again first where it is gone. Others are kept out meanwhile. Definitions stay as they are: what was stored by newer ones would be lost.
///
/// # Errors
/// [`RestoreError`] with what could not be done.
pub async fn restore(
    cluster: &Cluster,
    helm: &Helm,
    folder: &Path,
    options: &RestoreOptions,
    run: &Run<'_>,
) -> Result<Restored, RestoreError> {
    let done = guarded(cluster, helm, folder, options, run).await;
    run.ends(&done, |_| Ending { outcome: "restored".to_owned(), left: Vec::new() });
    done
}

async fn guarded(
    cluster: &Cluster,
    helm: &Helm,
    folder: &Path,
    options: &RestoreOptions,
    run: &Run<'_>,
) -> Result<Restored, RestoreError> {
    let contents = read_contents(folder)?;
    let (release, revision) = named(&contents, folder)?;
    helm.wait_for_left(&release, || run.observer().event(Event::HelmIsLeft)).await?;
    let back = async {
        let record_made_again = bring_record_back(cluster, &contents, folder).await?;
        let custom_resources = match options.custom_resources {
            true => apply_custom_resources(cluster, folder).await?,
            false => 0,
        };
        helm.roll_back(&release, revision, options.timeout).await?;
        let now = find(cluster, &release.name, &release.namespace, None).await?.version;
        mark_left(cluster, &release, now, BROKEN_OFF).await?;
        let Contents { release, namespace, revision: from, .. } = contents;
        Ok::<_, RestoreError>(Restored {
            release,
            namespace,
            from,
            revision: now,
            record_made_again,
            custom_resources,
            lease_left: None,
        })
    };
    let words = |done: &Restored| format!("revision {} stands", done.revision);
    held(cluster, &release, run, async |_| run.step(Step::RollBack, back, words).await).await
}

/// What a run is about that restores the backup in a folder.
///
/// # Errors
/// [`RestoreError`] where there is no backup, or none that this program reads.
pub fn restore_task(cluster: &Cluster, folder: &Path, holder: Holder) -> Result<Task, RestoreError> {
    let contents = read_contents(folder)?;
    named(&contents, folder)?;
    let Contents { release, namespace, version, .. } = contents;
    Ok(Task {
        work: Work::Restore,
        release,
        namespace,
        server: cluster.server().to_owned(),
        holder,
        revision: None,
        from: None,
        to: Some(version),
        plan: None,
        group: None,
    })
}

fn read_contents(folder: &Path) -> Result<Contents, RestoreError> {
    let path = folder.join(BACKUP);
    let contents: Contents = parse(&path)?;
    match contents.backup_version {
        0..=BACKUP_VERSION => Ok(contents),
        version => Err(RestoreError::Later { path, version }),
    }
}

fn named(contents: &Contents, folder: &Path) -> Result<(HelmRelease, Revision), RestoreError> {
    let wrong = |source| RestoreError::Name { path: folder.join(BACKUP), source };
    let name = contents.release.parse().map_err(wrong)?;
    let namespace = contents.namespace.parse().map_err(wrong)?;
    let revision = contents.revision.to_string().parse().map_err(wrong)?;
    Ok((HelmRelease { name, namespace }, revision))
}

/// Makes Helm's secret of the revision again, where it is gone. Gives whether it was.
async fn bring_record_back(
    cluster: &Cluster,
    contents: &Contents,
    folder: &Path,
) -> Result<bool, RestoreError> {
    let Contents { release, namespace, revision, .. } = contents;
    let name = secret_name(release, *revision);
    if cluster.get(&SECRET.into(), Some(namespace), &name).await?.is_some() {
        return Ok(false);
    }
    let path = folder.join(SECRET_FILE);
    if !path.is_file() {
        return Err(RestoreError::NoRecord { release: release.clone(), revision: *revision });
    }
    let secret: Value = parse(&path)?;
    cluster.create(&SECRET.into(), Some(namespace), &secret).await?;
    Ok(true)
}

async fn apply_custom_resources(cluster: &Cluster, folder: &Path) -> Result<usize, RestoreError> {
    let mode = ApplyMode { manager: FIELD_MANAGER, takes_over: true, dry_run: false };
    let mut count = 0;
    for path in lists(&folder.join(RESOURCES)) {
        let list: Value = parse(&path)?;
        for object in list["items"].as_array().into_iter().flatten() {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
            let (version, kind) =
                (text("/apiVersion").unwrap_or_default(), text("/kind").unwrap_or_default());
            let kind = cluster.kind(version, kind).await?;
            cluster.apply(&kind, text("/metadata/namespace"), object, &mode).await?;
            count += 1;
        }
    }
    Ok(count)
}

/// The files of a folder, in the order of their names; none where there is no folder.
fn lists(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, RestoreError> {
    let bytes = private::read(path, FILE_LIMIT)?;
    serde_json::from_slice(&bytes).map_err(|source| RestoreError::Form { path: path.to_owned(), source })
}
