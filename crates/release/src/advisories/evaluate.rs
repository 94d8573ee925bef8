//! Holding advisories against an upgrade.

use std::{collections::BTreeSet, sync::Mutex};

use portolan_chart::ChartVersion;
use portolan_oci::Reference;

use super::{
    Advisories,
    condition::Condition,
    facts::{Asked, Subject},
    format::{Advisory, Choice, Mend},
    mend::Mending,
    outcome::{Advice, Answers, Finding, Question, QuestionOption},
    sources::Sourced,
    truth::Truth,
};
use crate::{diff::value_changes, values::Values};

impl Advisories {
    /// What the advisories come to, one after the other: each sees what those before it mended.
    ///
    /// All of it is done twice. What mends something the second time too is told as a fault: advisories that
    /// undo each other, or one that never ends.
    #[must_use]
    pub fn advise(&self, subject: &Subject<'_>, answers: &Answers) -> Advice {
        let mut advice = self.pass(subject, answers);
        let again = self.pass(&Subject { overrides: &advice.overrides, ..*subject }, answers);
        for finding in again.findings.into_iter().filter(|finding| !finding.edits.is_empty()) {
            let fault = "mending twice is not mending once; mend this advisory, or the one that undoes it";
            let place = advice.findings.iter().position(|first| first.advisory == finding.advisory);
            let place = place.unwrap_or_else(|| {
                advice.findings.push(finding);
                advice.findings.len() - 1
            });
            advice.findings[place].faults.push(fault.to_owned());
        }
        advice
    }

    fn pass(&self, subject: &Subject<'_>, answers: &Answers) -> Advice {
        let mut overrides = subject.overrides.clone();
        let mut findings = Vec::new();
        for advisory in self.iter().filter(|advisory| advisory.advisory.is_about(subject)) {
            let applies = advisory.advisory.applies(subject, &overrides);
            if applies == Truth::No {
                continue;
            }
            let (finding, mended) = find(advisory, applies, subject, &overrides, answers);
            findings.push(finding);
            overrides = mended;
        }
        Advice { findings, overrides }
    }

    /// The ids of those that would apply, or of which nobody knows, while the new chart is not at hand: what hangs
    /// on that chart alone counts.
    #[must_use]
    pub fn would_apply(&self, subject: &Subject<'_>) -> Vec<String> {
        let applies = |advisory: &Advisory| {
            let asks_for_the_chart = advisory.when.as_ref().is_some_and(Condition::asks_for_the_chart);
            asks_for_the_chart || advisory.applies(subject, subject.overrides) != Truth::No
        };
        let about = self.iter().map(|one| &one.advisory).filter(|one| one.is_about(subject));
        about.filter(|one| applies(one)).map(|one| one.id.to_string()).collect()
    }

    /// The images that [`Self::advise`] would ask the registry about: for whoever has to fetch the answers.
    #[must_use]
    pub fn images_to_ask(&self, subject: &Subject<'_>) -> BTreeSet<Reference> {
        let asked = Asked { of: subject.images, queries: Mutex::default() };
        let _ = self.advise(&Subject { images: &asked, ..*subject }, &Answers::new());
        asked.queries.into_inner().expect("because nothing panics while it holds the lock")
    }
}

impl Advisory {
    /// Whether it is about an upgrade of that module between those versions, whatever the values.
    #[must_use]
    pub fn concerns(&self, module: &str, from: &ChartVersion, to: &ChartVersion) -> bool {
        self.module == module && self.from.holds(from) && self.to.holds(to)
    }

    /// Whether it is about this module and these versions.
    fn is_about(&self, subject: &Subject<'_>) -> bool {
        self.module == subject.module
            && self.to.holds(subject.to)
            && subject.from.is_none_or(|from| self.from.holds(from))
    }

    fn applies(&self, subject: &Subject<'_>, overrides: &Values) -> Truth {
        self.when.as_ref().map_or(Truth::Yes, |when| when.holds(subject, overrides))
    }
}

fn find(
    advisory: &Sourced,
    applies: Truth,
    subject: &Subject<'_>,
    overrides: &Values,
    answers: &Answers,
) -> (Finding, Values) {
    let Sourced { advisory, source } = advisory;
    let mut mending = Mending {
        subject,
        advisory: &advisory.id,
        answers,
        overrides: overrides.clone(),
        steps: Vec::new(),
        questions: Vec::new(),
        faults: Vec::new(),
    };
    if applies == Truth::Yes {
        mending.mends(advisory);
    }
    let finding = Finding {
        advisory: advisory.id.clone(),
        source: source.to_string(),
        severity: advisory.severity,
        title: advisory.title.clone(),
        applies,
        edits: value_changes(overrides, &mending.overrides),
        steps: mending.steps,
        questions: mending.questions,
        faults: mending.faults,
    };
    (finding, mending.overrides)
}

impl Mending<'_> {
    fn mends(&mut self, advisory: &Advisory) {
        let mends: &[Mend] = match advisory.choices.is_empty() {
            true => &advisory.mend,
            false => match self.chosen(advisory) {
                Some(choice) => &choice.mend,
                None => &[],
            },
        };
        mends.iter().for_each(|mend| self.mend(mend));
    }

    /// The way that was taken already, or that somebody chose; else the question stays open.
    fn chosen<'c>(&mut self, advisory: &'c Advisory) -> Option<&'c Choice> {
        let holds = |condition: &Option<Condition>| {
            condition.as_ref().map(|condition| condition.holds(self.subject, &self.overrides) == Truth::Yes)
        };
        if let Some(taken) = advisory.choices.iter().find(|choice| holds(&choice.taken_when) == Some(true)) {
            return Some(taken);
        }
        let open = advisory.choices.iter().filter(|choice| holds(&choice.when) != Some(false));
        let open: Vec<&Choice> = open.collect();
        let answer = self.answers.get(advisory.id.as_str());
        if let Some(chosen) =
            open.iter().find(|choice| answer.is_some_and(|answer| choice.id.as_str() == answer))
        {
            return Some(chosen);
        }
        let options = open.iter().map(|choice| QuestionOption {
            id: choice.id.to_string(),
            title: choice.title.clone(),
            recommended: holds(&choice.recommended_when) == Some(true),
        });
        let options = options.collect();
        let (id, text, refused) = (advisory.id.to_string(), advisory.title.clone(), answer.cloned());
        self.questions.push(Question { id, text, path: None, options, refused });
        None
    }
}
