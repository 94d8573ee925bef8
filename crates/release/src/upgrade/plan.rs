//! All that an upgrade would do, and all that stands in its way.

use portolan_chart::ObjectName;
use portolan_oci::Digest;
use serde::Serialize;
use serde_json::Value;

use super::ground::Ground;
use super::hooks::Hook;
use super::images::CheckedImage;
use super::package::Push;
use super::rehearse::Rehearsal;
use crate::advisories::{Advice, Language, Phase, Step as Advised};
use crate::cluster::Cluster;
use crate::diff::{Action, Change, CrdDiff, ObjectDiff};
use crate::helm::Upgrade;
use crate::journal::{Holder, Task, Work};
use crate::stored::StoredRelease;
use crate::values::{Concern, Frozen};
use crate::verify::Watched;

/// Version of the plan's shape; raised when a member changes its meaning or goes away.
pub const PLAN_VERSION: u32 = 1;

/// An object that could not be put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NoWayBack {
    /// Which.
    pub object: ObjectName,
    /// Why not.
    pub why: String,
}

/// All that an upgrade would do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradePlan {
    /// [`PLAN_VERSION`] of the program that made it.
    pub plan_version: u32,
    /// The release.
    pub release: String,
    /// Where it is.
    pub namespace: String,
    /// Whether that is made first, since it is not there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub makes_namespace: bool,
    /// The chart's name.
    pub chart: String,
    /// The revision that stands; absent where the release is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The version that stands; absent where the release is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version that is to come.
    pub to: String,
    /// Where the chart comes from.
    pub source: String,
    /// Digest of the ground that the plan stands on.
    pub digest: Digest,
    /// What becomes of the overrides.
    pub values: Vec<Change>,
    /// Overrides that are the old chart's defaults.
    pub frozen: Vec<Frozen>,
    /// Whether those go.
    pub drops_frozen: bool,
    /// Overrides that should make somebody think.
    pub concerns: Vec<Concern>,
    /// What the advisories come to.
    pub advice: Advice,
    /// What becomes of definitions of custom resources.
    pub definitions: Vec<CrdDiff>,
    /// Definitions that the server refuses.
    pub refused_definitions: Vec<String>,
    /// What becomes of objects.
    pub objects: Vec<ObjectDiff>,
    /// How images are in their registries; empty where they were not asked for.
    pub images: Vec<CheckedImage>,
    /// What is pushed before the cluster is touched, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pushes: Vec<Push>,
    /// What the server would take.
    pub rehearsal: Rehearsal,
    /// Objects that could not be put back to what they are: why a failure could not be taken back whole.
    pub way_back: Vec<NoWayBack>,
    /// What a reader should know though nothing is wrong.
    pub notes: Vec<String>,
    /// What the plan was worked out from, as digests.
    #[serde(skip)]
    pub ground: Ground,
    #[serde(skip)]
    pub(super) now: Option<StoredRelease>,
    #[serde(skip)]
    pub(super) upgrade: Upgrade,
    #[serde(skip)]
    pub(super) crds: Vec<Value>,
    #[serde(skip)]
    pub(super) hooks: Vec<Hook>,
    /// What is looked at while Helm waits for it.
    #[serde(skip)]
    pub(super) watched: Vec<Watched>,
}

impl UpgradePlan {
    /// What stands in the way, in words; empty where nothing does.
    pub fn obstacles(&self) -> Vec<String> {
        let advice = self.advice.blocking().filter(|finding| !finding.steps.iter().any(Advised::is_unmet));
        let advice = advice.map(|finding| {
            let id = &finding.advisory;
            format!("advisory {id}: {}", finding.title.text(Language::English))
        });
        let required = self.advice.steps(Phase::Before).filter_map(unmet);
        let images = self.images.iter().filter(|image| image.stands_in_the_way()).map(CheckedImage::words);
        let clashing = self.pushes.iter().flat_map(Push::clashing);
        let refused = self
            .rehearsal
            .refused
            .iter()
            .map(|one| format!("{}: the server refuses it: {}", one.object, one.why));
        advice
            .chain(required)
            .chain(self.refused_definitions.iter().cloned())
            .chain(images)
            .chain(clashing)
            .chain(refused)
            .collect()
    }

    /// What a run that carries it out is about.
    pub fn task(&self, cluster: &Cluster, holder: Holder) -> Task {
        Task {
            work: Work::Upgrade,
            release: self.release.clone(),
            namespace: self.namespace.clone(),
            server: cluster.server().to_owned(),
            holder,
            revision: self.revision,
            from: self.from.clone(),
            to: Some(self.to.clone()),
            plan: Some(self.digest.clone()),
            group: None,
        }
    }

    /// The objects that stand now, as Helm wrote them down.
    pub(crate) fn manifest_now(&self) -> Option<&str> {
        self.now.as_ref().map(|now| now.manifest.as_str())
    }

    /// Whether the cluster would be as it is.
    pub fn changes_nothing(&self) -> bool {
        let keeps = |action: Action| action == Action::Keep;
        self.from.as_deref() == Some(&self.to)
            && self.values.is_empty()
            && self.definitions.iter().all(|one| keeps(one.action))
            && self.objects.iter().all(|one| keeps(one.action))
    }
}

/// What somebody has to do before this upgrade, and hasn't done.
fn unmet(step: &Advised) -> Option<String> {
    match step {
        _ if !step.is_unmet() => None,
        Advised::Require { chart, version, found, .. } => {
            Some(format!("{chart} has to be {version} before, and there is {}", found.join(", ")))
        }
        Advised::Person { text, releases, workloads, .. } => {
            let there = [workloads.as_slice(), releases].concat().join(", ");
            let text = text.text(Language::English).trim_end().trim_end_matches('.');
            Some(format!("before the upgrade: {text}; still there: {there}"))
        }
        Advised::Label { .. } => None,
    }
}
