//! A run that was broken off goes on: with the chart, the overrides and the definitions that were planned, from
//! where the cluster stands.

use std::path::Path;

use portolan_registry::Stop;

use super::Site;
use super::error::UpgradeError;
use super::execute::{self, Carrying};
use super::order::{Before, Order};
use super::report::UpgradeReport;
use crate::event::{Event, Step};
use crate::helm::Upgrade;
use crate::lease::{Guard, hold};
use crate::run::Run;
use crate::stored::{Status, StoredRelease};

/// Where the cluster stands when a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// Helm had not begun.
    Before,
    /// Helm was broken off, or failed.
    Between,
    /// Helm was done.
    Done,
}

/// Goes on with the run of a folder.
///
/// # Errors
/// [`UpgradeError`] where somebody else is at work, or was since; nothing was changed then. What goes wrong later is
/// in the report.
pub async fn resume(
    site: Site<'_>,
    folder: &Path,
    stop: &Stop,
    run: &Run<'_>,
) -> Result<UpgradeReport, UpgradeError> {
    let (mut order, upgrade) = Order::read(folder)?;
    let done = async {
        let guard = hold::<UpgradeError>(site.cluster, &order.release, run).await?;
        let done = go_on(&mut order, GoingOn { site, upgrade: &upgrade, run, stop, guard: &guard }).await;
        guard.let_go().await;
        done
    };
    let done = done.await;
    execute::write_end(run, &done);
    done
}

/// What it goes on with, beside the order.
#[derive(Clone, Copy)]
struct GoingOn<'a> {
    site: Site<'a>,
    upgrade: &'a Upgrade,
    run: &'a Run<'a>,
    stop: &'a Stop,
    guard: &'a Guard,
}

impl<'a> GoingOn<'a> {
    fn carrying(self, order: &'a Order) -> Carrying<'a> {
        let Self { site, upgrade, run, stop, guard } = self;
        Carrying { site, order, upgrade, run, stop, guard }
    }
}

async fn go_on(order: &mut Order, going_on: GoingOn<'_>) -> Result<UpgradeReport, UpgradeError> {
    let GoingOn { site, run, .. } = going_on;
    let looking = async {
        site.helm.wait_for_left(&order.release, || run.observer().event(Event::HelmIsLeft)).await?;
        let now = execute::now(site, &order.release).await?;
        let from = stands(now.as_ref(), order)?;
        Ok::<_, UpgradeError>((now, from))
    };
    let words = |(now, from): &(Option<StoredRelease>, From)| match now {
        Some(now) => format!("revision {} is {}: {}", now.version, now.info.status, from.words()),
        None => from.words().to_owned(),
    };
    let (now, from) = run.step(Step::Find, looking, words).await?;
    if let (From::Between, Some(broken)) = (from, &now) {
        let restored = execute::take_back(going_on.carrying(order), broken).await;
        let restored = restored.map_err(|failure| UpgradeError::WayBack {
            release: order.release.name.to_string(),
            why: execute::in_one_line(&failure),
        })?;
        order.before = restored.as_ref().map(Before::of);
    }
    match from {
        From::Done => Ok(execute::settle(going_on.carrying(order)).await),
        From::Before | From::Between => execute::carry_out(going_on.carrying(order)).await,
    }
}

impl From {
    fn words(self) -> &'static str {
        match self {
            Self::Before => "Helm had not begun",
            Self::Between => "Helm was broken off, and its upgrade is taken back first",
            Self::Done => "Helm was done",
        }
    }
}

/// Where it stands, unless somebody else was at work since.
fn stands(now: Option<&StoredRelease>, order: &Order) -> Result<From, UpgradeError> {
    if now.map(Before::of) == order.before {
        return Ok(From::Before);
    }
    let Some(found) = now else { return Err(order.moved(None)) };
    let before = order.before.as_ref().map_or(0, |before| before.revision);
    let is_ours = found.version == before + 1 && found.chart.metadata.version == order.to;
    match found.info.status {
        Status::Deployed if is_ours => Ok(From::Done),
        Status::Failed | Status::PendingUpgrade | Status::PendingInstall if is_ours => Ok(From::Between),
        // Helm, or Portolan, was on its way back.
        Status::PendingRollback if found.version == before + 2 => Ok(From::Between),
        _ => Err(order.moved(now)),
    }
}
