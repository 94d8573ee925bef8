//! Carrying a plan out. Whatever goes wrong from here on is told in the report, with what stands afterwards.

use std::collections::BTreeMap;

use serde_json::json;

use super::definitions::{self, apply_all};
use super::error::UpgradeError;
use super::hooks;
use super::options::UpgradeOptions;
use super::plan::UpgradePlan;
use super::report::{Outcome, REPORT_VERSION, UpgradeReport};
use super::{DefinitionsError, Site};
use crate::advisories::{Phase, Step as Advised};
use crate::backup::{Backup, BackupOptions, back_up};
use crate::cluster::{ApplyMode, ClusterError, FIELD_MANAGER, NODE};
use crate::event::Step;
use crate::helm::HelmError;
use crate::private::FileError;
use crate::releases::find;
use crate::run::Run;
use crate::stored::{Status, StoredRelease};
use crate::verify::{Verified, verify};

/// The folder of the backup in that of the run.
const BACKUP: &str = "backup";

/// Why an upgrade that was begun did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
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
    let keeping = keep(site, plan, options, run);
    let words = |backup: &Option<Backup>| {
        backup.as_ref().map_or_else(String::new, |backup| backup.folder.display().to_string())
    };
    let backup = run.step(Step::BackUp, keeping, words).await?;
    let mut report = begun(plan, backup, run);
    let before = async {
        label(site, plan, run).await?;
        definitions(site, plan, run).await
    };
    if let Err(failure) = before.await {
        report.outcome = Outcome::NotBegun;
        report.error = Some(in_one_line(&failure));
        return Ok(standing(site, options, report).await);
    }
    report.definitions = plan.crds.iter().map(|one| definitions::name(one).to_owned()).collect();
    let upgraded = upgrade(site, plan, options, run).await;
    match upgraded {
        Ok(now) => Ok(verified(site, options, run, &now, report).await),
        Err(failure) => {
            report.error = Some(in_one_line(&failure));
            let report = standing(site, options, report).await;
            Ok(after_failure(site, plan, options, run, report).await)
        }
    }
}

async fn keep(
    site: Site<'_>,
    plan: &UpgradePlan,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<Option<Backup>, UpgradeError> {
    let Some(folder) = run.folder() else { return Ok(None) };
    let kept = BackupOptions {
        definitions: plan.crds.iter().map(|one| definitions::name(one).to_owned()).collect(),
        custom_resources: options.custom_resources,
    };
    Ok(Some(back_up(site.cluster, site.helm, &plan.now, &kept, &folder.join(BACKUP)).await?))
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
    let work = async { Ok::<_, Failure>(site.helm.upgrade(&options.release, &plan.upgrade).await?) };
    let revision = run.step(Step::Upgrade, work, |revision| format!("revision {revision}")).await?;
    let release = &options.release;
    let found = find(site.cluster, &release.name, &release.namespace, Some(revision)).await;
    found.map_err(|error| match error {
        crate::releases::ReleasesError::Cluster(error) => Failure::Cluster(error),
        other => Failure::Helm(HelmError::Failed {
            doing: format!("looking for revision {revision}"),
            said: other.to_string(),
        }),
    })
}

async fn look(
    site: Site<'_>,
    options: &UpgradeOptions,
    run: &Run<'_>,
    manifest: &str,
) -> Result<Verified, Failure> {
    let namespace = options.release.namespace.as_str();
    let looking = async {
        Ok::<_, Failure>(verify(site.cluster, manifest, namespace, options.timeout, run.observer()).await?)
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
    if report.status.is_none() {
        return report;
    }
    let verified = look(site, options, run, &plan.now.manifest).await.ok();
    let is_old = report.status == Some(Status::Deployed) && report.version.as_deref() == Some(&plan.from);
    let outcome = match is_old && report.revision != Some(plan.revision) {
        true => Outcome::RolledBack,
        false if is_old => Outcome::NotBegun,
        false => Outcome::Failed,
    };
    let hooks_left = hooks::left(site.cluster, &plan.hooks, &plan.namespace).await;
    UpgradeReport { outcome, verified, hooks_left, ..report }
}

fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
