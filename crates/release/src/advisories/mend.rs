//! Mending: each mend done to the overrides, or told as a step or a question. Doing one twice is doing it once.

mod repository;
mod split;
mod url;

use std::collections::BTreeMap;

use portolan_chart::ValuePath;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    condition::{NodeCondition, Pattern},
    facts::{ClusterFacts, NodeFacts, Subject},
    format::{Mend, Phase, UrlPart, Wording},
    id::AdvisoryId,
    outcome::{Answers, Question, QuestionOption, Step},
    pattern::{NamePattern, PathPattern},
    range::VersionRange,
};
use crate::values::Values;
pub(super) use split::Split;

/// The answer that somebody did what a step says.
const DONE: &str = "done";

/// How a text is rewritten.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rewrite {
    /// Where it stands.
    pub path: PathPattern,
    /// What in it is replaced, everywhere.
    pub pattern: Pattern,
    /// What with; `$1` or `${name}` is a group of the pattern.
    pub with: String,
}

/// The overrides while one advisory mends them.
pub(super) struct Mending<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) advisory: &'a AdvisoryId,
    pub(super) answers: &'a Answers,
    pub(super) overrides: Values,
    pub(super) steps: Vec<Step>,
    pub(super) questions: Vec<Question>,
    pub(super) faults: Vec<String>,
}

impl<'a> Mending<'a> {
    pub(super) fn mend(&mut self, mend: &Mend) {
        match mend {
            Mend::Move { from, to } => self.move_value(from, to),
            Mend::Split(split) => self.split(split),
            Mend::Rewrite(rewrite) => self.rewrite(rewrite),
            Mend::UrlParameter { path, scheme, name, from: UrlPart::Password } => {
                self.url_parameter(path, scheme, name);
            }
            Mend::Repository { path, registry } => self.repositories(path, registry),
            Mend::Set { path, value } => self.set(path, value, true),
            Mend::Default { path, value } => self.set(path, value, false),
            Mend::Remove { path } => self.remove(path),
            Mend::LabelNodes { nodes, labels } => self.label(nodes, labels),
            Mend::Require { chart, version, when } => {
                if let Some(found) = self.releases_beyond(chart, version) {
                    let (chart, version, when) = (chart.clone(), version.clone(), *when);
                    self.steps.push(Step::Require { chart, version, when, found });
                }
            }
            Mend::Step { when, text, releases, workloads } => self.step(*when, text, releases, workloads),
        }
    }

    /// Something that a person does. What is to be done before the upgrade, and leaves nothing to be seen, is
    /// asked about: else nobody would notice that it was not done.
    fn step(&mut self, when: Phase, text: &Wording, releases: &[String], workloads: &[NamePattern]) {
        let is_seen = self.subject.cluster.is_some() && !(releases.is_empty() && workloads.is_empty());
        let cluster = self.cluster();
        let of_chart = cluster.releases.iter().filter(|release| releases.contains(&release.chart));
        let asks = |resource: &String| workloads.iter().any(|wanted| wanted.matches(resource));
        let asking = cluster.workloads.iter().filter(|workload| workload.resources.iter().any(asks));
        let step = Step::Person {
            text: text.clone(),
            when,
            releases: of_chart.map(ToString::to_string).collect(),
            workloads: asking.map(ToString::to_string).collect(),
        };
        if when == Phase::Before && !is_seen {
            self.ask_whether_done(text);
        }
        self.steps.push(step);
    }

    fn ask_whether_done(&mut self, text: &Wording) {
        let number = self.steps.iter().filter(|step| matches!(step, Step::Person { .. })).count() + 1;
        let id = format!("{}:step-{number}", self.advisory);
        let answer = self.answers.get(&id).cloned();
        if answer.as_deref() == Some(DONE) {
            return;
        }
        let title = Wording { en: "it is done".to_owned(), zh: "已完成".to_owned() };
        let options = vec![QuestionOption { id: DONE.to_owned(), title, recommended: false }];
        self.questions.push(Question { id, text: text.clone(), path: None, options, refused: answer });
    }

    fn remove(&mut self, path: &PathPattern) {
        let found: Vec<_> = path.find(&self.overrides).into_iter().map(|(path, _)| path).collect();
        found.iter().for_each(|path| drop(self.overrides.remove(path)));
    }

