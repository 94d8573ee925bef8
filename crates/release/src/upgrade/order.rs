//! What is carried out: all of a plan that carrying out needs, in the folder of its run too, so that a run that was
//! broken off can go on.
//!
//! ```text
//! FOLDER/order.json    definitions, labels, what stood before, how it is to end
//! FOLDER/values.json   the overrides
//! FOLDER/chart.tgz     the chart
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use portolan_oci::Digest;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::UpgradeError;
use super::hooks::Hook;
use super::options::UpgradeOptions;
use super::plan::UpgradePlan;
use crate::advisories::{Phase, Step};
use crate::event;
use crate::helm::{HelmRelease, Upgrade, UpgradeEnd};
use crate::journal;
use crate::local_chart::local_chart;
use crate::private;
use crate::stored::{Status, StoredRelease};
use crate::verify::Watched;

/// Version of the file's shape; raised when an older program could not carry it out.
const ORDER_VERSION: u32 = 1;
const ORDER: &str = "order.json";
const VALUES: &str = "values.json";
const CHART: &str = "chart.tgz";
/// How large a file of a run may be.
const FILE_LIMIT: u64 = 256 << 20;

/// The digest of the chart that lies in the folder of a run.
pub(super) fn chart_digest(upgrade: &Upgrade) -> Result<Digest, UpgradeError> {
    Ok(Digest::sha256(&private::read(&upgrade.chart, FILE_LIMIT)?))
}

/// Whether the folder of a run has what it was about to do: one that was broken off before changed nothing.
pub(crate) fn is_kept(folder: &Path) -> bool {
    Order::is_in(folder)
}

/// Whether the upgrade of a folder, or one that it stood in for, had begun to make the namespace of its release. Not,
/// where that can't be read.
pub fn made_namespace(folder: &Path) -> bool {
    let has_begun = journal::has_begun(folder, event::Step::Namespace);
    Order::read(folder).is_ok_and(|(order, _)| order.made_namespace(has_begun))
}

/// What taking back an upgrade needs to know of it.
pub(crate) struct Kept {
    /// The revision that stood before; `None` where there was no release.
    pub(crate) before: Option<u32>,
    /// How long objects may take until they are ready.
    pub(crate) timeout: Duration,
}

/// Reads what is kept in a folder.
///
/// # Errors
/// [`UpgradeError`] where it can't be read.
pub(crate) fn kept(folder: &Path) -> Result<Kept, UpgradeError> {
    let (order, _) = Order::read(folder)?;
    Ok(Kept { before: order.before.as_ref().map(|before| before.revision), timeout: order.timeout() })
}

/// All of a plan that carrying out needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    order_version: u32,
    pub(super) release: HelmRelease,
    /// Whether its namespace is made first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) makes_namespace: bool,
    /// Whether an earlier run had begun to make it, which this one stands in for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    takes_over_namespace: bool,
    /// What stood before; `None` where there was no release.
    pub(super) before: Option<Before>,
    pub(super) to: String,
    pub(super) digest: Digest,
    /// Labels that nodes get before.
    pub(super) labels: Vec<(String, BTreeMap<String, String>)>,
    pub(super) definitions: Vec<Value>,
    pub(super) watched: Vec<Watched>,
    /// Objects of hooks, which belong to no revision.
    pub(super) hooks: Vec<Hook>,
    /// What advisories ask somebody to do afterwards.
    pub(super) after: Vec<Step>,
    pub(super) custom_resources: bool,
    seconds: u64,
    goes_back: bool,
}

/// A revision that stood before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) revision: u32,
    pub(super) status: Status,
    /// The chart's version.
    pub(super) version: String,
}

impl Before {
    pub(super) fn of(now: &StoredRelease) -> Self {
        Self { revision: now.version, status: now.info.status, version: now.chart.metadata.version.clone() }
    }
}

