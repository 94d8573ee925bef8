//! Out of a pending state: whoever installed, upgraded or rolled a release back died, and Helm refuses to go on.
//!
//! It is looked at first: whose run it was, and what the objects hold of the old and of the new. Then Helm rolls
//! back to the last good revision, or on to the one that was broken off, which it keeps whole; a release that never
//! had a good revision is taken away. The record that was pending says afterwards that it failed.

mod carry;
mod error;
mod finish;
mod holding;
mod kept;
mod way;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cluster::Cluster;
use crate::event::{Event, Step};
use crate::helm::{Helm, HelmRelease};
use crate::journal::{Ending, Holder, Task, Work};
use crate::lease::{self, Leaves};
use crate::releases::history;
use crate::run::Run;
use crate::stored::{Status, StoredRelease};
use crate::verify::Verified;
pub use carry::recover;
pub use error::RecoverError;
pub use finish::{finish_recovery, is_stuck};
pub(crate) use holding::holds;
pub use holding::{Holding, ObjectHolding};
use kept::Kept;
use way::{Course, Way};

/// What a record says that was pending.
const BROKEN_OFF: &str = "Broken off; recovered by Portolan";

/// What a record says of a revision that stood on the way.
const PASSED: &str = "Stood on the way of a recovery by Portolan";

/// Which way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WayOut {
    /// To the last good revision; where there is none, to no release.
    #[default]
    Back,
    /// To what was broken off.
    On,
}

/// What is brought out of its state, and how.
#[derive(Clone, Debug)]
pub struct RecoverOptions {
    /// The release.
    pub release: HelmRelease,
    /// Which way out.
    pub way: WayOut,
    /// How long objects may take until they are ready.
    pub timeout: Duration,
    /// The folder of an earlier recovery that was broken off, or failed: where it had come between two revisions, this
    /// one goes to where that one went.
    pub earlier: Option<PathBuf>,
}

impl RecoverOptions {
    fn kept(&self) -> Result<Option<Kept>, RecoverError> {
        self.earlier.as_deref().map_or(Ok(None), Kept::read)
    }
}

impl WayOut {
    fn words(self) -> &'static str {
        match self {
            Self::Back => "back to the last good revision",
            Self::On => "on to what was broken off",
        }
    }
}

/// A release that is stuck, and where it would go.
#[derive(Clone, Debug)]
pub struct RecoverPlan {
    /// The last revision, which is pending or stands on the way of an earlier recovery.
    pub now: StoredRelease,
    /// The revision whose content will stand; `None` where there will be no release.
    pub to: Option<StoredRelease>,
    /// Whether it goes on with an earlier recovery, which had come between two revisions.
    pub goes_on: bool,
    /// How Helm gets there; `None` where it stands already.
    course: Option<Course>,
    /// What a run that is broken off goes on by.
    kept: Kept,
    /// Whose lease there is, which was left behind or is renewed.
    pub holder: Option<String>,
    /// What the objects hold of the last good revision and of the pending one.
    pub objects: Vec<ObjectHolding>,
}

/// What a recovery came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovered {
    /// The revision that was pending.
    pub from: u32,
    /// What it was; absent where an earlier recovery, which was broken off, had done its work already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Status>,
    /// The revision whose content stands; absent where there is no release any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    /// The chart's version of that revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The number that it has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// How its objects are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// Its lease, where that could not be removed at the end: which one, and when it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_left: Option<String>,
}

impl RecoverPlan {
    /// What a run that carries it out is about.
    pub fn task(&self, cluster: &Cluster, holder: Holder) -> Task {
        Task {
            work: Work::Recover,
            release: self.now.name.clone(),
            namespace: self.now.namespace.clone(),
            server: cluster.server().to_owned(),
            holder,
            revision: Some(self.now.version),
            from: Some(self.now.chart.metadata.version.clone()),
            to: self.to.as_ref().map(|to| to.chart.metadata.version.clone()),
            plan: None,
            group: None,
        }
    }
}

