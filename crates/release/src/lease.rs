//! What keeps two runs from working on one release: a Lease `portolan-RELEASE` in its namespace, which names whose
//! run it is and where its journal lies (rules.md, "Upgrades").
//!
//! A lease is renewed for as long as its run lives, and goes with it. One that is left behind is taken over once it
//! was seen unchanged for as long as it says that it lasts. That is measured by this machine's own steady clock and
//! not by the times that stand in it, so clocks that differ or jump don't let two in.
//!
//! Where it may not be written, that is said, and Helm's pending status alone keeps others out.

mod record;
mod renewal;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, ClusterError, LEASE};
use crate::event::{Event, Step};
use crate::helm::HelmRelease;
use crate::journal::Holder;
use crate::private::FileError;
use crate::run::Run;
use record::Record;
pub(crate) use record::name;
pub(crate) use renewal::Held;

/// How long a lease lasts that is not renewed.
const DURATION: Duration = Duration::from_secs(20);
/// How often another's lease is looked at.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest time that another's lease is believed to last.
const LONGEST: Duration = Duration::from_secs(300);
/// Why a release can't be worked on.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else is at work.
    #[error("{holder} is at work on the release {release}")]
    Taken {
        /// The release.
        release: String,
        /// Whose run it is, and where its journal lies.
        holder: String,
    },
    /// Somebody else is at work by now.
    #[error("the release {release} is no longer held: its lease was {how}")]
    Lost {
        /// The release.
        release: String,
        /// What became of the lease.
        how: String,
    },
    /// The cluster didn't tell.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// What keeps others out of a release while this lives.
pub(crate) enum Guard {
    /// A lease.
    Held(Held),
    /// Helm's pending status alone.
    Alone {
        /// Why there is no lease.
        why: String,
    },
}

/// What a run came to, which tells also that its lease was left behind.
pub(crate) trait Leaves {
    /// `lease` says which, and when it ends by itself.
    fn leaves(&mut self, lease: String);
}

/// Something without a report.
impl Leaves for () {
    fn leaves(&mut self, _: String) {}
}

/// Works on a release while others are kept out by its lease, which is taken as a step of the run. Where there is
/// none, the guard says why. A lease that can't be removed at the end is told, and stands in what the work gives.
///
/// # Errors
/// [`LeaseError`] where somebody else is at work, and what the work gives.
pub(crate) async fn held<T: Leaves, E: From<LeaseError> + From<FileError>>(
    cluster: &Cluster,
    release: &HelmRelease,
    run: &Run<'_>,
    work: impl AsyncFnOnce(&Guard) -> Result<T, E>,
) -> Result<T, E> {
    let holding = async { Ok::<_, E>(guard(cluster, release, run).await?) };
    let guard = run.step(Step::Hold, holding, Guard::words).await?;
    let mut done = work(&guard).await;
    if let Some(left) = guard.let_go().await {
        run.observer().event(Event::Noted { step: Step::Hold, note: &left });
        if let Ok(done) = &mut done {
            done.leaves(left);
        }
    }
    done
}

async fn guard(cluster: &Cluster, release: &HelmRelease, run: &Run<'_>) -> Result<Guard, LeaseError> {
    let (Some(task), Some(folder)) = (run.task(), run.folder()) else {
        return Ok(Guard::Alone { why: "the run is not written down".to_owned() });
    };
    let own = Record::new(release, &identity(&task.holder, folder));
    match take(cluster, release, own, run).await {
        Ok((record, before)) => Ok(Guard::Held(Held::renewing(cluster, release, record, before))),
        Err(LeaseError::Cluster(error)) if is_denied(&error) => Ok(Guard::Alone { why: error.to_string() }),
        Err(error) => Err(error),
    }
}

/// Whose the lease of a release is, where there is one and it can be read.
pub(crate) async fn holder(cluster: &Cluster, release: &HelmRelease) -> Option<String> {
    let found = read(cluster, release).await.ok().flatten()?;
    Some(printed(found.holder())).filter(|holder| !holder.is_empty())
}

/// `jane@seed-node:/home/jane/.local/state/portolan/runs/kpanda-20260102T030405Z`
fn identity(holder: &Holder, folder: &Path) -> String {
    format!("{holder}:{}", folder.display())
}

