//! Carrying a plan out. Whatever goes wrong from here on is told in the report, with what stands afterwards.

mod standing;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use portolan_registry::Stop;
use serde_json::json;

use super::definitions::{self, apply_all};
use super::error::UpgradeError;
use super::options::UpgradeOptions;
use super::order::{Before, Order};
use super::plan::UpgradePlan;
use super::report::{Outcome, REPORT_VERSION, UpgradeReport};
use super::{DefinitionsError, Site, namespace, pushing};
use crate::backup::{Backup, BackupOptions, back_up};
use crate::causes::in_one_line;
use crate::cluster::{ApplyMode, ClusterError, FIELD_MANAGER, NODE};
use crate::event::{Event, Step};
use crate::helm::{HelmError, Upgrade};
use crate::journal::Ending;
use crate::lease::{Guard, LeaseError, held};
use crate::private::FileError;
use crate::releases::ReleasesError;
use crate::run::Run;
use crate::stored::StoredRelease;
use crate::verify::{Unready, watch};

pub(super) use standing::{BROKEN_OFF, look, now, of_revision, take_back};

/// The folder of the backup in that of the run.
pub(super) const BACKUP: &str = "backup";

/// Why an upgrade that was begun did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("interrupted")]
    Interrupted,
    #[error(transparent)]
    Definitions(#[from] DefinitionsError),
    #[error(transparent)]
    Helm(#[from] HelmError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Releases(#[from] ReleasesError),
}

/// All that carrying out needs.
#[derive(Clone, Copy)]
pub(super) struct Carrying<'a> {
    pub(super) site: Site<'a>,
    pub(super) order: &'a Order,
    pub(super) upgrade: &'a Upgrade,
    pub(super) run: &'a Run<'a>,
    pub(super) stop: &'a Stop,
    pub(super) guard: &'a Guard,
    /// Whether an earlier run of the same order may have done some of it.
    pub(super) goes_on: bool,
}

/// Pushes images where that was asked for, keeps others out, backs up, applies the definitions, has Helm upgrade,
/// and verifies.
///
/// # Errors
/// [`UpgradeError`] where images can't be pushed, somebody else is at work, the release is another by now, or the
/// backup can't be made: the cluster was not changed then. What goes wrong later is in the report.
pub async fn execute(
    site: Site<'_>,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<UpgradeReport, UpgradeError> {
    let done = Box::pin(pushed_and_guarded(site, plan, options, run)).await;
    write_end(run, &done);
    done
}

/// Writes down how it ended.
pub(super) fn write_end(run: &Run<'_>, done: &Result<UpgradeReport, UpgradeError>) {
    run.end(&match done {
        Ok(report) => report.ending(),
        Err(_) => Ending { outcome: Outcome::NotBegun.to_string(), left: Vec::new() },
    });
}

async fn pushed_and_guarded(
    site: Site<'_>,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<UpgradeReport, UpgradeError> {
    let pushed = match Box::pin(pushing::push(plan, run)).await {
        Err(_) if options.stop.is_requested() => return Err(UpgradeError::InterruptedPush),
        pushed => pushed?,
    };
    Box::pin(pushing::images_are_there(site, plan, options)).await?;
    if options.stop.is_requested() {
        return Err(UpgradeError::Interrupted);
    }
    let order = Order::of(plan, options);
    let report = guarded(site, &order, &plan.upgrade, run, &options.stop).await?;
    Ok(UpgradeReport { pushed, ..report })
}

/// Keeps what a plan's upgrade would do in a folder, to be begun from there with [`begin`].
///
/// # Errors
/// [`UpgradeError`] where it can't be written.
pub(crate) fn keep_order(
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    folder: &Path,
) -> Result<(), UpgradeError> {
    Order::of(plan, options).save(&plan.upgrade, folder)
}

