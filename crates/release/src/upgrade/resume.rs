//! A run that was broken off goes on: with the chart, the overrides and the definitions that were planned, from
//! where the cluster stands.

use std::path::Path;

use portolan_registry::Stop;

use super::error::UpgradeError;
use super::execute::{self, Carrying};
use super::order::{Before, Order};
use super::report::UpgradeReport;
use super::stands::{self, Stands};
use super::{Site, namespace};
use crate::causes::in_one_line;
use crate::helm::Upgrade;
use crate::lease::{Guard, held};
use crate::releases::mark_left;
use crate::run::Run;
use crate::stored::StoredRelease;

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
    let release = order.release.clone();
    if order.makes_namespace && namespace::lacks(site.cluster, &release.namespace).await? {
        namespace::make(site.cluster, &release.namespace, run).await?;
    }
    let work =
        async |guard: &Guard| go_on(&mut order, GoingOn { site, upgrade: &upgrade, run, stop, guard }).await;
    let done = held(site.cluster, &release, run, work).await;
    execute::write_end(run, &done);
    done
}

/// What it goes on with, beside the order.
#[derive(Clone, Copy)]
pub(super) struct GoingOn<'a> {
    pub(super) site: Site<'a>,
    pub(super) upgrade: &'a Upgrade,
    pub(super) run: &'a Run<'a>,
    pub(super) stop: &'a Stop,
    pub(super) guard: &'a Guard,
}

impl<'a> GoingOn<'a> {
    pub(super) fn carrying(self, order: &'a Order) -> Carrying<'a> {
        let Self { site, upgrade, run, stop, guard } = self;
        Carrying { site, order, upgrade, run, stop, guard, goes_on: true }
    }
}

async fn go_on(order: &mut Order, going_on: GoingOn<'_>) -> Result<UpgradeReport, UpgradeError> {
    let GoingOn { site, run, .. } = going_on;
    let (now, stands) = stands::look(site, order, run).await?;
    match stands {
        Stands::Done => return Ok(execute::settle(going_on.carrying(order)).await),
        Stands::Between => {
            let restored = taken_back(going_on.carrying(order)).await?;
            stand_on(order, restored.as_ref(), going_on)?;
        }
        Stands::Back => {
            let revision = now.as_ref().map_or(0, |now| now.version);
            mark_left(site.cluster, &order.release, revision, execute::BROKEN_OFF).await?;
            stand_on(order, now.as_ref(), going_on)?;
        }
        Stands::Before => {}
    }
    execute::carry_out(going_on.carrying(order)).await
}

/// Has what was broken off taken back.
pub(super) async fn taken_back(all: Carrying<'_>) -> Result<Option<StoredRelease>, UpgradeError> {
    execute::take_back(all).await.map_err(|failure| UpgradeError::WayBack {
        release: all.order.release.name.to_string(),
        why: in_one_line(&failure),
    })
}

/// From here on the run goes on from that revision, also where it is broken off once more.
fn stand_on(
    order: &mut Order,
    now: Option<&StoredRelease>,
    going_on: GoingOn<'_>,
) -> Result<(), UpgradeError> {
    order.before = now.map(Before::of);
    going_on.run.folder().map_or(Ok(()), |folder| order.save_again(folder))
}