/// Whether there can be no lease for us: the right lacks, or the namespace.
fn is_denied(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Forbidden { .. }) || error.is_not_found()
}

/// Makes the lease, or takes it over. Gives it as the server has it, and whose it was.
async fn take(
    cluster: &Cluster,
    release: &HelmRelease,
    own: Record,
    run: &Run<'_>,
) -> Result<(Record, Option<String>), LeaseError> {
    let namespace = Some(release.namespace.as_str());
    loop {
        match cluster.create(&LEASE.into(), namespace, own.object()).await {
            Ok(made) => return Ok((Record::of(made), None)),
            Err(error) if error.reason() == Some("AlreadyExists") => {}
            Err(error) => return Err(error.into()),
        }
        let Some(found) = read(cluster, release).await? else { continue };
        if found.holder() != own.holder() && !found.is_free() {
            wait_for_its_end(cluster, release, &found, run).await?;
        }
        let before = Some(found.holder().to_owned()).filter(|holder| holder != own.holder());
        match cluster.replace(&LEASE.into(), namespace, found.taken_by(&own).object()).await {
            Ok(taken) => return Ok((Record::of(taken), before.filter(|holder| !holder.is_empty()))),
            // Somebody was quicker: that is looked at anew.
            Err(error) if error.reason() == Some("Conflict") || error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn read(cluster: &Cluster, release: &HelmRelease) -> Result<Option<Record>, ClusterError> {
    let name = name(release);
    let found = cluster.get(&LEASE.into(), Some(release.namespace.as_str()), &name).await?;
    Ok(found.map(Record::of))
}

/// Watches another's lease until it has lasted as long as it says, unrenewed, or is gone.
async fn wait_for_its_end(
    cluster: &Cluster,
    release: &HelmRelease,
    found: &Record,
    run: &Run<'_>,
) -> Result<(), LeaseError> {
    let lasts = found.duration().unwrap_or(DURATION).min(LONGEST);
    let taken = || LeaseError::Taken { release: release.name.to_string(), holder: printed(found.holder()) };
    let note = format!("waiting for the end of a lease of {}", printed(found.holder()));
    run.observer().event(Event::Noted { step: Step::Hold, note: &note });
    let began = Instant::now();
    while began.elapsed() < lasts {
        tokio::time::sleep(PAUSE).await;
        match read(cluster, release).await {
            Ok(Some(now)) if now.is_as(found) => {}
            Ok(Some(now)) if now.is_free() => return Ok(()),
            Ok(None) => return Ok(()),
            Ok(Some(_)) => return Err(taken()),
            Err(error) if error.may_pass() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What stands in a lease may be anybody's: a line of reasonable length.
fn printed(holder: &str) -> String {
    const SHOWN: usize = 512;
    holder.chars().filter(|character| !character.is_control()).take(SHOWN).collect()
}

impl Guard {
    /// In words, what keeps others out.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Held(Held { before: Some(before), .. }) => {
                format!(
                    "by a lease, taken over from {}, whose run ended without giving it back",
                    printed(before)
                )
            }
            Self::Held(_) => "by a lease".to_owned(),
            Self::Alone { why } => format!("by Helm's pending status alone; there is no lease: {why}"),
        }
    }

    /// Makes sure that it is still ours: asked before each step that changes the cluster.
    ///
    /// # Errors
    /// [`LeaseError`] where it is not, or that can't be told.
    pub(crate) async fn check(&self) -> Result<(), LeaseError> {
        match self {
            Self::Held(held) => held.renew().await,
            Self::Alone { .. } => Ok(()),
        }
    }

    /// Lets others in. Of a lease that can't be removed it is said which one it is, and when it ends by itself.
    pub(crate) async fn let_go(self) -> Option<String> {
        let Self::Held(held) = self else { return None };
        let HelmRelease { name, namespace } = held.release().clone();
        let error = held.remove().await.err()?;
        let seconds = DURATION.as_secs();
        Some(format!(
            "the Lease portolan-{name} in {namespace} could not be removed, and ends by itself within {seconds} seconds: {error}"
        ))
    }
}
