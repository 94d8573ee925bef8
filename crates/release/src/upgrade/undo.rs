//! What a run that was broken off had done is taken back: the release to what stood before, then its definitions as
//! far as they can be, then a namespace that was made for it, where nothing else lives in it. Images stay where they
//! were pushed, and nodes keep their labels, which are told.

use std::path::Path;

use portolan_registry::Stop;

use super::ahead::{self, Ahead};
use super::error::UpgradeError;
use super::execute::{self, Carrying};
use super::order::Order;
use super::report::{Outcome, UpgradeReport};
use super::resume::{GoingOn, taken_back};
use super::stands::{self, Stands};
use super::{Site, namespace};
use crate::causes::in_one_line;
use crate::event::{Event, Step};
use crate::helm::HelmRelease;
use crate::journal::Ending;
use crate::lease::{Guard, held};
use crate::releases::mark_left;
use crate::run::Run;
use crate::stored::StoredRelease;

/// Takes back what the run of a folder had done. `None` where that is nothing: it had not come as far as to keep what
/// it was about to do.
///
/// # Errors
/// [`UpgradeError`] where somebody else is at work, or was since, or Helm can't take the release back.
pub async fn undo(
    site: Site<'_>,
    folder: &Path,
    stop: &Stop,
    run: &Run<'_>,
) -> Result<Option<UpgradeReport>, UpgradeError> {
    if !Order::is_in(folder) {
        give_lease_back(site, run).await?;
        run.end(&Ending { outcome: Outcome::Undone.to_string(), left: Vec::new() });
        return Ok(None);
    }
    let (order, upgrade) = Order::read(folder)?;
    let work = async |guard: &Guard| {
        let going_on = GoingOn { site, upgrade: &upgrade, run, stop, guard };
        go_back(going_on.carrying(&order), folder).await
    };
    let done = held(site.cluster, &order.release, run, work).await;
    // Where it failed the run stays broken off: it can be taken back again, or gone on with.
    if let Ok(report) = &done {
        run.end(&report.ending());
    }
    done.map(Some)
}

/// A run that had nothing to keep yet may have had its lease.
async fn give_lease_back(site: Site<'_>, run: &Run<'_>) -> Result<(), UpgradeError> {
    let release = run.task().and_then(|task| {
        let (name, namespace) = (task.release.parse().ok()?, task.namespace.parse().ok()?);
        Some(HelmRelease { name, namespace })
    });
    if let Some(release) = release {
        held::<_, UpgradeError>(site.cluster, &release, run, async |_| Ok(())).await?;
    }
    Ok(())
}

async fn go_back(all: Carrying<'_>, folder: &Path) -> Result<UpgradeReport, UpgradeError> {
    let (now, stands) = stands::look(all.site, all.order, all.run).await?;
    let now = match stands {
        Stands::Between | Stands::Done => taken_back(all).await?,
        Stands::Before | Stands::Back => now,
    };
    if let Some(now) = &now {
        mark_left(all.site.cluster, &all.order.release, now.version, execute::BROKEN_OFF).await?;
    }
    let ahead = definitions_back(all, folder).await?;
    let makes_namespace = namespace_stays(all).await?;
    Ok(UpgradeReport { makes_namespace, ..reported(all, now.as_ref(), ahead).await })
}

/// Takes the namespace back, where the run made it; whether it stays, which is told with the reason.
async fn namespace_stays(all: Carrying<'_>) -> Result<bool, UpgradeError> {
    let Order { release, makes_namespace, .. } = all.order;
    if !makes_namespace || !all.run.has_begun(Step::Namespace) {
        return Ok(false);
    }
    let taking = async {
        all.guard.check().await?;
        Ok::<_, UpgradeError>(
            namespace::take_back(all.site.cluster, release, all.run.has_begun(Step::Upgrade)).await?,
        )
    };
    let words = |why: &Option<String>| {
        let what = if why.is_some() { "stays" } else { "taken back" };
        format!("{} {what}", release.namespace)
    };
    let stays = all.run.step(Step::Namespace, taking, words).await?;
    if let Some(why) = &stays {
        let note = format!("{} stays: {why}", release.namespace);
        all.run.observer().event(Event::Noted { step: Step::Namespace, note: &note });
    }
    Ok(stays.is_some())
}

/// Takes the definitions back. Those that stay ahead are told with the reason.
async fn definitions_back(all: Carrying<'_>, folder: &Path) -> Result<Vec<Ahead>, UpgradeError> {
    let crds = &all.order.definitions;
    if !all.run.has_begun(Step::Definitions) || crds.is_empty() {
        return Ok(Vec::new());
    }
    let taking = async {
        all.guard.check().await?;
        Ok::<_, UpgradeError>(ahead::take_back(all.site.cluster, crds, &folder.join(execute::BACKUP)).await?)
    };
    let words = |ahead: &Vec<Ahead>| format!("{} taken back", crds.len() - ahead.len());
    let ahead = all.run.step(Step::Definitions, taking, words).await?;
    for Ahead { name, why } in &ahead {
        let note = format!("{name} stays as it is: {why}");
        all.run.observer().event(Event::Noted { step: Step::Definitions, note: &note });
    }
    Ok(ahead)
}

async fn reported(all: Carrying<'_>, now: Option<&StoredRelease>, ahead: Vec<Ahead>) -> UpgradeReport {
    let labels = if all.run.has_begun(Step::Label) { all.order.labels.as_slice() } else { &[] };
    let report = UpgradeReport {
        outcome: Outcome::Undone,
        definitions: ahead.into_iter().map(|one| one.name).collect(),
        labelled: labels.iter().map(|(node, _)| node.clone()).collect(),
        after: Vec::new(),
        ..execute::begun(all, None)
    };
    let report = execute::of_revision(report, now);
    let Some(now) = now else { return report };
    match execute::look(all, &now.manifest).await {
        Ok(verified) => UpgradeReport { verified: Some(verified), ..report },
        Err(failure) => UpgradeReport { error: Some(in_one_line(&failure)), ..report },
    }
}
