//! A release in one line: what is installed, in which state, and what newer chart there is.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::advisories::{Advisories, ChartFacts, ClusterFacts, NoImages, Subject};
use crate::cluster::Cluster;
use crate::helm::{Helm, HelmError, NewestChart, Repositories};
use crate::stored::{Status, StoredRelease};
use crate::upgrade::facts;
use crate::values::Values;

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
    /// Advisories that would apply to the upgrade to it, by their ids.
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
/// advisories would apply to the upgrade to them. `found` are the releases that the summaries are of.
///
/// # Errors
/// [`HelmError`] where Helm can't tell.
pub async fn fill_in_newest(
    summaries: &mut [Summary],
    found: &[StoredRelease],
    cluster: &Cluster,
    helm: &Helm,
    advisories: &Advisories,
) -> Result<(), HelmError> {
    let charts = Repositories::of_user(helm).newest().await?;
    for summary in summaries.iter_mut() {
        let of_chart = charts.iter().filter(|chart| chart.chart == summary.chart);
        let newest = of_chart.max_by(|one, other| one.version.cmp(&other.version));
        summary.newest = newest.filter(|newest| is_newer(newest, &summary.version)).cloned();
    }
    // The cluster is asked only where an advisory is about one of the upgrades.
    let facts = match summaries.iter().any(|summary| is_advised_on(summary, advisories)) {
        true => facts::gathered(cluster).await.ok(),
        false => return Ok(()),
    };
    for (summary, release) in summaries.iter_mut().zip(found) {
        summary.advisories = would_apply(summary, release, facts.as_ref(), advisories);
    }
    Ok(())
}

fn is_advised_on(summary: &Summary, advisories: &Advisories) -> bool {
    let Some(newest) = &summary.newest else { return false };
    let Ok(installed) = summary.version.parse() else { return false };
    advisories.iter().any(|one| one.advisory.concerns(&summary.chart, &installed, &newest.version))
}

/// The advisories that would apply to the upgrade to the newest version. Its chart is not fetched for that: the
/// defaults of the one that stands are taken for its.
fn would_apply(
    summary: &Summary,
    release: &StoredRelease,
    cluster: Option<&ClusterFacts>,
    advisories: &Advisories,
) -> Vec<String> {
    let Some(newest) = &summary.newest else { return Vec::new() };
    let Ok(installed) = summary.version.parse() else { return Vec::new() };
    let values = |map: &Map<String, Value>| Values::of_json("the release", Value::Object(map.clone()));
    let (overrides, defaults) = (values(&release.config), values(&release.chart.values));
    advisories.would_apply(&Subject {
        module: &summary.chart,
        from: Some(&installed),
        to: &newest.version,
        overrides: &overrides.unwrap_or_default(),
        defaults: &defaults.unwrap_or_default(),
        chart: &ChartFacts::default(),
        cluster,
        images: &NoImages,
    })
}

/// A version that can't be read is nothing to compare with.
fn is_newer(newest: &NewestChart, installed: &str) -> bool {
    installed.parse().is_ok_and(|installed| newest.version > installed)
}
