//! Conditions: what has to be so for an advisory to apply. What can't be known is told apart from what isn't.

use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    facts::{ClusterFacts, NodeFacts, Subject},
    pattern::{NamePattern, PathPattern},
    range::VersionRange,
    truth::Truth,
};
use crate::values::{Values, same};

/// What has to be so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Condition {
    /// All of these.
    All(Vec<Condition>),
    /// One of these at least.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A value.
    Value(ValueCondition),
    /// A node of the cluster.
    Node(NodeCondition),
    /// A workload of the cluster.
    Workload(WorkloadCondition),
    /// A Helm release of the cluster.
    Release(ReleaseCondition),
    /// The new chart.
    Chart(ChartCondition),
}

/// A value that is there, and is as all that is given says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ValueCondition {
    /// Where it stands.
    pub path: PathPattern,
    /// In which values.
    #[serde(default)]
    pub of: ValuesOf,
    /// It is this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Value>,
    /// It is a URL of this scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// It is a text with this in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// It is a text that this expression finds something in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<Pattern>,
}

/// Which values are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValuesOf {
    /// The user's own.
    #[default]
    Overrides,
    /// Those over the new chart's defaults.
    Computed,
}

/// A node for which this holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NodeCondition {
    /// All of these.
    All(Vec<NodeCondition>),
    /// One of these at least.
    Any(Vec<NodeCondition>),
    /// Not this.
    Not(Box<NodeCondition>),
    /// It has a label, and of this value where one is given.
    Label {
        /// The key.
        key: String,
        /// The value.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        is: Option<NamePattern>,
    },
    /// It has some of a resource to give.
    Allocatable(NamePattern),
}

/// A workload that asks for a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WorkloadCondition {
    /// The resource.
    pub requests: NamePattern,
    /// One of its pods runs on such a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_node: Option<NodeCondition>,
}

/// A release of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleaseCondition {
    /// The chart's name.
    pub chart: NamePattern,
    /// Its versions.
    #[serde(default)]
    pub version: VersionRange,
}

/// Something that the new chart has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum ChartCondition {
    /// A file of such a name.
    File(NamePattern),
    /// A dependency of this name or alias.
    Dependency(String),
}

/// A regular expression.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(pub(super) Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl TryFrom<String> for Pattern {
    type Error = regex_lite::Error;

    fn try_from(text: String) -> Result<Self, regex_lite::Error> {
        Regex::new(&text).map(Self)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0.as_str().to_owned()
    }
}

impl Condition {
    /// Whether it is so, with the overrides as they are by now.
    pub(super) fn holds(&self, subject: &Subject<'_>, overrides: &Values) -> Truth {
        let each = |condition: &Self| condition.holds(subject, overrides);
        match self {
            Self::All(conditions) => conditions.iter().map(each).min().unwrap_or(Truth::Yes),
            Self::Any(conditions) => conditions.iter().map(each).max().unwrap_or(Truth::No),
            Self::Not(condition) => each(condition).not(),
            Self::Value(value) => Truth::of(value.holds(subject, overrides)),
            Self::Chart(chart) => Truth::of(chart.holds(subject)),
            Self::Node(node) => asked(subject, |cluster| cluster.nodes.iter().any(|found| node.holds(found))),
            Self::Workload(workload) => asked(subject, |cluster| workload.holds(cluster)),
            Self::Release(release) => asked(subject, |cluster| release.holds(cluster)),
        }
    }
}

impl Condition {
    /// Whether it hangs on what the new chart is made of.
    pub(super) fn asks_for_the_chart(&self) -> bool {
        match self {
            Self::All(conditions) | Self::Any(conditions) => conditions.iter().any(Self::asks_for_the_chart),
            Self::Not(condition) => condition.asks_for_the_chart(),
            Self::Chart(_) => true,
            Self::Value(_) | Self::Node(_) | Self::Workload(_) | Self::Release(_) => false,
        }
    }
}

fn asked(subject: &Subject<'_>, is: impl FnOnce(&ClusterFacts) -> bool) -> Truth {
    subject.cluster.map_or(Truth::Unknown, |cluster| Truth::of(is(cluster)))
}

impl ValueCondition {
    fn holds(&self, subject: &Subject<'_>, overrides: &Values) -> bool {
        let computed;
        let values = match self.of {
            ValuesOf::Overrides => overrides,
            ValuesOf::Computed => {
                computed = overrides.over(subject.defaults);
                &computed
            }
        };
        self.path.find(values).iter().any(|(_, value)| !value.is_null() && self.takes(value))
    }

    fn takes(&self, value: &Value) -> bool {
        let text = value.as_str();
        let is_text = |is: &dyn Fn(&str) -> bool| text.is_some_and(is);
        self.is.as_ref().is_none_or(|is| same(is, value))
            && self.scheme.as_ref().is_none_or(|scheme| {
                is_text(&|text| {
                    text.split_once("://").is_some_and(|(found, _)| found.eq_ignore_ascii_case(scheme))
                })
            })
            && self.contains.as_ref().is_none_or(|part| is_text(&|text| text.contains(part.as_str())))
            && self.matches.as_ref().is_none_or(|pattern| is_text(&|text| pattern.0.is_match(text)))
    }
}

impl NodeCondition {
    /// Whether a node is such a one.
    #[must_use]
    pub fn holds(&self, node: &NodeFacts) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(node)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(node)),
            Self::Not(condition) => !condition.holds(node),
            Self::Label { key, is } => {
                let value = node.labels.get(key);
                value.is_some_and(|value| is.as_ref().is_none_or(|is| is.matches(value)))
            }
            Self::Allocatable(name) => {
                let is_some = |amount: &str| amount.bytes().any(|b| matches!(b, b'1'..=b'9'));
                node.allocatable.iter().any(|(found, amount)| name.matches(found) && is_some(amount))
            }
        }
    }
}

impl WorkloadCondition {
    fn holds(&self, cluster: &ClusterFacts) -> bool {
        let is_there = |name: &String| {
            let node = cluster.nodes.iter().find(|node| node.name == *name);
            node.is_some_and(|node| self.on_node.as_ref().is_none_or(|condition| condition.holds(node)))
        };
        cluster.workloads.iter().any(|workload| {
            workload.resources.iter().any(|resource| self.requests.matches(resource))
                && (self.on_node.is_none() || workload.nodes.iter().any(is_there))
        })
    }
}

impl ReleaseCondition {
    fn holds(&self, cluster: &ClusterFacts) -> bool {
        cluster.releases.iter().any(|release| {
            self.chart.matches(&release.chart)
                // A version that can't be read is none that could be relied on.
                && release.version.parse().is_ok_and(|version| self.version.holds(&version))
        })
    }
}

impl ChartCondition {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::File(name) => subject.chart.files.iter().any(|file| name.matches(file)),
            Self::Dependency(name) => subject.chart.dependencies.contains(name),
        }
    }
}
