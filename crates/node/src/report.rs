//! What a load did: the report, in the shape that `--output json` prints.

use portolan_oci::{Digest, Platform, Reference};
use portolan_transfer::{BrokenBundle, Outcome};
use serde::Serialize;

use crate::{
    names::NodeName,
    plan::{NodePlan, text},
    survey::RuntimeKind,
};

/// Version of the report's shape; raised when a member changes its meaning or goes away.
pub const LOAD_REPORT_VERSION: u32 = 1;

/// Every node of a load, and what became of every image there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadReport {
    /// [`LOAD_REPORT_VERSION`] of the program that wrote it.
    pub load_report_version: u32,
    /// The nodes, in the order in which they were named.
    pub nodes: Vec<NodeResult>,
    /// Bundles whose images could not be read or named.
    pub broken: Vec<BrokenBundle>,
    /// What a reader should know though nothing went wrong.
    pub notes: Vec<String>,
    /// Sums.
    pub totals: LoadTotals,
}

/// Sums of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadTotals {
    /// Bytes that were sent, over all nodes.
    pub bytes_sent: u64,
    /// Seconds from the start to the end of the run.
    pub seconds: f64,
}

/// One node of a load.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeResult {
    /// The node, as a person named it.
    pub node: String,
    /// Where its runtime was asked.
    pub address: String,
    /// What was found to run there.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// What ended the work on this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<NodeFailure>,
    /// The images, in the package's order. Empty where the node did not tell what it has.
    pub images: Vec<LoadResult>,
    /// Bytes that were sent.
    pub bytes_sent: u64,
    /// What a reader should know though nothing went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What was found on a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// What runs there.
    pub runtime: RuntimeKind,
    /// Its version.
    pub version: String,
    /// The platform that was loaded.
    #[serde(serialize_with = "text")]
    pub platform: Platform,
}

impl Found {
    /// What a plan stands on.
    pub fn of(plan: &NodePlan) -> Self {
        let (runtime, version) = (plan.runtime, plan.version.clone());
        Self { runtime, version, platform: plan.platform.clone() }
    }
}

/// What ended the work on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeFailure {
    /// What happened, in one line.
    pub error: String,
}

/// One image on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadResult {
    /// Its first name in the package, in full form.
    pub source: Reference,
    /// Every name that it was to have.
    pub names: Vec<NodeName>,
    /// Digest of what the names stand for, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What became of it.
    pub action: LoadOutcome,
    /// Names of it that stand for another content, and were left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<NodeName>,
    /// Bytes that were sent for it. What images share counts for the one that brought it.
    pub bytes_sent: u64,
    /// Why it failed, or what it lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of an image on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadOutcome {
    /// It was brought, and has its names.
    Loaded,
    /// It was there, and was given names or pinned.
    Named,
    /// It was there under all its names.
    Exists,
    /// One of its names stands for another content, which was left alone.
    Kept,
    /// It is there, and one of its names can't be given.
    Unnamed,
    /// It could not be brought there.
    Failed,
    /// The run was interrupted before it was there.
    Interrupted,
}

impl LoadOutcome {
    /// Whether it is there under all its names.
    pub fn is_there(self) -> bool {
        matches!(self, Self::Loaded | Self::Named | Self::Exists)
    }
}

impl NodeResult {
    /// Whether every image is there.
    pub fn is_whole(&self) -> bool {
        self.failure.is_none() && self.images.iter().all(|image| image.action.is_there())
    }

    /// Whether nothing came of it.
    fn is_lost(&self) -> bool {
        let failed = |image: &LoadResult| image.action == LoadOutcome::Failed;
        self.images.iter().all(failed) && !self.is_whole()
    }
}

impl LoadReport {
    /// The report of these nodes.
    pub fn new(nodes: Vec<NodeResult>, broken: Vec<BrokenBundle>, notes: Vec<String>, seconds: f64) -> Self {
        let bytes_sent = nodes.iter().map(|node| node.bytes_sent).sum();
        let totals = LoadTotals { bytes_sent, seconds };
        Self { load_report_version: LOAD_REPORT_VERSION, nodes, broken, notes, totals }
    }

    /// How the run ended as a whole; the program's exit code follows it.
    pub fn outcome(&self) -> Outcome {
        let all_fine = self.broken.is_empty() && self.nodes.iter().all(NodeResult::is_whole);
        let is_lost = self.nodes.iter().all(NodeResult::is_lost);
        match (all_fine, is_lost) {
            (true, _) => Outcome::Done,
            (false, false) => Outcome::InPart,
            (false, true) => Outcome::Failed,
        }
    }
}
