//! Out of a pending state: whoever installed, upgraded or rolled a release back died, and Helm refuses to go on.
//!
//! It is looked at first: whose run it was, and what the objects hold of the old and of the new. Then Helm rolls
//! back to the last good revision, or on to the one that was broken off, which it keeps whole; a release that never
//! had a good revision is taken away. The record that was pending says afterwards that it failed.

mod error;
mod finish;
mod holding;
mod way;

use std::time::Duration;

use serde::Serialize;

use crate::cluster::Cluster;
use crate::event::{Event, Step};
use crate::helm::{Helm, HelmRelease};
use crate::journal::{Ending, Holder, Task, Work};
use crate::lease::{self, Guard, Leaves, held};
use crate::names::Revision;
use crate::releases::{find, forget, history, mark_left, mark_passed};
use crate::run::Run;
use crate::stored::{Status, StoredRelease};
use crate::verify::{self, Verified};
pub use error::RecoverError;
pub use finish::{finish_recovery, is_stuck};
pub(crate) use holding::holds;
pub use holding::{Holding, ObjectHolding};
use way::Way;

/// What a record says that was pending.
const BROKEN_OFF: &str = "Broken off; recovered by Portolan";

/// What a record says of a revision that stood on the way.
const PASSED: &str = "Stood on the way of a recovery by Portolan";

/// Which way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
}

/// A release that is stuck, and where it would go.
#[derive(Clone, Debug)]
pub struct RecoverPlan {
    /// The revision that is pending.
    pub now: StoredRelease,
    /// The revision whose content will stand; `None` where there will be no release.
    pub to: Option<StoredRelease>,
    /// Revisions that stand on the way there.
    through: Vec<u32>,
    /// Whether the pending record goes first.
    forgets: bool,
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
    let finding = async {
        helm.wait_for_left(&options.release, || run.observer().event(Event::HelmIsLeft)).await?;
        let mut revisions = history(cluster, name, namespace).await?;
        let now = revisions.pop().expect("because a release has a last revision");
        let was_left = revisions.iter().any(|one| one.info.status.is_pending());
        if !now.info.status.is_pending() && !was_left {
            let (release, status, revision) = (now.name.clone(), now.info.status, now.version);
            return Err(RecoverError::NotStuck { release, status, revision });
        }
        Ok((now, revisions))
    };
    let words = |(now, _): &(StoredRelease, _)| format!("revision {} is {}", now.version, now.info.status);
    let (now, earlier) = run.step(Step::Find, finding, words).await?;
    let was_good = |one: &&StoredRelease| matches!(one.info.status, Status::Superseded | Status::Deployed);
    let good = earlier.iter().rev().find(was_good).cloned();
    let comparing = async {
        let manifest = good.as_ref().map_or("", |good| &good.manifest);
        let objects = holding::compare(cluster, manifest, &now.manifest, namespace.as_str()).await?;
        Ok::<_, RecoverError>((objects, lease::holder(cluster, &options.release).await))
    };
    let (objects, holder) =
        run.step(Step::Compare, comparing, |(objects, _)| holding::words(objects)).await?;
    let Way { to, through, forgets } = Way::of(&now, &earlier, good, options.way);
    Ok(RecoverPlan { now, to, through, forgets, holder, objects })
}

/// Carries it out, while others are kept out.
///
/// # Errors
/// [`RecoverError`]; objects that do not become ready are no error, but stand in what is returned.
pub async fn recover(
    cluster: &Cluster,
    helm: &Helm,
    plan: &RecoverPlan,
    options: &RecoverOptions,
    run: &Run<'_>,
) -> Result<Recovered, RecoverError> {
    let work = async |_: &Guard| carry_out(cluster, helm, plan, options, run).await;
    let done = held(cluster, &options.release, run, work).await;
    run.ends(&done, Recovered::ending);
    done
}

async fn carry_out(
    cluster: &Cluster,
    helm: &Helm,
    plan: &RecoverPlan,
    options: &RecoverOptions,
    run: &Run<'_>,
) -> Result<Recovered, RecoverError> {
    let HelmRelease { name, namespace } = &options.release;
    let now = find(cluster, name, namespace, None).await?;
    if (now.version, now.info.status) != (plan.now.version, plan.now.info.status) {
        let (release, status, revision) = (now.name.clone(), now.info.status, now.version);
        return Err(RecoverError::NotStuck { release, status, revision });
    }
    let gone = Recovered::gone(plan.now.version, Some(plan.now.info.status));
    let Some(to) = &plan.to else {
        let away = async { Ok::<_, RecoverError>(helm.uninstall(&options.release, options.timeout).await?) };
        run.step(Step::RollBack, away, |()| "the release is taken away".to_owned()).await?;
        return Ok(gone);
    };
    let revision = Revision::new(to.version).expect("because a stored revision has a number");
    let back = async {
        if plan.now.info.status.is_pending() {
            let passed = go_through(cluster, helm, plan, options).await?;
            helm.roll_back(&options.release, revision, options.timeout).await?;
            for passed in passed {
                mark_passed(cluster, &options.release, passed, PASSED).await?;
            }
        }
        let now = find(cluster, name, namespace, None).await?;
        mark_left(cluster, &options.release, now.version, BROKEN_OFF).await?;
        Ok::<_, RecoverError>(now)
    };
    let now = run.step(Step::RollBack, back, |now| format!("revision {} stands", now.version)).await?;
    let verified =
        verify::in_step::<RecoverError>(cluster, &now.manifest, namespace.as_str(), options.timeout, run)
            .await?;
    let version = Some(now.chart.metadata.version.clone());
    let (to, revision) = (Some(to.version), Some(now.version));
    Ok(Recovered { to, version, revision, verified: Some(verified), ..gone })
}

/// What stands on the way. Helm takes its last record for what is there, so that it would leave what only another one
/// has. None of it is waited for: it may be what never becomes ready. Gives the numbers of these revisions.
async fn go_through(
    cluster: &Cluster,
    helm: &Helm,
    plan: &RecoverPlan,
    options: &RecoverOptions,
) -> Result<Vec<u32>, RecoverError> {
    let HelmRelease { name, namespace } = &options.release;
    if plan.forgets {
        forget(cluster, &plan.now).await?;
    }
    let mut passed = Vec::new();
    for revision in plan.through.iter().filter_map(|revision| Revision::new(*revision)) {
        helm.pass_through(&options.release, revision, options.timeout).await?;
        passed.push(find(cluster, name, namespace, None).await?.version);
    }
    Ok(passed)
}
