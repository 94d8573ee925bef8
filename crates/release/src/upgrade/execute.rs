//! Carrying a plan out. Whatever goes wrong from here on is told in the report, with what stands afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::definitions::{self, apply_all};
use super::error::UpgradeError;
use super::hooks;
use super::options::UpgradeOptions;
use super::plan::UpgradePlan;
use super::report::{Outcome, REPORT_VERSION, UpgradeReport};
use super::{DefinitionsError, Site, pushing};
use crate::advisories::{Phase, Step as Advised};
use crate::backup::{Backup, BackupOptions, back_up};
use crate::cluster::{ApplyMode, ClusterError, FIELD_MANAGER, NODE};
use crate::event::{Event, Step};
use crate::helm::HelmError;
use crate::private::FileError;
use crate::releases::{ReleasesError, find};
use crate::run::Run;
use crate::stored::{Status, StoredRelease};
use crate::verify::{Verified, verify};

/// The folder of the backup in that of the run.
const BACKUP: &str = "backup";

/// Why an upgrade that was begun did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
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
}

/// Backs up, applies the definitions, has Helm upgrade, and verifies.
///
/// # Errors
/// [`UpgradeError`] where the backup can't be made: nothing was changed then. What goes wrong later is in the
/// report.
pub async fn execute(
    site: Site<'_>,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<UpgradeReport, UpgradeError> {
    let pushed = Box::pin(pushing::push(plan, run)).await?;
    Box::pin(pushing::images_are_there(site, plan, options)).await?;
    if options.stop.is_requested() {
        return Err(UpgradeError::Interrupted);
    }
    let keeping = keep(site, plan, options, run);
    let words = |backup: &Option<Backup>| {
        backup.as_ref().map_or_else(String::new, |backup| backup.folder.display().to_string())
    };
    let backup = run.step(Step::BackUp, keeping, words).await?;
    let mut report = UpgradeReport { pushed, ..begun(plan, backup, run) };
    let before = async {
        go_on(options)?;
        label(site, plan, run).await?;
        go_on(options)?;
        definitions(site, plan, run).await?;
        go_on(options)
    };
    if let Err(failure) = Box::pin(before).await {
        report.outcome = Outcome::NotBegun;
        report.error = Some(in_one_line(&failure));
        return Ok(standing(site, options, report).await);
    }
    report.definitions = plan.crds.iter().map(|one| definitions::name(one).to_owned()).collect();
    let upgraded = Box::pin(upgrade(site, plan, options, run)).await;
    match upgraded {
        Ok(now) => Ok(Box::pin(verified(site, options, run, &now, report)).await),
        Err(failure) => {
            report.error = Some(why(&failure, options));
            let report = standing(site, options, report).await;
            Ok(Box::pin(after_failure(site, plan, options, run, report)).await)
        }
    }
}

/// Nothing more is begun once somebody wants it to end.
fn go_on(options: &UpgradeOptions) -> Result<(), Failure> {
    if options.stop.is_requested() { Err(Failure::Interrupted) } else { Ok(()) }
}

async fn keep(
    site: Site<'_>,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<Option<Backup>, UpgradeError> {
    let (Some(folder), Some(now)) = (run.folder(), &plan.now) else { return Ok(None) };
    let kept = BackupOptions {
        definitions: plan.crds.iter().map(|one| definitions::name(one).to_owned()).collect(),
        custom_resources: options.custom_resources,
    };
    Ok(Some(back_up(site.cluster, site.helm, now, &kept, &folder.join(BACKUP)).await?))
}

fn begun(plan: &UpgradePlan, backup: Option<Backup>, run: &Run<'_>) -> UpgradeReport {
    UpgradeReport {
        report_version: REPORT_VERSION,
        release: plan.release.clone(),
        namespace: plan.namespace.clone(),
        from: plan.from.clone(),
        to: plan.to.clone(),
        plan_digest: plan.digest.clone(),
        outcome: Outcome::Failed,
        pushed: Vec::new(),
        is_absent: false,
        revision: None,
        version: None,
        status: None,
        backup,
        definitions: Vec::new(),
        hooks_left: Vec::new(),
        verified: None,
        after: plan.advice.steps(Phase::After).cloned().collect(),
        error: None,
        run: run.folder().map(Into::into),
    }
}

/// Gives nodes the labels that advisories ask for before the upgrade.
async fn label(site: Site<'_>, plan: &UpgradePlan, run: &Run<'_>) -> Result<(), Failure> {
    let steps: Vec<_> = plan.advice.steps(Phase::Before).filter_map(labels).collect();
    if steps.is_empty() {
        return Ok(());
    }
    let mode = ApplyMode { manager: FIELD_MANAGER, takes_over: true, dry_run: false };
    let work = async {
        for (node, labels) in &steps {
            let metadata = json!({"name": node, "labels": labels});
            let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata});
            site.cluster.apply(&NODE.into(), None, &object, &mode).await?;
        }
        Ok(())
    };
    let nodes: Vec<&str> = steps.iter().map(|(node, _)| node.as_str()).collect();
    run.step(Step::Label, work, |()| nodes.join(", ")).await
}

