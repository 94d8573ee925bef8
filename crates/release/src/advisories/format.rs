//! The format of advisories, as YAML has it: docs/advisories.md tells it to those who write one.
//!
//! Names of fields are those of the file, and unknown ones are refused. `advisoriesVersion` is raised when a
//! member changes its meaning or goes away.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    cases::Case,
    condition::{Condition, NodeCondition},
    id::AdvisoryId,
    mend::{Rewrite, Split},
    pattern::{NamePattern, PathPattern},
    range::VersionRange,
};

/// The version of the format that is read.
pub const ADVISORIES_VERSION: u32 = 1;

/// A file of advisories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AdvisoryFile {
    pub(super) advisories_version: u32,
    pub(super) advisories: Vec<Advisory>,
}

/// A known issue of an upgrade: when it is there, how it is seen, how it is mended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Advisory {
    /// What it is called; one that is read later takes the place of one of the same id.
    pub id: AdvisoryId,
    /// The chart that it is about.
    pub module: String,
    /// Versions that are upgraded from.
    #[serde(default)]
    pub from: VersionRange,
    /// Versions that are upgraded to.
    #[serde(default)]
    pub to: VersionRange,
    /// What comes of it where nothing is done.
    pub severity: Severity,
    /// In a line.
    pub title: Wording,
    /// In full.
    pub text: Wording,
    /// What has to be so beside the versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// What is done, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mend: Vec<Mend>,
    /// In place of `mend`: ways of which somebody has to choose one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// Cases that `portolan advisories test` runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Case>,
}

/// What comes of an issue where nothing is done, from the worst down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The upgrade fails, or the module doesn't work after it.
    Breaks,
    /// Workloads of others are hurt.
    Disrupts,
    /// Something may not be as wanted: open questions don't keep the upgrade from going on.
    Warns,
    /// Good to know.
    Notes,
}

impl Severity {
    /// Whether an upgrade waits until every question is answered.
    #[must_use]
    pub fn blocks(self) -> bool {
        matches!(self, Self::Breaks | Self::Disrupts)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Breaks => "breaks",
            Self::Disrupts => "disrupts",
            Self::Warns => "warns",
            Self::Notes => "notes",
        })
    }
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// A language of [`Wording`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese.
    Chinese,
}

impl Wording {
    /// The text in a language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}

/// A way of dealing with an issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Choice {
    /// What it is called in an answer.
    pub id: AdvisoryId,
    /// In a line.
    pub title: Wording,
    /// When it can be chosen at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// When it is the one to recommend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recommended_when: Option<Condition>,
    /// When it was taken already, as can be seen: then nobody is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_when: Option<Condition>,
    /// What is done, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mend: Vec<Mend>,
}

/// One thing that mends an issue. Doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Mend {
    /// A value goes to another path, where nothing stands there.
    Move {
        /// Where it stands.
        from: PathPattern,
        /// Where it is to stand.
        to: PathPattern,
    },
    /// A text is taken apart.
    Split(Split),
    /// A text is rewritten.
    Rewrite(Rewrite),
    /// A URL gets a parameter that it lacks.
    UrlParameter {
        /// Where it stands.
        path: PathPattern,
        /// Its scheme; other URLs stay.
        scheme: String,
        /// The parameter.
        name: String,
        /// What it is set to.
        from: UrlPart,
    },
    /// A repository of an image that, under the registry of the values, names an image which is not there
    /// becomes the one that is: its last two elements, else where relocation put it. The chart's own defaults
    /// count where they repeat what stands in the registry.
    Repository {
        /// Where repositories stand.
        path: PathPattern,
        /// Where the registry stands that the templates put before them.
        registry: PathPattern,
    },
    /// A value is set.
    Set {
        /// Where.
        path: PathPattern,
        /// What to.
        value: Value,
    },
    /// A value is set where there is none.
    Default {
        /// Where.
        path: PathPattern,
        /// What to.
        value: Value,
    },
    /// A value is taken away.
    Remove {
        /// Where.
        path: PathPattern,
    },
    /// Nodes get labels, before the upgrade.
    LabelNodes {
        /// Which.
        nodes: NodeCondition,
        /// The labels.
        labels: BTreeMap<String, String>,
    },
    /// Another chart's release has to be of some version.
    Require {
        /// The chart.
        chart: String,
        /// Its versions.
        version: VersionRange,
        /// When.
        when: Phase,
    },
    /// Something that a person does.
    Step {
        /// When.
        when: Phase,
        /// What.
        text: Wording,
        /// Charts whose releases it is about: those in the cluster are named with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        releases: Vec<String>,
        /// Resources whose workloads it is about: those that ask for one are named with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        workloads: Vec<NamePattern>,
    },
}

/// A part of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UrlPart {
    /// The password of its user-info.
    Password,
}

/// Before or after the upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before.
    Before,
    /// After.
    After,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}
