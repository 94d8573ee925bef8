//! A plan in the form in which it is saved, approved, and held to.
//!
//! It holds what would be done and on what ground, and nothing else: no times, no sizes, no path of the
//! package, no values of charts. So the same package, configuration and servers give the same digest on
//! every machine and mount, and no secret can get into it.
//!
//! ```text
//! Plan ─▶ SavedPlan ─▶ file        digest: SHA-256 over the compact JSON of version and plan
//! file ─▶ SavedPlan ─ hold ─▶ Plan made anew, if it is the same one
//! ```

mod change;
mod changes;
mod file;
mod hold;

use std::collections::BTreeMap;

use portolan_oci::{Digest, Reference};
use portolan_package::Package;
use serde::{Deserialize, Serialize};

pub use change::{Change, Stand};
pub use file::{PLAN_FILE_VERSION, PlanFileError};
pub use hold::GroundChanged;

use crate::{
    content::{Identity, Pin},
    options::{ChartPolicy, Check, Existing, ExistingPolicy, SyncOptions},
    plan::{ChartAction, ImageAction, Plan, PlannedChart, PlannedImage, PlannedProject},
    report::BrokenBundle,
    wanted::{ChartState, PackedForm},
};

/// What a plan would do, and on what ground. Lists are in an order of their own, so that equal plans are
/// equal values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavedPlan {
    registry: String,
    chart_repository: String,
    policies: Policies,
    bundles: Vec<SavedBundle>,
    projects: Vec<PlannedProject>,
    images: Vec<SavedImage>,
    charts: Vec<SavedChart>,
    /// Origins of the bundles that could not be read or planned.
    left_out: Vec<String>,
}

/// What decides, beside all that is listed, what a run does and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Policies {
    charts_anyway: bool,
    existing: Existing,
    verify: bool,
}

/// A bundle that takes part, and all that it brings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedBundle {
    /// Inside the package.
    origin: String,
    contents: Digest,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedImage {
    source: Reference,
    target: Reference,
    content: Pin,
    action: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<Digest>,
}

/// One chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedChart {
    /// Origin of its bundle inside the package.
    bundle: String,
    name: String,
    version: String,
    target: String,
    content: Pin,
    action: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    found: Option<Digest>,
}

/// What is to be done with an image or chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Push,
    Exists,
    Mend,
    Merge,
    Replace,
    Keep,
    Later,
}

/// What a plan is saved from, once its questions were answered.
pub(crate) struct Settled<'a> {
    pub(crate) package: &'a Package,
    pub(crate) options: &'a SyncOptions,
    pub(crate) registry: &'a str,
    pub(crate) chart_repository: &'a str,
    pub(crate) contents: &'a BTreeMap<usize, Digest>,
    pub(crate) projects: &'a [PlannedProject],
    pub(crate) images: &'a [PlannedImage],
    pub(crate) charts: &'a [PlannedChart],
    pub(crate) broken: &'a [BrokenBundle],
}

impl SavedPlan {
    /// The saved form of what was settled.
    pub(crate) fn of(settled: &Settled<'_>) -> Self {
        let package = settled.package;
        let plan = Self {
            registry: settled.registry.to_owned(),
            chart_repository: settled.chart_repository.to_owned(),
            policies: Policies::of(settled.options),
            bundles: settled.bundles(),
            projects: settled.projects.to_vec(),
            images: settled.images.iter().map(SavedImage::of).collect(),
            charts: settled.charts.iter().map(|chart| SavedChart::of(package, chart)).collect(),
            left_out: settled.broken.iter().map(|broken| package.within(&broken.source).to_owned()).collect(),
        };
        plan.in_order()
    }

    /// Each list in the one order that it has in every file.
    fn in_order(mut self) -> Self {
        self.bundles.sort();
        self.projects.sort_by(|a, b| a.name.cmp(&b.name));
        self.images.sort_by(|a, b| a.key().cmp(&b.key()));
        self.charts.sort_by(|a, b| a.key().cmp(&b.key()));
        self.left_out.sort();
        self
    }
}

impl Plan {
    /// The form in which the plan is saved.
    pub fn saved(&self) -> &SavedPlan {
        &self.saved
    }
}

impl Settled<'_> {
    /// The bundles that something of the plan comes from.
    fn bundles(&self) -> Vec<SavedBundle> {
        let bundles = self.package.bundles.iter().enumerate();
        let taking_part = bundles.filter_map(|(index, bundle)| {
            let contents = self.contents.get(&index)?.clone();
            let origin = self.package.within(bundle.origin.as_str()).to_owned();
            Some(SavedBundle { origin, contents })
        });
        taking_part.collect()
    }
}

impl Policies {
    fn of(options: &SyncOptions) -> Self {
        Self {
            charts_anyway: options.charts == ChartPolicy::Anyway,
            existing: options.existing,
            verify: options.check == Check::Parts,
        }
    }

    /// The flags that it stands for, and whether each is given.
    fn flags(self) -> [(&'static str, bool); 7] {
        let Existing { policy, overwrite, drop_lost } = self.existing;
        [
            ("--charts-anyway", self.charts_anyway),
            ("--on-existing keep", policy == ExistingPolicy::Keep),
            ("--on-existing replace", policy == ExistingPolicy::Replace),
            ("--on-existing error", policy == ExistingPolicy::Error),
            ("--overwrite", overwrite),
            ("--drop-lost", drop_lost),
            ("--verify", self.verify),
        ]
    }
}

impl SavedImage {
    fn of(image: &PlannedImage) -> Self {
        let (action, found) = match &image.action {
            ImageAction::Push => (Step::Push, None),
            ImageAction::Exists => (Step::Exists, None),
            ImageAction::Mend { .. } => (Step::Mend, None),
            ImageAction::Merge { found, .. } => (Step::Merge, Some(found.clone())),
            ImageAction::Replace { found, .. } => (Step::Replace, Some(found.clone())),
            ImageAction::Keep { found, .. } => (Step::Keep, Some(found.clone())),
        };
        Self {
            source: image.source.clone(),
            target: image.target.clone(),
            content: Identity::of(&image.content).pin(),
            action,
            found,
        }
    }

    fn key(&self) -> (&Reference, &Reference, &Pin) {
        (&self.target, &self.source, &self.content)
    }
}

impl SavedChart {
    fn of(package: &Package, chart: &PlannedChart) -> Self {
        Self {
            bundle: package.within(package.bundles[chart.bundle].origin.as_str()).to_owned(),
            name: chart.name.clone(),
            version: chart.version.clone(),
            target: chart.target.clone(),
            content: match &chart.state {
                ChartState::Packed(PackedForm { digest, .. }) => Pin::Digest(digest.clone()),
                ChartState::AwaitsDigests { provisional } => Pin::Provisional(provisional.clone()),
            },
            action: match chart.action {
                ChartAction::Push => Step::Push,
                ChartAction::Exists => Step::Exists,
                ChartAction::Mend => Step::Mend,
                ChartAction::Keep => Step::Keep,
                ChartAction::Later => Step::Later,
            },
            found: chart.found.clone(),
        }
    }

    fn key(&self) -> (&str, &str, &str) {
        (&self.bundle, &self.name, &self.version)
    }
}

#[cfg(test)]
mod tests;
