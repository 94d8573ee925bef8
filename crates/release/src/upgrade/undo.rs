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

/// What taking a run back came to.
pub enum Undone {
    /// There was an upgrade to take back.
    Upgrade(Box<UpgradeReport>),
    /// There was none: the run had not come as far as to keep what it was about to do.
    Nothing {
        /// Of a namespace that a run before had begun to make, whether it stays.
        namespace_stays: Option<bool>,
    },
}

/// Takes back what the run of a folder had done. `takes_over_namespace` says that an upgrade which it stood in for had
/// begun to make the namespace of the release ([`made_namespace`](super::made_namespace)): then that goes too.
///
/// # Errors
/// [`UpgradeError`] where somebody else is at work, or was since, or Helm can't take the release back.
pub async fn undo(
    site: Site<'_>,
    folder: &Path,
    takes_over_namespace: bool,
    stop: &Stop,
    run: &Run<'_>,
) -> Result<Undone, UpgradeError> {
    if !Order::is_in(folder) {
        let namespace_stays = nothing_back(site, takes_over_namespace, run).await?;
        run.end(&Ending { outcome: Outcome::Undone.to_string(), left: Vec::new() });
        return Ok(Undone::Nothing { namespace_stays });
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
    done.map(|report| Undone::Upgrade(Box::new(report)))
}

/// A run that had nothing to keep yet may have had its lease, and what runs before it had left.
async fn nothing_back(
    site: Site<'_>,
    takes_over_namespace: bool,
    run: &Run<'_>,
) -> Result<Option<bool>, UpgradeError> {
    let release = run.task().and_then(|task| {
        let (name, namespace) = (task.release.parse().ok()?, task.namespace.parse().ok()?);
        Some(HelmRelease { name, namespace })
    });
    let Some(release) = release else { return Ok(None) };
    let mut stays = None;
    let work = async |guard: &Guard| {
        // Where somebody has installed it since, the namespace is theirs.
        if takes_over_namespace && execute::now(site, &release).await?.is_none() {
            stays = Some(namespace_stays(site, &release, run, guard).await?);
        }
        Ok::<_, UpgradeError>(())
    };
    held(site.cluster, &release, run, work).await?;
    Ok(stays)
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
    let had_made_it = all.order.made_namespace(all.run.has_begun(Step::Namespace));
    let makes_namespace =
        had_made_it && namespace_stays(all.site, &all.order.release, all.run, all.guard).await?;
    Ok(UpgradeReport { makes_namespace, ..reported(all, now.as_ref(), ahead).await })
}

/// Takes the namespace back; whether it stays, which is told with the reason.
async fn namespace_stays(
    site: Site<'_>,
    release: &HelmRelease,
    run: &Run<'_>,
    guard: &Guard,
) -> Result<bool, UpgradeError> {
    let taking = async {
        guard.check().await?;
        let has_remains = run.has_begun(Step::Upgrade);
        Ok::<_, UpgradeError>(namespace::take_back(site.cluster, release, has_remains).await?)
    };
    let words = |why: &Option<String>| {
        let what = if why.is_some() { "stays" } else { "taken back" };
        format!("{} {what}", release.namespace)
    };
    let stays = run.step(Step::Namespace, taking, words).await?;
    if let Some(why) = &stays {
        let note = format!("{} stays: {why}", release.namespace);
        run.observer().event(Event::Noted { step: Step::Namespace, note: &note });
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
