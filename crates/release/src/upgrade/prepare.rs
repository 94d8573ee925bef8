//! What is there, what is to come, and the overrides between: all that a person may have to decide about.

use portolan_chart::{Chart, ChartVersion};
use serde_json::{Value, json};

use super::error::UpgradeError;
use super::options::UpgradeOptions;
use super::source::{self, Fetched};
use super::{Site, facts, namespace};
use crate::advisories::{Advice, Advisories, ChartFacts, ClusterFacts, Images, Subject};
use crate::event::{Event, Step};
use crate::helm::HelmRelease;
use crate::releases::{ReleasesError, find};
use crate::run::Run;
use crate::stored::{Status, StoredRelease};
use crate::values::{Concern, Frozen, Target, Values, concerns, frozen};

/// What an upgrade begins with.
pub struct Prepared {
    /// The release.
    pub release: HelmRelease,
    /// The revision that stands; `None` where the release is to be installed.
    pub now: Option<StoredRelease>,
    /// Whether the release's namespace is to be made first.
    pub makes_namespace: bool,
    /// The chart that is to come.
    pub chart: Chart,
    /// Where the chart comes from, in words.
    pub from: String,
    /// Overrides that are the old chart's defaults.
    pub frozen: Vec<Frozen>,
    /// Overrides that should make somebody think.
    pub concerns: Vec<Concern>,
    /// What a reader should know of the chart.
    pub notes: Vec<String>,
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
        self.from().is_some_and(|installed| installed.semantic() == self.version().semantic())
    }

    /// The version that stands, where it is one.
    pub(super) fn from(&self) -> Option<ChartVersion> {
        self.now.as_ref()?.chart.metadata.version.parse().ok()
    }

    /// What the advisories come to for these overrides.
    pub(super) fn advise(&self, overrides: &Values, options: &UpgradeOptions, images: &dyn Images) -> Advice {
        let from = self.from();
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
    let finding = async {
        site.helm.wait_for_left(&options.release, || run.observer().event(Event::HelmIsLeft)).await?;
        look(site, options).await
    };
    let now = run.step(Step::Find, finding, found).await?;
    prepare_from(site, options, now, run).await
}

/// The same for a revision that was found.
pub(super) async fn prepare_from(
    site: Site<'_>,
    options: &UpgradeOptions,
    now: Option<StoredRelease>,
    run: &Run<'_>,
) -> Result<Prepared, UpgradeError> {
    let chart = named(&options.release, now.as_ref());
    let repository = source::ready(site.helm, options, &chart, site.work);
    let told = |ready: &Option<_>| if ready.is_some() { String::new() } else { "not needed".to_owned() };
    let repository = run.step(Step::Repository, repository, told).await?;
    let fetch = Box::pin(source::fetch(options, repository.as_ref(), &chart, site.work));
    let words = |fetched: &Fetched| format!("{} {}", fetched.chart.name(), fetched.chart.version());
    let fetched = run.step(Step::Chart, fetch, words).await?;
    if now.is_some() && fetched.chart.name() != chart {
        let found = fetched.chart.name().to_owned();
        return Err(UpgradeError::OtherChart { installed: chart, found });
    }
    let merge = merge(site, options, now, fetched);
    run.step(Step::Values, merge, |prepared| overridden(&prepared.overrides)).await
}

/// The chart to look for: the release's own; of one that is to be installed, that of its name.
fn named(release: &HelmRelease, now: Option<&StoredRelease>) -> String {
    now.map_or_else(|| release.name.to_string(), |now| now.chart.metadata.name.clone())
}

async fn look(site: Site<'_>, options: &UpgradeOptions) -> Result<Option<StoredRelease>, UpgradeError> {
    let now = match find(site.cluster, &options.release.name, &options.release.namespace, None).await {
        Err(ReleasesError::NoRelease { .. }) if options.installs => return Ok(None),
        now => now?,
    };
    let (release, status, revision) = (now.name.clone(), now.info.status, now.version);
    match status {
        _ if status.is_pending() => Err(UpgradeError::Pending { release, status, revision }),
        Status::Uninstalled | Status::Uninstalling => Err(UpgradeError::Gone { release, status }),
        _ => Ok(Some(now)),
    }
}

fn found(now: &Option<StoredRelease>) -> String {
    let Some(now) = now else { return "there is none yet: it is installed".to_owned() };
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
    now: Option<StoredRelease>,
    fetched: Fetched,
) -> Result<Prepared, UpgradeError> {
    let Fetched { chart, path, from, notes } = fetched;
    let release = options.release.clone();
    let origin = format!("the release {}", release.name);
    let (own, old_defaults) = match &now {
        None => (Values::default(), Values::default()),
        Some(now) => (
            Values::of_json(&origin, Value::Object(now.config.clone()))?,
            Values::of_json(&origin, Value::Object(now.chart.values.clone()))?,
        ),
    };
    let defaults = Values::of_chart(&chart)?;
    let frozen = frozen(&own, &old_defaults, &defaults);
    let overrides = on_top(own, options);
    let target = Target { registry: options.image_registry.clone(), chart_repository: None };
    let concerns = concerns(&overrides, &defaults, &target);
    let mut advisories = options.advisories.clone();
    advisories.add_chart(&chart)?;
    // Three questions at once: boxed, since most releases ask none of them.
    let makes_namespace = now.is_none() && namespace::lacks(site.cluster, &release.namespace).await?;
    let cluster = Box::pin(facts::facts(site.cluster, &advisories, chart.name(), chart.version())).await;
    Ok(Prepared {
        release,
        now,
        makes_namespace,
        chart,
        from,
        frozen,
        concerns,
        notes,
        path,
        overrides,
        defaults,
        cluster,
        advisories,
    })
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