fn labels(step: &Advised) -> Option<(&String, &BTreeMap<String, String>)> {
    match step {
        Advised::Label { node, labels } => Some((node, labels)),
        _ => None,
    }
}

async fn definitions(site: Site<'_>, plan: &UpgradePlan, run: &Run<'_>) -> Result<(), Failure> {
    let work = async { Ok(apply_all(site.cluster, &plan.crds).await?) };
    run.step(Step::Definitions, work, |()| format!("{} applied", plan.crds.len())).await
}

async fn upgrade(
    site: Site<'_>,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<StoredRelease, Failure> {
    let upgrading = site.helm.upgrade(&options.release, &plan.upgrade, &options.stop);
    let work = async { Ok::<_, Failure>(telling(upgrading, options, run).await?) };
    let revision = run.step(Step::Upgrade, work, |revision| format!("revision {revision}")).await?;
    let release = &options.release;
    let found = find(site.cluster, &release.name, &release.namespace, Some(revision)).await;
    found.map_err(|error| match error {
        ReleasesError::Cluster(error) => Failure::Cluster(error),
        other => Failure::Helm(HelmError::Failed {
            doing: format!("looking for revision {revision}"),
            said: other.to_string(),
        }),
    })
}

/// Waits for Helm, and tells that it was asked to stop where that happens.
async fn telling<T>(upgrading: impl Future<Output = T>, options: &UpgradeOptions, run: &Run<'_>) -> T {
    let mut upgrading = std::pin::pin!(upgrading);
    tokio::select! {
        biased;
        done = &mut upgrading => done,
        () = options.stop.requested() => {
            run.observer().event(Event::HelmStops);
            upgrading.await
        }
    }
}

/// Waits until every object is ready; once the run is to end, says how they are.
async fn look(
    site: Site<'_>,
    options: &UpgradeOptions,
    run: &Run<'_>,
    manifest: &str,
) -> Result<Verified, Failure> {
    let namespace = options.release.namespace.as_str();
    let within = |time| verify(site.cluster, manifest, namespace, time, run.observer());
    let looking = async {
        let verified = tokio::select! {
            biased;
            () = options.stop.requested() => within(Duration::ZERO).await,
            verified = within(options.timeout) => verified,
        };
        Ok::<_, Failure>(verified?)
    };
    run.step(Step::Verify, looking, Verified::words).await
}

async fn verified(
    site: Site<'_>,
    options: &UpgradeOptions,
    run: &Run<'_>,
    now: &StoredRelease,
    report: UpgradeReport,
) -> UpgradeReport {
    let report = of_revision(report, now);
    match look(site, options, run, &now.manifest).await {
        Err(failure) => {
            UpgradeReport { outcome: Outcome::NotReady, error: Some(in_one_line(&failure)), ..report }
        }
        Ok(verified) => {
            let outcome = if verified.is_ready() { Outcome::Upgraded } else { Outcome::NotReady };
            UpgradeReport { outcome, verified: Some(verified), ..report }
        }
    }
}

/// What stands, as far as the cluster tells.
async fn standing(site: Site<'_>, options: &UpgradeOptions, report: UpgradeReport) -> UpgradeReport {
    let release = &options.release;
    match find(site.cluster, &release.name, &release.namespace, None).await {
        Ok(now) => of_revision(report, &now),
        Err(ReleasesError::NoRelease { .. }) => UpgradeReport { is_absent: true, ..report },
        Err(_) => report,
    }
}

fn of_revision(report: UpgradeReport, now: &StoredRelease) -> UpgradeReport {
    UpgradeReport {
        revision: Some(now.version),
        version: Some(now.chart.metadata.version.clone()),
        status: Some(now.info.status),
        ..report
    }
}

/// Whether the old version stands as it did, which is looked at object by object.
async fn after_failure(
    site: Site<'_>,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    run: &Run<'_>,
    report: UpgradeReport,
) -> UpgradeReport {
    let Some(before) = &plan.now else {
        // What Helm installed it has taken away again, and its record with it.
        let outcome = if report.is_absent { Outcome::RolledBack } else { Outcome::Failed };
        return UpgradeReport { outcome, ..report };
    };
    if report.status.is_none() {
        return report;
    }
    let verified = look(site, options, run, &before.manifest).await.ok();
    let is_old = report.status == Some(Status::Deployed) && report.version == plan.from;
    let outcome = match is_old && report.revision != plan.revision {
        true => Outcome::RolledBack,
        false if is_old => Outcome::NotBegun,
        false => Outcome::Failed,
    };
    let hooks_left = hooks::left(site.cluster, &plan.hooks, &plan.namespace).await;
    UpgradeReport { outcome, verified, hooks_left, ..report }
}

/// What went wrong, and that it was asked for where it was.
fn why(failure: &Failure, options: &UpgradeOptions) -> String {
    let error = in_one_line(failure);
    match (failure, options.stop.is_requested()) {
        (Failure::Helm(_), true) => format!("interrupted, so that Helm was asked to stop: {error}"),
        _ => error,
    }
}

fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