    /// Nodes that have the labels already need none.
    fn label(&mut self, nodes: &NodeCondition, labels: &BTreeMap<String, String>) {
        let step = |node: &NodeFacts| {
            let lacks = |(key, value): &(&String, &String)| node.labels.get(*key) != Some(*value);
            let lacking = labels.iter().filter(lacks).map(|(key, value)| (key.clone(), value.clone()));
            Step::Label { node: node.name.clone(), labels: lacking.collect() }
        };
        let steps = self.cluster().nodes.iter().filter(|node| nodes.holds(node)).map(step);
        let is_some = |step: &Step| !matches!(step, Step::Label { labels, .. } if labels.is_empty());
        let steps: Vec<_> = steps.filter(is_some).collect();
        self.steps.extend(steps);
    }

    fn cluster(&self) -> &'a ClusterFacts {
        const NONE: &ClusterFacts =
            &ClusterFacts { nodes: Vec::new(), workloads: Vec::new(), releases: Vec::new() };
        self.subject.cluster.unwrap_or(NONE)
    }

    /// The releases of a chart that are not of these versions; `None` where there are some and all are.
    fn releases_beyond(&self, chart: &str, version: &VersionRange) -> Option<Vec<String>> {
        let releases: Vec<_> =
            self.cluster().releases.iter().filter(|release| release.chart == chart).collect();
        let is_fine = |written: &str| written.parse().is_ok_and(|found| version.holds(&found));
        let beyond = releases.iter().filter(|release| !is_fine(&release.version));
        let beyond: Vec<_> = beyond.map(ToString::to_string).collect();
        (releases.is_empty() || !beyond.is_empty()).then_some(beyond)
    }

    fn fault(&mut self, path: &ValuePath, what: &str) {
        self.faults.push(format!("{path}: {what}"));
    }

    fn set(&mut self, path: &PathPattern, value: &Value, over: bool) {
        let Some(path) = path.as_path() else { return };
        let is_there = self.overrides.get(path).is_some_and(|found| !found.is_null());
        if (over || !is_there) && !self.overrides.set(path, value.clone()) {
            self.fault(path, "can't be set, since no map stands before it");
        }
    }

    fn move_value(&mut self, from: &PathPattern, to: &PathPattern) {
        let (Some(from), Some(to)) = (from.as_path(), to.as_path()) else { return };
        let Some(value) = self.overrides.get(from).filter(|value| !value.is_null()).cloned() else { return };
        let mut moved = self.overrides.clone();
        moved.remove(from);
        if moved.get(to).is_some_and(|found| !found.is_null()) {
            return self.fault(from, &format!("can't be moved to {to}, since something stands there"));
        }
        match moved.set(to, value) {
            true => self.overrides = moved,
            false => self.fault(from, &format!("can't be moved to {to}, since no map stands before it")),
        }
    }

    fn rewrite(&mut self, rewrite: &Rewrite) {
        let apply = |text: &str| rewrite.pattern.0.replace_all(text, rewrite.with.as_str()).into_owned();
        for (path, text) in self.texts(&rewrite.path) {
            let new = apply(&text);
            if apply(&new) == new {
                self.overrides.set(&path, new.into());
            } else {
                self.fault(&path, "stays, since rewriting it would never end; mend the advisory's pattern");
            }
        }
    }

    fn url_parameter(&mut self, path: &PathPattern, scheme: &str, name: &str) {
        for (path, text) in self.texts(path) {
            match url::with_password_as(&text, scheme, name) {
                Ok(Some(url)) => drop(self.overrides.set(&path, url.into())),
                Ok(None) => {}
                Err(reason) => self.fault(&path, reason),
            }
        }
    }

    /// The texts of a pattern.
    fn texts(&self, pattern: &PathPattern) -> Vec<(ValuePath, String)> {
        let found = pattern.find(&self.overrides).into_iter();
        found.filter_map(|(path, value)| Some((path, value.as_str()?.to_owned()))).collect()
    }

    /// The answer to a question about a path; where there is none of the options, the question stays open.
    fn ask(&mut self, path: &ValuePath, text: Wording, options: Vec<QuestionOption>) -> Option<String> {
        let id = format!("{}:{path}", self.advisory);
        let answer = self.answers.get(&id).cloned();
        if let Some(answer) = &answer
            && options.iter().any(|option| option.id == *answer)
        {
            return Some(answer.clone());
        }
        self.questions.push(Question { id, text, path: Some(path.clone()), options, refused: answer });
        None
    }
}