/// As [`execute`], of an upgrade that [`keep_order`] kept in the folder `from`: nothing of it is planned anew.
///
/// # Errors
/// As with [`execute`].
pub(crate) async fn begin(
    site: Site<'_>,
    from: &Path,
    stop: &Stop,
    run: &Run<'_>,
) -> Result<UpgradeReport, UpgradeError> {
    let done = async {
        let (order, upgrade) = Order::read(from)?;
        guarded(site, &order, &upgrade, run, stop).await
    };
    let done = Box::pin(done).await;
    write_end(run, &done);
    done
}

async fn guarded(
    site: Site<'_>,
    order: &Order,
    upgrade: &Upgrade,
    run: &Run<'_>,
    stop: &Stop,
) -> Result<UpgradeReport, UpgradeError> {
    let save = || run.folder().map_or(Ok(()), |folder| order.save(upgrade, folder));
    if order.makes_namespace {
        // What makes it is known before it is there: a run that dies then is gone on with, or taken back.
        save()?;
        namespace::make(site.cluster, &order.release.namespace, run).await?;
    }
    let work = async |guard: &Guard| {
        save()?;
        carry_out(Carrying { site, order, upgrade, run, stop, guard, goes_on: false }).await
    };
    held(site.cluster, &order.release, run, work).await
}

/// Backs up, labels, applies definitions, has Helm upgrade, and verifies.
pub(super) async fn carry_out(all: Carrying<'_>) -> Result<UpgradeReport, UpgradeError> {
    let now = still(all).await?;
    if all.stop.is_requested() {
        return Err(UpgradeError::Interrupted);
    }
    let words = |backup: &Option<Backup>| {
        backup.as_ref().map_or_else(String::new, |backup| backup.folder.display().to_string())
    };
    let backup = all.run.step(Step::BackUp, keep(all, now.as_ref()), words).await?;
    let mut report = begun(all, backup);
    let before = async {
        go_on(all)?;
        label(all, &mut report.labelled).await?;
        go_on(all)?;
        definitions(all, &mut report.definitions).await?;
        go_on(all)
    };
    if let Err(failure) = Box::pin(before).await {
        report.error = Some(in_one_line(&failure));
        return Ok(standing::not_begun(all, report).await);
    }
    let unready = Mutex::default();
    if let Err(failure) = Box::pin(upgrade(all, &unready)).await {
        report.error = Some(why(&failure, all.stop));
        report.given_up_on = unready.into_inner().unwrap_or_else(PoisonError::into_inner);
    }
    Ok(Box::pin(standing::settled(all, report)).await)
}

/// Nothing more is begun once somebody wants it to end.
fn go_on(all: Carrying<'_>) -> Result<(), Failure> {
    if all.stop.is_requested() { Err(Failure::Interrupted) } else { Ok(()) }
}

/// Looks at what stands where Helm has done its part already.
pub(super) async fn settle(all: Carrying<'_>) -> UpgradeReport {
    let report = UpgradeReport { definitions: definition_names(all.order), ..begun(all, None) };
    standing::settled(all, report).await
}

pub(super) fn definition_names(order: &Order) -> Vec<String> {
    order.definitions.iter().map(|one| definitions::name(one).to_owned()).collect()
}

/// The revision that the plan was made for: between the plan and the lease somebody else may have been at work.
async fn still(all: Carrying<'_>) -> Result<Option<StoredRelease>, UpgradeError> {
    let Order { release, before, .. } = all.order;
    let now = standing::now(all.site, release).await?;
    match now.as_ref().map(Before::of) == *before {
        true => Ok(now),
        false => Err(all.order.moved(now.as_ref())),
    }
}

async fn keep(all: Carrying<'_>, now: Option<&StoredRelease>) -> Result<Option<Backup>, UpgradeError> {
    let (Some(folder), Some(now)) = (all.run.folder(), now) else { return Ok(None) };
    let kept = BackupOptions {
        definitions: definition_names(all.order),
        custom_resources: all.order.custom_resources,
    };
    // A run that goes on has one already, maybe half of one.
    let names = std::iter::once(BACKUP.to_owned()).chain((2..).map(|number| format!("{BACKUP}-{number}")));
    let mut free = names.map(|name| folder.join(name)).filter(|folder| !folder.exists());
    let folder = free.next().expect("because numbers don't end");
    Ok(Some(back_up(all.site.cluster, all.site.helm, now, &kept, &folder).await?))
}

