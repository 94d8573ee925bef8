//! Where the cluster stands when somebody comes back to a run that was broken off.

use super::Site;
use super::error::UpgradeError;
use super::execute;
use super::order::{Before, Order};
use crate::event::{Event, Step};
use crate::run::Run;
use crate::stored::{Status, StoredRelease};

/// How far Helm had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It had not begun.
    Before,
    /// It was broken off, or failed.
    Between,
    /// What it had begun was taken back already.
    Back,
    /// It was done.
    Done,
}

impl Stands {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Before => "Helm had not begun",
            Self::Between => "Helm was broken off, and its upgrade is taken back first",
            Self::Back => "Helm was broken off, and its upgrade is taken back already",
            Self::Done => "Helm was done",
        }
    }
}

/// The last revision, once no Helm is at work any more, and what that says of the run.
pub(super) type Found = (Option<StoredRelease>, Stands);

/// Looks, as a step of the run.
pub(super) async fn look(site: Site<'_>, order: &Order, run: &Run<'_>) -> Result<Found, UpgradeError> {
    let looking = async {
        site.helm.wait_for_left(&order.release, || run.observer().event(Event::HelmIsLeft)).await?;
        let now = execute::now(site, &order.release).await?;
        let stands = stands(now.as_ref(), order)?;
        Ok::<_, UpgradeError>((now, stands))
    };
    let words = |(now, stands): &Found| match now {
        Some(now) => format!("revision {} is {}: {}", now.version, now.info.status, stands.words()),
        None => stands.words().to_owned(),
    };
    run.step(Step::Find, looking, words).await
}

/// Where it stands, unless somebody else was at work since.
pub(super) fn stands(now: Option<&StoredRelease>, order: &Order) -> Result<Stands, UpgradeError> {
    if now.map(Before::of) == order.before {
        return Ok(Stands::Before);
    }
    let Some(found) = now else { return Err(order.moved(None)) };
    let before = order.before.as_ref().map_or(0, |before| before.revision);
    let next = found.version == before + 1;
    let is_new = next && found.chart.metadata.version == order.to;
    // Helm, Portolan or somebody by hand is, or was, on the way back to what stood before.
    let is_old = found.version > before
        && order.before.as_ref().is_some_and(|before| before.version == found.chart.metadata.version);
    let returned = is_old && found.info.description == format!("Rollback to {before}");
    match found.info.status {
        Status::Deployed if is_new => Ok(Stands::Done),
        Status::Deployed if returned => Ok(Stands::Back),
        Status::Failed | Status::PendingUpgrade | Status::PendingInstall if is_new => Ok(Stands::Between),
        Status::Failed | Status::PendingRollback if is_old && !next => Ok(Stands::Between),
        // Helm was taking away what it could not install.
        Status::Uninstalling if is_new && order.before.is_none() => Ok(Stands::Between),
        _ => Err(order.moved(now)),
    }
}