impl Order {
    pub(super) fn of(plan: &UpgradePlan, options: &UpgradeOptions) -> Self {
        let labels = plan.advice.steps(Phase::Before).filter_map(|step| match step {
            Step::Label { node, labels } => Some((node.clone(), labels.clone())),
            _ => None,
        });
        let takes_over_namespace = options.takes_over_namespace && plan.now.is_none();
        Self {
            order_version: ORDER_VERSION,
            release: options.release.clone(),
            makes_namespace: plan.makes_namespace || takes_over_namespace,
            takes_over_namespace,
            before: plan.now.as_ref().map(Before::of),
            to: plan.to.clone(),
            digest: plan.digest.clone(),
            labels: labels.collect(),
            definitions: plan.crds.clone(),
            watched: plan.watched.clone(),
            hooks: plan.hooks.clone(),
            after: plan.advice.steps(Phase::After).cloned().collect(),
            custom_resources: options.custom_resources,
            seconds: options.timeout.as_secs(),
            goes_back: options.end == UpgradeEnd::RolledBack,
        }
    }

    /// Whether the release's namespace is of a run's making; `has_begun` says whether that one had begun to make it.
    pub(super) fn made_namespace(&self, has_begun: bool) -> bool {
        self.takes_over_namespace || self.makes_namespace && has_begun
    }

    /// How long objects may take until they are ready.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// How an upgrade that fails is to end.
    pub(super) fn end(&self) -> UpgradeEnd {
        if self.goes_back { UpgradeEnd::RolledBack } else { UpgradeEnd::AsItIs }
    }

    /// That the release is another one than what was planned for.
    pub(super) fn moved(&self, now: Option<&StoredRelease>) -> UpgradeError {
        UpgradeError::Moved {
            release: self.release.name.to_string(),
            planned: self.before.as_ref().map(|before| before.revision),
            found: now.map(|now| (now.version, now.info.status)),
        }
    }

    /// Writes it, the chart and the overrides into the folder of its run.
    pub(super) fn save(&self, upgrade: &Upgrade, folder: &Path) -> Result<(), UpgradeError> {
        let chart = local_chart(&upgrade.chart)?;
        let packed =
            chart.pack().map_err(|source| UpgradeError::Pack { chart: upgrade.chart.clone(), source })?;
        private::replace(&folder.join(CHART), &packed)?;
        private::replace(&folder.join(VALUES), upgrade.values.expose_secret())?;
        let order = serde_json::to_vec(self).expect("because it is a struct of texts, numbers and JSON");
        // Last: a folder with this file has the others whole.
        Ok(private::replace(&folder.join(ORDER), &order)?)
    }

    /// Writes it again, in place of the one that is there: what the run goes on from is another revision now.
    pub(super) fn save_again(&self, folder: &Path) -> Result<(), UpgradeError> {
        let order = serde_json::to_vec(self).expect("because it is a struct of texts, numbers and JSON");
        Ok(private::replace(&folder.join(ORDER), &order)?)
    }

    /// Whether a folder has one: a run that was broken off before it had one changed nothing.
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(ORDER).is_file()
    }

    /// Reads it again.
    pub(super) fn read(folder: &Path) -> Result<(Self, Upgrade), UpgradeError> {
        let path = folder.join(ORDER);
        let unreadable = |why: String| UpgradeError::Order { path: path.clone(), why };
        let bytes = private::read(&path, FILE_LIMIT)?;
        let order: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        if order.order_version > ORDER_VERSION {
            let version = order.order_version;
            return Err(unreadable(format!(
                "it is of version {version}, and this program reads {ORDER_VERSION}"
            )));
        }
        let values = private::read(&folder.join(VALUES), FILE_LIMIT)?;
        let upgrade = Upgrade {
            installs: order.before.is_none(),
            chart: folder.join(CHART),
            values: values.into(),
            timeout: order.timeout(),
            end: order.end(),
        };
        Ok((order, upgrade))
    }
}
