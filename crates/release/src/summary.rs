//! A release in one line: what is installed, in which state, and what newer chart there is.

use serde::Serialize;

use crate::advisories::Advisories;
use crate::helm::{Helm, HelmError, NewestChart, Repositories};
use crate::stored::{Status, StoredRelease};

/// A revision of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The revision's number.
    pub revision: u32,
    /// What became of it.
    pub status: Status,
    /// The chart's name.
    pub chart: String,
    /// The chart's version, as it is written.
    pub version: String,
    /// The version of what the chart installs.
    pub app_version: String,
    /// When this revision was made, RFC 3339.
    pub updated: String,
    /// In a sentence, what became of it.
    pub description: String,
    /// The newest stable version among Helm's repositories, where it is newer than this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<NewestChart>,
    /// Advisories that are about the upgrade to it, by their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advisories: Vec<String>,
}

impl From<&StoredRelease> for Summary {
    fn from(release: &StoredRelease) -> Self {
        let metadata = release.chart.metadata.clone();
        Self {
            namespace: release.namespace.clone(),
            name: release.name.clone(),
            revision: release.version,
            status: release.info.status,
            chart: metadata.name,
            version: metadata.version,
            app_version: metadata.app_version,
            updated: release.info.last_deployed.clone(),
            description: release.info.description.clone(),
            newest: None,
            advisories: Vec::new(),
        }
    }
}

/// Fills in what newer charts Helm's repositories have, by their indexes as they were last read, and which
/// advisories are about the upgrade to them.
///
/// # Errors
/// [`HelmError`] where Helm can't tell.
pub async fn fill_in_newest(
    summaries: &mut [Summary],
    helm: &Helm,
    advisories: &Advisories,
) -> Result<(), HelmError> {
    let charts = Repositories::of_user(helm).newest().await?;
    for summary in summaries {
        let of_chart = charts.iter().filter(|chart| chart.chart == summary.chart);
        let newest = of_chart.max_by(|one, other| one.version.cmp(&other.version));
        summary.newest = newest.filter(|newest| is_newer(newest, &summary.version)).cloned();
        summary.advisories = about(summary, advisories);
    }
    Ok(())
}

/// The advisories on the upgrade to the newest version.
fn about(summary: &Summary, advisories: &Advisories) -> Vec<String> {
    let Some(newest) = &summary.newest else { return Vec::new() };
    let Ok(installed) = summary.version.parse() else { return Vec::new() };
    let concerns = advisories.iter().map(|one| &one.advisory);
    let concerns = concerns.filter(|one| one.concerns(&summary.chart, &installed, &newest.version));
    concerns.map(|one| one.id.to_string()).collect()
}

/// A version that can't be read is nothing to compare with.
fn is_newer(newest: &NewestChart, installed: &str) -> bool {
    installed.parse().is_ok_and(|installed| newest.version > installed)
}