impl Leaves for Recovered {
    fn leaves(&mut self, lease: String) {
        self.lease_left = Some(lease);
    }
}

impl Recovered {
    /// There is no release any more.
    fn gone(from: u32, was: Option<Status>) -> Self {
        Self { from, was, to: None, version: None, revision: None, verified: None, lease_left: None }
    }

    /// Whether everything that stands is ready.
    pub fn is_ready(&self) -> bool {
        self.verified.as_ref().is_none_or(Verified::is_ready)
    }

    fn ending(&self) -> Ending {
        let left = self.verified.iter().flat_map(Verified::left).chain(self.lease_left.clone()).collect();
        let outcome = if self.is_ready() { "recovered" } else { "not-ready" };
        Ending { outcome: outcome.to_owned(), left }
    }
}

/// Looks at a release that is stuck. Only reads.
///
/// # Errors
/// [`RecoverError`] where it can't be read, or isn't stuck.
pub async fn plan_recovery(
    cluster: &Cluster,
    helm: &Helm,
    options: &RecoverOptions,
    run: &Run<'_>,
) -> Result<RecoverPlan, RecoverError> {
    let HelmRelease { name, namespace } = &options.release;
    let kept = options.kept()?;
    let finding = async {
        helm.wait_for_left(&options.release, || run.observer().event(Event::HelmIsLeft)).await?;
        let mut revisions = history(cluster, name, namespace).await?;
        let rest = rest(kept.as_ref(), &revisions, options.way)?;
        let is_stuck = rest.is_some() || finish::is_stuck_at(&revisions);
        let now = revisions.pop().expect("because a release has a last revision");
        match is_stuck {
            true => Ok((now, revisions, rest)),
            false => Err(RecoverError::NotStuck {
                release: now.name.clone(),
                status: now.info.status,
                revision: now.version,
            }),
        }
    };
    let words =
        |(now, ..): &(StoredRelease, _, _)| format!("revision {} is {}", now.version, now.info.status);
    let (now, earlier, rest) = run.step(Step::Find, finding, words).await?;
    let was_good = |one: &&StoredRelease| matches!(one.info.status, Status::Superseded | Status::Deployed);
    let good = earlier.iter().rev().find(was_good).cloned();
    let comparing = async {
        let manifest = good.as_ref().map_or("", |good| &good.manifest);
        let objects = holding::compare(cluster, manifest, &now.manifest, namespace.as_str()).await?;
        Ok::<_, RecoverError>((objects, lease::holder(cluster, &options.release).await))
    };
    let (objects, holder) =
        run.step(Step::Compare, comparing, |(objects, _)| holding::words(objects)).await?;
    let goes_on = rest.is_some();
    let Way { to, course } = rest.unwrap_or_else(|| Way::of(&now, &earlier, good, options.way));
    let begun = || Kept::new(options.way, &now, to.as_ref().map(|to| to.version), course);
    let kept = kept.filter(|_| goes_on).unwrap_or_else(begun);
    Ok(RecoverPlan { now, to, goes_on, course, kept, holder, objects })
}

/// The rest of the way of an earlier recovery that was broken off between two revisions.
fn rest(kept: Option<&Kept>, revisions: &[StoredRelease], way: WayOut) -> Result<Option<Way>, RecoverError> {
    let now = finish::last(revisions);
    let Some((kept, course)) = kept.and_then(|kept| Some((kept, kept.rest(now)?))) else { return Ok(None) };
    if kept.way != way {
        // The other way begins at what Helm's records tell, where they do.
        return match finish::is_stuck_at(revisions) {
            true => Ok(None),
            false => Err(RecoverError::OtherWay { release: now.name.clone(), way: kept.way }),
        };
    }
    let to = revisions.iter().find(|one| Some(one.version) == kept.to).cloned();
    // The history may have been cut off since.
    let is_there = to.is_some() == kept.to.is_some();
    Ok(is_there.then_some(Way { to, course: Some(course) }))
}
