//! What advisories come to for one upgrade.

use std::collections::BTreeMap;

use portolan_chart::ValuePath;
use serde::{Deserialize, Serialize};

use super::{
    format::{Phase, Severity, Wording},
    id::AdvisoryId,
    range::VersionRange,
    truth::Truth,
};
use crate::{diff::Change, values::Values};

/// Answers to questions: by the question's id the id of an option, or of a repository the repository itself.
pub type Answers = BTreeMap<String, String>;

/// What all advisories come to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// One for each advisory that applies, or of which nobody knows.
    pub findings: Vec<Finding>,
    /// The overrides with all that was mended.
    #[serde(skip)]
    pub overrides: Values,
}

/// What one advisory comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which.
    pub advisory: AdvisoryId,
    /// Where it comes from.
    pub source: String,
    /// What comes of it where nothing is done.
    pub severity: Severity,
    /// In a line.
    pub title: Wording,
    /// Whether it applies, or nobody knows, since the cluster was not asked.
    pub applies: Truth,
    /// What of the overrides is mended, masked.
    pub edits: Vec<Change>,
    /// What else is to be done.
    pub steps: Vec<Step>,
    /// What nobody but a person can decide.
    pub questions: Vec<Question>,
    /// What could not be mended, and why.
    pub faults: Vec<String>,
}

/// Something that is to be done beside the values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "step")]
pub enum Step {
    /// A node gets labels, before the upgrade.
    Label {
        /// The node.
        node: String,
        /// The labels that it lacks.
        labels: BTreeMap<String, String>,
    },
    /// A release of another chart has to be of some version.
    Require {
        /// The chart.
        chart: String,
        /// Its versions.
        version: VersionRange,
        /// When.
        when: Phase,
        /// Releases of the chart that are of another one.
        found: Vec<String>,
    },
    /// A person does it.
    Person {
        /// What.
        text: Wording,
        /// When.
        when: Phase,
        /// Releases that it is about and that are there.
        releases: Vec<String>,
        /// Workloads that it is about and that are there.
        workloads: Vec<String>,
    },
}

impl Step {
    /// Whether it is to be done before the upgrade or after it.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::Label { .. } => Phase::Before,
            Self::Require { when, .. } | Self::Person { when, .. } => *when,
        }
    }

    /// Whether it is to be done before the upgrade, by somebody else than the upgrade, and can be seen not to be
    /// done yet.
    #[must_use]
    pub fn is_unmet(&self) -> bool {
        match self {
            Self::Label { .. } => false,
            Self::Require { when, found, .. } => *when == Phase::Before && !found.is_empty(),
            Self::Person { when, releases, workloads, .. } => {
                *when == Phase::Before && !(releases.is_empty() && workloads.is_empty())
            }
        }
    }
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// What it is answered under: the advisory's id, with the path behind it where it is about one.
    pub id: String,
    /// What is asked.
    pub text: Wording,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<ValuePath>,
    /// What can be answered.
    pub options: Vec<QuestionOption>,
    /// An answer that was given and is none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What can be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QuestionOption {
    /// The answer.
    pub id: String,
    /// What it means.
    pub title: Wording,
    /// Whether it is the one to recommend.
    pub recommended: bool,
}

impl Finding {
    /// Whether the upgrade has to wait: something that breaks or disrupts is not known, not decided, not mended,
    /// or not done by whoever has to do it before.
    #[must_use]
    pub fn blocks(&self) -> bool {
        let is_open = self.applies == Truth::Unknown
            || !self.questions.is_empty()
            || !self.faults.is_empty()
            || self.steps.iter().any(Step::is_unmet);
        self.severity.blocks() && is_open
    }
}

impl Advice {
    /// The findings that the upgrade has to wait for.
    pub fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.blocks())
    }

    /// What is to be done beside the values, in order.
    pub fn steps(&self, phase: Phase) -> impl Iterator<Item = &Step> {
        self.findings.iter().flat_map(|finding| &finding.steps).filter(move |step| step.phase() == phase)
    }
}
