//! What is upgraded, to what, and how.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portolan_chart::{ChartVersion, Rules};
use portolan_chartrepo::ChartRepository;
use portolan_oci::Reference;
use portolan_registry::Stop;

use super::package::PackageSource;
use crate::advisories::{Advisories, Answers};
use crate::helm::{HelmRelease, RepositoryLogin, RepositoryTrust, UpgradeEnd};
use crate::values::Values;

/// What is upgraded, to what, and how.
#[derive(Clone, Debug)]
pub struct UpgradeOptions {
    /// The release.
    pub release: HelmRelease,
    /// Where the chart comes from.
    pub source: ChartSource,
    /// The version; `None` is the newest stable one, or that of the chart's file.
    pub version: Option<ChartVersion>,
    /// Overrides on top of the release's own, the strongest last.
    pub values: Vec<Values>,
    /// Whether the release is installed where there is none of that name.
    pub installs: bool,
    /// Whether a run that was broken off, and that this one stands in for, had begun to make the release's namespace:
    /// then that is taken back with this one.
    pub takes_over_namespace: bool,
    /// What `global.imageRegistry` is set to.
    pub image_registry: Option<String>,
    /// What becomes of overrides that are the old chart's defaults.
    pub frozen: Frozen,
    /// What is known of upgrades.
    pub advisories: Advisories,
    /// Answers to their questions.
    pub answers: Answers,
    /// Whether images have to be there.
    pub image_check: ImageCheck,
    /// Images that may lack all the same.
    pub dispensable: BTreeSet<Reference>,
    /// Packages that are looked into for images that lack.
    pub packages: Packages,
    /// Whether custom resources are backed up too.
    pub custom_resources: bool,
    /// How long objects may take until they are ready.
    pub timeout: Duration,
    /// How an upgrade that fails is to end.
    pub end: UpgradeEnd,
    /// Whether the plan is to be held to later, so that what two renderings give differently has to be known.
    pub pins: bool,
    /// Whether nothing but the work folder may be written.
    pub dry_run: bool,
    /// Once requested, nothing new is begun, and Helm is asked to stop.
    pub stop: Stop,
}

/// Packages that may bring images which lack, and how a sync would name their images.
#[derive(Clone, Debug, Default)]
pub struct Packages {
    /// Their files and folders.
    pub paths: Vec<PathBuf>,
    /// Where relocation would put their images, as far as that is known.
    pub rules: Rules,
}

/// Where a chart comes from.
#[derive(Clone, Debug)]
pub enum ChartSource {
    /// A repository of Helm's own list.
    Listed {
        /// Its name; `None` is that of the chart, else of the release.
        name: Option<String>,
        /// Where it is, for a list that doesn't have it.
        url: Option<String>,
        /// Whom it takes us for then.
        login: Option<RepositoryLogin>,
        /// Which certificates are believed then.
        trust: RepositoryTrust,
    },
    /// A repository that Helm's list is not told of.
    Url {
        /// Where it is.
        url: String,
        /// Whom it takes us for.
        login: Option<RepositoryLogin>,
        /// Which certificates are believed.
        trust: RepositoryTrust,
    },
    /// A repository that is spoken to without Helm: a registry, a directory.
    Repository {
        /// The repository.
        repository: Arc<dyn ChartRepository>,
        /// The chart; `None` is that of the release.
        chart: Option<String>,
    },
    /// A package that carries the chart, and its images.
    Package(Box<PackageSource>),
    /// A chart's folder or archive.
    Path(PathBuf),
}

/// What becomes of overrides that say what the old chart says anyway (rules.md, "Upgrades").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frozen {
    /// They stay, and hold the new chart's defaults back.
    #[default]
    Keep,
    /// They go.
    Drop,
}

/// Whether images have to be in their registry before anything is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageCheck {
    /// An image that lacks, or is not complete for every node's platform, stands in the way.
    #[default]
    Require,
    /// Nobody is asked.
    Skip,
}