pub(super) fn begun(all: Carrying<'_>, backup: Option<Backup>) -> UpgradeReport {
    let Order { release, makes_namespace, before, to, digest, after, .. } = all.order;
    UpgradeReport {
        report_version: REPORT_VERSION,
        release: release.name.to_string(),
        namespace: release.namespace.to_string(),
        makes_namespace: *makes_namespace,
        from: before.as_ref().map(|before| before.version.clone()),
        to: to.clone(),
        plan_digest: digest.clone(),
        outcome: Outcome::Failed,
        pushed: Vec::new(),
        is_absent: false,
        revision: None,
        version: None,
        status: None,
        backup,
        definitions: Vec::new(),
        labelled: Vec::new(),
        hooks_left: Vec::new(),
        verified: None,
        after: after.clone(),
        given_up_on: Vec::new(),
        error: None,
        lease_left: None,
        run: all.run.folder().map(Into::into),
    }
}

/// Gives nodes the labels that advisories ask for before the upgrade. `labelled` gets those that were given.
async fn label(all: Carrying<'_>, labelled: &mut Vec<String>) -> Result<(), Failure> {
    let steps = &all.order.labels;
    if steps.is_empty() {
        return Ok(());
    }
    let mode = ApplyMode { manager: FIELD_MANAGER, takes_over: true, dry_run: false };
    let work = async {
        all.guard.check().await?;
        for (node, labels) in steps {
            let metadata = json!({"name": node, "labels": labels});
            let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata});
            all.site.cluster.apply(&NODE.into(), None, &object, &mode).await?;
            labelled.push(node.clone());
        }
        Ok(())
    };
    let nodes: Vec<&str> = steps.iter().map(|(node, _)| node.as_str()).collect();
    all.run.step(Step::Label, work, |()| nodes.join(", ")).await
}

async fn definitions(all: Carrying<'_>, applied: &mut Vec<String>) -> Result<(), Failure> {
    let crds = &all.order.definitions;
    let work = async {
        all.guard.check().await?;
        Ok(apply_all(all.site.cluster, crds, all.goes_on, all.stop, applied).await?)
    };
    all.run.step(Step::Definitions, work, |()| format!("{} applied", crds.len())).await
}

/// Has Helm upgrade. While it waits, `unready` gets what it waits for: once it has given up and gone back, nobody
/// could tell any more.
async fn upgrade(all: Carrying<'_>, unready: &Mutex<Vec<Unready>>) -> Result<(), Failure> {
    let Carrying { site, order, upgrade, run, stop, guard, .. } = all;
    let Order { release, watched, .. } = order;
    let watching = watch(site.cluster, watched, release, run.observer(), unready);
    let work = async {
        guard.check().await?;
        tokio::select! {
            upgraded = telling(site.helm.upgrade(release, upgrade, stop), all) => Ok::<_, Failure>(upgraded?),
            () = watching => unreachable!("because watching doesn't end by itself"),
        }
    };
    Box::pin(run.step(Step::Upgrade, work, |revision| format!("revision {revision}"))).await.map(drop)
}

/// Waits for Helm, and tells that it was asked to stop where that happens.
async fn telling<T>(upgrading: impl Future<Output = T>, all: Carrying<'_>) -> T {
    let mut upgrading = std::pin::pin!(upgrading);
    tokio::select! {
        biased;
        done = &mut upgrading => done,
        () = all.stop.requested() => {
            all.run.observer().event(Event::HelmStops);
            upgrading.await
        }
    }
}

/// What went wrong, and that it was asked for where it was.
fn why(failure: &Failure, stop: &Stop) -> String {
    let error = in_one_line(failure);
    match (failure, stop.is_requested()) {
        (Failure::Helm(_), true) => format!("interrupted, so that Helm was asked to stop: {error}"),
        _ => error,
    }
}
