//! What stands after an upgrade, however it ended; and the way back, where Helm didn't find it by itself because it
//! died or could not reach the cluster.

use std::time::{Duration, Instant};

use super::{Carrying, Failure};
use crate::causes::in_one_line;
use crate::event::Step;
use crate::helm::{HelmRelease, UpgradeEnd};
use crate::names::Revision;
use crate::releases::{ReleasesError, find, forget, mark_failed, mark_left};
use crate::stored::{Status, StoredRelease};
use crate::upgrade::order::Order;
use crate::upgrade::report::{Outcome, UpgradeReport};
use crate::upgrade::{Site, hooks};
use crate::verify::{Verified, verify};

/// How long a server that is out of reach is asked again for what stands.
const PATIENCE: Duration = Duration::from_secs(90);
/// What the record of a revision says that Helm left pending.
pub(in crate::upgrade) const BROKEN_OFF: &str = "Broken off; taken back by Portolan";
const PAUSE: Duration = Duration::from_secs(1);

/// What stands, beside what was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// The revision that the upgrade was to make, and Helm calls it good.
    New,
    /// The revision that was there, untouched.
    Untouched,
    /// What was there, as a newer revision.
    Restored,
    /// Something in between.
    Between,
}

impl Stands {
    fn of(now: Option<&StoredRelease>, order: &Order) -> Self {
        let (Some(now), Some(before)) = (now, &order.before) else {
            return Self::of_new_release(now, order);
        };
        let is_good = now.info.status == Status::Deployed;
        match now.version {
            revision if revision == before.revision => Self::Untouched,
            revision if revision == before.revision + 1 && is_good => Self::New,
            _ if is_good && now.chart.metadata.version == before.version => Self::Restored,
            _ => Self::Between,
        }
    }

    /// Where there was no release before: what Helm installed it takes away again, and its record with it.
    fn of_new_release(now: Option<&StoredRelease>, order: &Order) -> Self {
        match now {
            None if order.before.is_none() => Self::Restored,
            Some(now) if now.info.status == Status::Deployed => Self::New,
            _ => Self::Between,
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::New => Outcome::NotReady,
            Self::Untouched => Outcome::NotBegun,
            Self::Restored => Outcome::RolledBack,
            Self::Between => Outcome::Failed,
        }
    }
}

/// The report of an upgrade that failed before Helm was called.
pub(super) async fn not_begun(all: Carrying<'_>, report: UpgradeReport) -> UpgradeReport {
    let report = UpgradeReport { outcome: Outcome::NotBegun, after: Vec::new(), ..report };
    match current(all).await {
        Ok(now) => of_revision(report, now.as_ref()),
        Err(_) => report,
    }
}

/// The report of an upgrade for which Helm was called, whatever Helm made of it.
pub(super) async fn settled(all: Carrying<'_>, mut report: UpgradeReport) -> UpgradeReport {
    let Ok(mut now) = current(all).await else { return report };
    let mut stands = Stands::of(now.as_ref(), all.order);
    if stands == Stands::Between && all.order.end() == UpgradeEnd::RolledBack && now.is_some() {
        if let Err(failure) = take_back(all).await {
            report.error = Some(both(report.error.as_deref(), &failure));
        }
        let Ok(later) = current(all).await else { return of_revision(report, now.as_ref()) };
        (stands, now) = (Stands::of(later.as_ref(), all.order), later);
    }
    let report = of_revision(report, now.as_ref());
    let verified = match &now {
        Some(now) => look(all, &now.manifest).await.map(Some),
        None => Ok(None),
    };
    match (stands, verified) {
        (Stands::New, Ok(Some(verified))) => of_new(report, verified),
        (Stands::New, Err(failure)) => {
            let error = Some(both(report.error.as_deref(), &failure));
            UpgradeReport { outcome: Outcome::NotReady, error, ..report }
        }
        (stands, verified) => after_failure(all, report, stands, verified.ok().flatten()).await,
    }
}

/// What is not of the new version stands as it is told; hooks may have left objects behind that belong to none.
async fn after_failure(
    all: Carrying<'_>,
    report: UpgradeReport,
    stands: Stands,
    verified: Option<Verified>,
) -> UpgradeReport {
    let namespace = all.order.release.namespace.as_str();
    let hooks_left = hooks::left(all.site.cluster, &all.order.hooks, namespace).await;
    UpgradeReport { outcome: stands.outcome(), verified, hooks_left, after: Vec::new(), ..report }
}

