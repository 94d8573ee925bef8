//! What advisories are held against: an upgrade, and what is known of the cluster and the registry.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Mutex,
};

use portolan_chart::{Chart, ChartVersion};
use portolan_oci::Reference;
use serde::{Deserialize, Serialize};

use crate::values::Values;

/// An upgrade that may be advised on.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The chart's name: kpanda, kairship, kant.
    pub module: &'a str,
    /// The version that is there; `None` where that isn't known, and then no range keeps an advisory out.
    pub from: Option<&'a ChartVersion>,
    /// The version that is to come.
    pub to: &'a ChartVersion,
    /// The user's own overrides, what is to be set on top included (`global.imageRegistry`).
    pub overrides: &'a Values,
    /// What the new chart has by default; empty where no chart is at hand.
    pub defaults: &'a Values,
    /// What the new chart is made of.
    pub chart: &'a ChartFacts,
    /// What the cluster is like; `None` where it was not asked.
    pub cluster: Option<&'a ClusterFacts>,
    /// What knows of images.
    pub images: &'a dyn Images,
}

/// What a chart is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ChartFacts {
    /// Names of its files.
    pub files: BTreeSet<String>,
    /// Names or aliases of its dependencies.
    pub dependencies: BTreeSet<String>,
}

impl ChartFacts {
    /// What a chart says of itself.
    #[must_use]
    pub fn of(chart: &Chart) -> Self {
        let dependencies = chart.metadata().dependencies().iter();
        Self {
            files: chart.files().iter().map(|file| file.path.clone()).collect(),
            dependencies: dependencies.map(|dependency| dependency.mount().to_owned()).collect(),
        }
    }
}

/// What advisories ask of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ClusterFacts {
    /// Every node.
    pub nodes: Vec<NodeFacts>,
    /// Every workload that asks for extended resources, such as GPUs.
    pub workloads: Vec<WorkloadFacts>,
    /// Every Helm release, of all namespaces.
    pub releases: Vec<ReleaseFacts>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct NodeFacts {
    /// Its name.
    pub name: String,
    /// `metadata.labels`
    pub labels: BTreeMap<String, String>,
    /// `status.allocatable`
    pub allocatable: BTreeMap<String, String>,
}

/// A workload: a Deployment and the like, a Job, or a pod that nothing owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct WorkloadFacts {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The resources that its containers request or are limited to, `nvidia.com/mig-1g.5gb`.
    pub resources: BTreeSet<String>,
    /// The nodes that its pods run on.
    pub nodes: BTreeSet<String>,
}

/// A Helm release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ReleaseFacts {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The chart's name.
    pub chart: String,
    /// The chart's version, as written.
    pub version: String,
}

impl fmt::Display for WorkloadFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl fmt::Display for ReleaseFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({} {})", self.namespace, self.name, self.chart, self.version)
    }
}

/// Whether a registry holds an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Nobody asked it, or it gave no answer.
    Unknown,
}

/// What knows of images.
pub trait Images: Sync {
    /// Whether the registry holds an image; where it has no tag, under any tag.
    fn holds(&self, image: &Reference) -> Held;

    /// The repository, under the target registry, that relocation put an image of this repository to; `None`
    /// where that isn't known.
    fn relocated(&self, repository: &str) -> Option<String> {
        let _ = repository;
        None
    }
}

/// Nobody can be asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoImages;

impl Images for NoImages {
    fn holds(&self, _: &Reference) -> Held {
        Held::Unknown
    }
}

/// Answers that were fetched before: what [`super::Advisories::images_to_ask`] named.
#[derive(Clone, Debug, Default)]
pub struct KnownImages {
    /// The answers.
    pub held: BTreeMap<Reference, bool>,
    /// Where relocation puts a repository.
    pub relocated: BTreeMap<String, String>,
}

impl Images for KnownImages {
    fn holds(&self, image: &Reference) -> Held {
        match self.held.get(image) {
            Some(true) => Held::Yes,
            Some(false) => Held::No,
            None => Held::Unknown,
        }
    }

    fn relocated(&self, repository: &str) -> Option<String> {
        self.relocated.get(repository).cloned()
    }
}

/// Writes down what is asked, and knows nothing.
pub(super) struct Asked<'a> {
    pub(super) of: &'a dyn Images,
    pub(super) queries: Mutex<BTreeSet<Reference>>,
}

impl Images for Asked<'_> {
    fn holds(&self, image: &Reference) -> Held {
        self.queries.lock().expect("because nothing panics while it holds the lock").insert(image.clone());
        Held::Unknown
    }

    fn relocated(&self, repository: &str) -> Option<String> {
        self.of.relocated(repository)
    }
}
