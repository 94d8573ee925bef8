//! Cases in a file of advisories: an upgrade, and what its advisory has to make of it.

use std::collections::{BTreeMap, BTreeSet};

use portolan_chart::ChartVersion;
use portolan_oci::Reference;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Advisories,
    facts::{ChartFacts, ClusterFacts, Held, Images, Subject},
    format::Advisory,
    id::AdvisoryId,
    outcome::{Advice, Answers, Finding, Step},
    sources::{Source, Sourced},
    truth::Truth,
};
use crate::{
    diff::{change_lines, value_changes},
    values::Values,
};

/// An upgrade that a person made up, and what comes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Case {
    /// What is shown.
    pub name: String,
    /// The version that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Version>,
    /// The version that is to come.
    pub to: Version,
    /// The user's overrides.
    #[serde(default)]
    pub values: Value,
    /// What the new chart has by default.
    #[serde(default)]
    pub defaults: Value,
    /// What the new chart is made of.
    #[serde(default)]
    pub chart: ChartFacts,
    /// What the cluster is like; where it is left out, nobody asked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterFacts>,
    /// Every image that the registry holds; where it is left out, nobody asked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<BTreeSet<ImageName>>,
    /// Where relocation put repositories.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub relocated: BTreeMap<String, String>,
    /// Answers to questions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: Answers,
    /// What has to come of it.
    pub expect: Expected,
}

/// What has to come of a case; what is left out may be anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Expected {
    /// Whether the advisory applies.
    pub applies: Truth,
    /// The overrides afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Value>,
    /// The questions that stay open, by what they are answered under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<Vec<String>>,
    /// The labels that nodes get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// The charts that have to be of some version, as in `gpu-operator >= 23.9.0+1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Vec<String>>,
    /// How many steps a person has to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Whether the upgrade has to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<bool>,
}

/// A chart's version in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(ChartVersion);

impl TryFrom<String> for Version {
    type Error = portolan_chart::VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0.to_string()
    }
}

/// An image in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageName(Reference);

impl TryFrom<String> for ImageName {
    type Error = portolan_oci::ReferenceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<ImageName> for String {
    fn from(name: ImageName) -> Self {
        name.0.to_string()
    }
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseResult {
    /// The advisory.
    pub advisory: AdvisoryId,
    /// The case.
    pub case: String,
    /// What is not as expected; nothing where the case holds.
    pub failures: Vec<String>,
}

impl Advisories {
    /// Runs the cases of all advisories, each with its advisory alone.
    #[must_use]
    pub fn test(&self) -> Vec<CaseResult> {
        let cases =
            self.iter().flat_map(|sourced| sourced.advisory.tests.iter().map(move |case| (sourced, case)));
        cases.map(|(sourced, case)| case.run(&sourced.advisory)).collect()
    }
}

impl Images for Case {
    fn holds(&self, image: &Reference) -> Held {
        let Some(registry) = &self.registry else { return Held::Unknown };
        let is_it =
            |held: &ImageName| held.0 == *image || (image.tag.is_none() && held.0.name() == image.name());
        if registry.iter().any(is_it) { Held::Yes } else { Held::No }
    }

    fn relocated(&self, repository: &str) -> Option<String> {
        self.relocated.get(repository).cloned()
    }
}

impl Case {
    fn run(&self, advisory: &Advisory) -> CaseResult {
        let failures = match self.advise(advisory) {
            Ok(failures) => failures,
            Err(error) => vec![error.to_string()],
        };
        CaseResult { advisory: advisory.id.clone(), case: self.name.clone(), failures }
    }

    fn advise(&self, advisory: &Advisory) -> Result<Vec<String>, crate::values::ValuesError> {
        let overrides = Values::of_json("the case", self.values.clone())?;
        let defaults = Values::of_json("the case's chart", self.defaults.clone())?;
        let subject = Subject {
            module: &advisory.module,
            from: self.from.as_ref().map(|version| &version.0),
            to: &self.to.0,
            overrides: &overrides,
            defaults: &defaults,
            chart: &self.chart,
            cluster: self.cluster.as_ref(),
            images: self,
        };
        self.expect.failures(&Advisories::alone(advisory.clone()).advise(&subject, &self.answers))
    }
}

impl Advisories {
    /// One advisory and no other.
    pub(crate) fn alone(advisory: Advisory) -> Self {
        Self::of(vec![Sourced { advisory, source: Source::Program }])
    }
}

impl Expected {
    fn failures(&self, advice: &Advice) -> Result<Vec<String>, crate::values::ValuesError> {
        let finding = advice.findings.first();
        let mut failures = Failures::default();
        failures.compare(
            "applies",
            &Some(self.applies),
            &finding.map_or(Truth::No, |finding| finding.applies),
        );
        failures.compare("questions", &self.questions, &questions(finding));
        failures.compare("labels", &self.labels, &labels(finding));
        failures.compare("requires", &self.requires, &requires(finding));
        failures.compare("steps", &self.steps, &persons(finding));
        failures.compare("blocks", &self.blocks, &finding.is_some_and(Finding::blocks));
        if let Some(values) = &self.values {
            let expected = Values::of_json("the case's expectation", values.clone())?;
            let lines = change_lines(&value_changes(&expected, &advice.overrides));
            failures.0.extend(lines.iter().map(|line| format!("values: {line}")));
        }
        failures.0.extend(
            finding
                .into_iter()
                .flat_map(|finding| finding.faults.iter().map(|fault| format!("fault: {fault}"))),
        );
        Ok(failures.0)
    }
}

#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: &Option<T>, found: &T) {
        if let Some(expected) = expected.as_ref().filter(|expected| *expected != found) {
            self.0.push(format!("{what}: {expected:?} is expected, and it is {found:?}"));
        }
    }
}

fn questions(finding: Option<&Finding>) -> Vec<String> {
    finding
        .into_iter()
        .flat_map(|finding| finding.questions.iter().map(|question| question.id.clone()))
        .collect()
}

fn steps(finding: Option<&Finding>) -> impl Iterator<Item = &Step> {
    finding.into_iter().flat_map(|finding| &finding.steps)
}

fn labels(finding: Option<&Finding>) -> BTreeMap<String, BTreeMap<String, String>> {
    let label = |step: &Step| match step {
        Step::Label { node, labels } => Some((node.clone(), labels.clone())),
        _ => None,
    };
    steps(finding).filter_map(label).collect()
}

fn requires(finding: Option<&Finding>) -> Vec<String> {
    let required = |step: &Step| match step {
        Step::Require { chart, version, .. } => Some(format!("{chart} {version}")),
        _ => None,
    };
    steps(finding).filter_map(required).collect()
}

fn persons(finding: Option<&Finding>) -> usize {
    steps(finding).filter(|step| matches!(step, Step::Person { .. })).count()
}