fn of_new(report: UpgradeReport, verified: Verified) -> UpgradeReport {
    let outcome = if verified.is_ready() { Outcome::Upgraded } else { Outcome::NotReady };
    UpgradeReport { outcome, verified: Some(verified), ..report }
}

/// Has Helm roll back to what was there, which it does from any state; where nothing was there, has it take the
/// release away.
pub(in crate::upgrade) async fn take_back(all: Carrying<'_>) -> Result<Option<StoredRelease>, Failure> {
    let Order { release, before, .. } = all.order;
    let (helm, timeout) = (all.site.helm, all.order.timeout());
    let work = async {
        all.guard.check().await?;
        match before.as_ref().and_then(|before| Revision::new(before.revision)) {
            Some(revision) => {
                forget_ways_back(all).await?;
                helm.roll_back(release, revision, timeout).await?;
            }
            None => helm.uninstall(release, timeout).await?,
        }
        let now = current(all).await?;
        if let Some(now) = &now {
            mark_left(all.site.cluster, release, now.version, BROKEN_OFF).await?;
        }
        Ok::<_, Failure>(now)
    };
    let words = |now: &Option<StoredRelease>| match now {
        Some(now) => format!("revision {} stands", now.version),
        None => "there is no release, as before".to_owned(),
    };
    all.run.step(Step::RollBack, work, words).await
}

/// An earlier way back that was broken off, or failed, is gone again from where it began. First the revision that was
/// upgraded to says that it failed: once the record of the way back is gone, it would be taken for what stands.
async fn forget_ways_back(all: Carrying<'_>) -> Result<(), Failure> {
    let Some(before) = &all.order.before else { return Ok(()) };
    while let Some(now) = current(all).await? {
        let is_way_back = now.version > before.revision + 1
            && now.chart.metadata.version == before.version
            && matches!(now.info.status, Status::PendingRollback | Status::Failed);
        if !is_way_back {
            break;
        }
        mark_failed(all.site.cluster, &all.order.release, before.revision + 1, BROKEN_OFF).await?;
        forget(all.site.cluster, &now).await?;
    }
    Ok(())
}

/// Waits until every object is ready; once the run is to end, says how they are.
pub(in crate::upgrade) async fn look(all: Carrying<'_>, manifest: &str) -> Result<Verified, Failure> {
    let namespace = all.order.release.namespace.as_str();
    let within = |time| verify(all.site.cluster, manifest, namespace, time, all.run.observer());
    let looking = async {
        let verified = tokio::select! {
            biased;
            () = all.stop.requested() => within(Duration::ZERO).await,
            verified = within(all.order.timeout()) => verified,
        };
        Ok::<_, Failure>(verified?)
    };
    all.run.step(Step::Verify, looking, Verified::words).await
}

/// The last revision; `None` where there is no such release.
pub(in crate::upgrade) async fn now(
    site: Site<'_>,
    release: &HelmRelease,
) -> Result<Option<StoredRelease>, ReleasesError> {
    match find(site.cluster, &release.name, &release.namespace, None).await {
        Err(ReleasesError::NoRelease { .. }) => Ok(None),
        found => found.map(Some),
    }
}

/// The same, for which a server that is out of reach is asked again.
async fn current(all: Carrying<'_>) -> Result<Option<StoredRelease>, ReleasesError> {
    let deadline = Instant::now() + PATIENCE.min(all.order.timeout());
    loop {
        match now(all.site, &all.order.release).await {
            Err(ReleasesError::Cluster(error)) if error.may_pass() && Instant::now() < deadline => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

pub(in crate::upgrade) fn of_revision(report: UpgradeReport, now: Option<&StoredRelease>) -> UpgradeReport {
    UpgradeReport {
        is_absent: now.is_none(),
        revision: now.map(|now| now.version),
        version: now.map(|now| now.chart.metadata.version.clone()),
        status: now.map(|now| now.info.status),
        ..report
    }
}

/// What went wrong first, and what went wrong on the way back.
fn both(first: Option<&str>, then: &Failure) -> String {
    let then = in_one_line(then);
    first.map_or_else(|| then.clone(), |first| format!("{first}; then {then}"))
}
