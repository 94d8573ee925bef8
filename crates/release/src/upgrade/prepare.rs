//! What is there, what is to come, and the overrides between: all that a person may have to decide about.

use portolan_chart::{Chart, ChartVersion};
use serde_json::{Value, json};

use super::error::UpgradeError;
use super::options::UpgradeOptions;
use super::source::{self, Fetched};
use super::{Site, facts};
use crate::advisories::{Advice, Advisories, ChartFacts, ClusterFacts, Images, Subject};
use crate::event::Step;
use crate::releases::find;
use crate::run::Run;
use crate::stored::{Status, StoredRelease};
use crate::values::{Concern, Frozen, Target, Values, concerns, frozen};

/// What an upgrade begins with.
pub struct Prepared {
    /// The revision that stands.
    pub now: StoredRelease,
    /// The chart that is to come.
    pub chart: Chart,
    /// Where the chart comes from, in words.
    pub from: String,
    /// Overrides that are the old chart's defaults.
    pub frozen: Vec<Frozen>,
    /// Overrides that should make somebody think.
    pub concerns: Vec<Concern>,
    pub(super) path: std::path::PathBuf,
    /// The release's own overrides with what was given on top.
    pub(super) overrides: Values,
    pub(super) defaults: Values,
    pub(super) cluster: Option<ClusterFacts>,
    /// Those of the options, and the chart's own.
    pub(super) advisories: Advisories,
}

impl Prepared {
    /// The version that is to come.
    pub fn version(&self) -> &ChartVersion {
        self.chart.version()
    }

    /// Whether the release is of that version already.
    pub fn is_present(&self) -> bool {
        let installed = self.now.chart.metadata.version.parse::<ChartVersion>();
        installed.is_ok_and(|installed| installed.semantic() == self.version().semantic())
    }

    /// What the advisories come to for these overrides.
    pub(super) fn advise(&self, overrides: &Values, options: &UpgradeOptions, images: &dyn Images) -> Advice {
        let from = self.now.chart.metadata.version.parse().ok();
        let chart = ChartFacts::of(&self.chart);
        let subject = self.subject(overrides, from.as_ref(), &chart, images);
        self.advisories.advise(&subject, &options.answers)
    }

    pub(super) fn subject<'a>(
        &'a self,
        overrides: &'a Values,
        from: Option<&'a ChartVersion>,
        chart: &'a ChartFacts,
        images: &'a dyn Images,
    ) -> Subject<'a> {
        Subject {
            module: self.chart.name(),
            from,
            to: self.version(),
            overrides,
            defaults: &self.defaults,
            chart,
            cluster: self.cluster.as_ref(),
            images,
        }
    }
}

/// Finds the release, brings the chart, and merges the overrides. Only reads, but that Helm's list of
/// repositories gains the chart's where it lacks, unless it is a dry run.
///
/// # Errors
/// [`UpgradeError`] with what stands in the way.
pub async fn prepare(
    site: Site<'_>,
    options: &UpgradeOptions,
    run: &Run<'_>,
) -> Result<Prepared, UpgradeError> {
    let now = run.step(Step::Find, look(site, options), found).await?;
    let chart = now.chart.metadata.name.clone();
    let repository = source::ready(site.helm, options, &chart, site.work);
    let told = |ready: &Option<_>| if ready.is_some() { String::new() } else { "not needed".to_owned() };
    let repository = run.step(Step::Repository, repository, told).await?;
    let fetch = source::fetch(site.helm, options, repository.as_ref(), &chart, site.work);
    let words = |fetched: &Fetched| format!("{} {}", fetched.chart.name(), fetched.chart.version());
    let fetched = run.step(Step::Chart, fetch, words).await?;
    if fetched.chart.name() != chart {
        let found = fetched.chart.name().to_owned();
        return Err(UpgradeError::OtherChart { installed: chart, found });
    }
    let merge = merge(site, options, now, fetched);
    run.step(Step::Values, merge, |prepared| overridden(&prepared.overrides)).await
}

async fn look(site: Site<'_>, options: &UpgradeOptions) -> Result<StoredRelease, UpgradeError> {
    let now = find(site.cluster, &options.release.name, &options.release.namespace, None).await?;
    let (release, status, revision) = (now.name.clone(), now.info.status, now.version);
    match status {
        _ if status.is_pending() => Err(UpgradeError::Pending { release, status, revision }),
        Status::Uninstalled | Status::Uninstalling => Err(UpgradeError::Gone { release, status }),
        _ => Ok(now),
    }
}

fn found(now: &StoredRelease) -> String {
    let chart = &now.chart.metadata;
    format!("revision {} is {}, {} {}", now.version, now.info.status, chart.name, chart.version)
}

fn overridden(overrides: &Values) -> String {
    match overrides.scalars().len() {
        0 => "nothing is overridden".to_owned(),
        1 => "1 value is overridden".to_owned(),
        many => format!("{many} values are overridden"),
    }
}

async fn merge(
    site: Site<'_>,
    options: &UpgradeOptions,
    now: StoredRelease,
    fetched: Fetched,
) -> Result<Prepared, UpgradeError> {
    let Fetched { chart, path, from } = fetched;
    let origin = format!("the release {}", now.name);
    let own = Values::of_json(&origin, Value::Object(now.config.clone()))?;
    let old_defaults = Values::of_json(&origin, Value::Object(now.chart.values.clone()))?;
    let defaults = Values::of_chart(&chart)?;
    let frozen = frozen(&own, &old_defaults, &defaults);
    let overrides = on_top(own, options);
    let target = Target { registry: options.image_registry.clone(), chart_repository: None };
    let concerns = concerns(&overrides, &defaults, &target);
    let mut advisories = options.advisories.clone();
    advisories.add_chart(&chart)?;
    let cluster = facts::facts(site.cluster, &advisories, chart.name(), chart.version()).await;
    Ok(Prepared { now, chart, from, frozen, concerns, path, overrides, defaults, cluster, advisories })
}

/// The release's overrides, with what was given on top of them.
fn on_top(own: Values, options: &UpgradeOptions) -> Values {
    let mut all = options.values.iter().cloned().fold(own, Values::layered);
    if let Some(registry) = &options.image_registry {
        let path = "global.imageRegistry".parse().expect("because it is a path of two keys");
        // A `global` that is no map is Helm's to complain about.
        let _ = all.set(&path, json!(registry));
    }
    all
}
