//! Whether a command asks for what a run that was broken off was about: then that one is gone on with.

use std::path::Path;

use portolan_oci::Digest;
use secrecy::ExposeSecret;

use super::Site;
use super::error::UpgradeError;
use super::options::{Frozen, UpgradeOptions};
use super::order::{Before, Order};
use super::planning::{advise, yaml};
use super::prepare::{Prepared, prepare_from};
use super::stands::stands;
use super::{execute, order};
use crate::event::{Event, Silent};
use crate::helm::Upgrade;
use crate::names::Revision;
use crate::releases::{ReleasesError, find};
use crate::run::Run;
use crate::stored::StoredRelease;

/// What a command asks for, beside a run that was broken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The same.
    Same,
    /// Something else; what is another, in words.
    Other(Vec<String>),
    /// That run had not come as far as to keep what it was about to do. It changed nothing.
    Untouched,
    /// Somebody has changed the release since: nothing can be gone on with.
    MovedOn,
}

/// Compares what is asked for with the run of a folder: chart, overrides and how a failure is to end. `frozen` is what
/// was said of overrides that are the old chart's defaults; where nothing was, whatever was answered then counts.
///
/// Only reads. What is asked for is worked out for the revision that stood before that run.
///
/// # Errors
/// [`UpgradeError`] where it can't be worked out.
pub async fn asked(
    site: Site<'_>,
    folder: &Path,
    options: &UpgradeOptions,
    frozen: Option<Frozen>,
    run: &Run<'_>,
) -> Result<Asked, UpgradeError> {
    if !Order::is_in(folder) {
        return Ok(Asked::Untouched);
    }
    let (order, upgrade) = Order::read(folder)?;
    site.helm.wait_for_left(&order.release, || run.observer().event(Event::HelmIsLeft)).await?;
    let now = execute::now(site, &order.release).await?;
    if stands(now.as_ref(), &order).is_err() {
        return Ok(Asked::MovedOn);
    }
    let before = match &order.before {
        None => None,
        Some(before) => match revision_before(site, before, options).await? {
            Some(revision) => Some(revision),
            None => return Ok(Asked::MovedOn),
        },
    };
    if before.is_none() && !options.installs {
        return Ok(Asked::Other(vec!["that one installs the release".to_owned()]));
    }
    let quietly = Run::unrecorded(&Silent);
    let prepared = Box::pin(prepare_from(site, options, before, &quietly)).await?;
    let changes = Box::pin(changes(site, &prepared, &upgrade, options, frozen)).await?;
    Ok(if changes.is_empty() { Asked::Same } else { Asked::Other(changes) })
}

async fn revision_before(
    site: Site<'_>,
    before: &Before,
    options: &UpgradeOptions,
) -> Result<Option<StoredRelease>, UpgradeError> {
    let revision = Revision::new(before.revision);
    match find(site.cluster, &options.release.name, &options.release.namespace, revision).await {
        Err(ReleasesError::NoRevision { .. }) => Ok(None),
        found => Ok(Some(found?)),
    }
}

/// What is another than in that run, in words.
async fn changes(
    site: Site<'_>,
    prepared: &Prepared,
    upgrade: &Upgrade,
    options: &UpgradeOptions,
    frozen: Option<Frozen>,
) -> Result<Vec<String>, UpgradeError> {
    let mut changes = Vec::new();
    let packed = prepared.chart.pack();
    let packed = packed.map_err(|source| UpgradeError::Pack { chart: prepared.path.clone(), source })?;
    if Digest::sha256(&packed) != order::chart_digest(upgrade)? {
        let (name, version) = (prepared.chart.name(), prepared.chart.version());
        changes.push(format!("the chart is another one, {name} {version}"));
    }
    if !has_overrides(site, prepared, upgrade, options, frozen).await {
        changes.push("the overrides are others".to_owned());
    }
    if options.end != upgrade.end {
        changes.push("a failure is to end in another way".to_owned());
    }
    Ok(changes)
}

/// Whether the overrides come to those of that run.
async fn has_overrides(
    site: Site<'_>,
    prepared: &Prepared,
    upgrade: &Upgrade,
    options: &UpgradeOptions,
    frozen: Option<Frozen>,
) -> bool {
    let policies = match frozen {
        Some(policy) => vec![policy],
        None => vec![Frozen::Keep, Frozen::Drop],
    };
    for frozen in policies {
        let advice = advise(site, prepared, &UpgradeOptions { frozen, ..options.clone() }).await;
        if yaml(&advice.overrides).expose_secret() == upgrade.values.expose_secret() {
            return true;
        }
    }
    false
}
