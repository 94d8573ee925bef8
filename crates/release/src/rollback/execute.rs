//! Carrying a rollback out: backed up where definitions go back, Helm's own rollback, verified.

use super::{RollbackError, RollbackOptions, RollbackPlan, RolledBack, definitions};
use crate::backup::{Backup, BackupOptions, back_up};
use crate::cluster::Cluster;
use crate::event::Step;
use crate::helm::{Helm, HelmRelease};
use crate::lease::{Guard, held};
use crate::names::Revision;
use crate::releases::find;
use crate::run::Run;
use crate::verify;

/// The folder of the backup in that of the run.
const BACKUP: &str = "backup";

/// Carries a rollback out, while others are kept out.
///
/// # Errors
/// [`RollbackError`]; objects that do not become ready are no error, but stand in what is returned.
pub async fn roll_back(
    cluster: &Cluster,
    helm: &Helm,
    plan: &RollbackPlan,
    options: &RollbackOptions,
    run: &Run<'_>,
) -> Result<RolledBack, RollbackError> {
    let work = async |guard: &Guard| carry_out(Carrying { cluster, helm, plan, options, run, guard }).await;
    let done = held(cluster, &options.release, run, work).await;
    run.ends(&done, RolledBack::ending);
    done
}

/// What carrying out needs.
#[derive(Clone, Copy)]
struct Carrying<'a> {
    cluster: &'a Cluster,
    helm: &'a Helm,
    plan: &'a RollbackPlan,
    options: &'a RollbackOptions,
    run: &'a Run<'a>,
    guard: &'a Guard,
}

async fn carry_out(all: Carrying<'_>) -> Result<RolledBack, RollbackError> {
    let Carrying { cluster, helm, plan, options, run, .. } = all;
    let HelmRelease { name, namespace } = &options.release;
    let found = find(cluster, name, namespace, None).await?.version;
    if found != plan.now.version {
        return Err(RollbackError::Moved { release: name.to_string(), planned: plan.now.version, found });
    }
    let backup = keep(all).await?;
    let mut definitions = Vec::new();
    if plan.definitions_first {
        definitions_back(all, &mut definitions).await?;
    }
    let revision = Revision::new(plan.to.version).expect("because a stored revision has a number");
    let back = async {
        helm.roll_back(&options.release, revision, options.timeout).await?;
        Ok::<_, RollbackError>(find(cluster, name, namespace, None).await?)
    };
    let now = run.step(Step::RollBack, back, |now| format!("revision {} stands", now.version)).await?;
    if !plan.definitions_first {
        definitions_back(all, &mut definitions).await?;
    }
    let verified =
        verify::in_step::<RollbackError>(cluster, &now.manifest, namespace.as_str(), options.timeout, run)
            .await?;
    Ok(RolledBack {
        from: plan.now.version,
        to: plan.to.version,
        version: plan.to.chart.metadata.version.clone(),
        revision: now.version,
        backup,
        definitions,
        verified,
        lease_left: None,
    })
}

/// Backs up, where definitions go back: the definitions, and every object of theirs.
async fn keep(all: Carrying<'_>) -> Result<Option<Backup>, RollbackError> {
    let Carrying { cluster, helm, plan, run, .. } = all;
    let Some(folder) = run.folder().filter(|_| !plan.older.is_empty()) else { return Ok(None) };
    let names = plan.definitions.iter().map(|definition| definition.name.clone()).collect();
    let kept = BackupOptions { definitions: names, custom_resources: true };
    let folder = folder.join(BACKUP);
    let keeping = async { Ok::<_, RollbackError>(back_up(cluster, helm, &plan.now, &kept, &folder).await?) };
    let backup = run.step(Step::BackUp, keeping, |backup| backup.folder.display().to_string()).await?;
    Ok(Some(backup))
}

/// Puts definitions back, where that was asked for; `done` gets their names.
async fn definitions_back(all: Carrying<'_>, done: &mut Vec<String>) -> Result<(), RollbackError> {
    let older = &all.plan.older;
    if older.is_empty() {
        return Ok(());
    }
    let work = async {
        all.guard.check().await?;
        definitions::put_back(all.cluster, older, done).await
    };
    all.run.step(Step::Definitions, work, |()| format!("{} taken back", older.len())).await
}
