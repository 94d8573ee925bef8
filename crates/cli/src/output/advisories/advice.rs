//! What advisories come to for one upgrade.

use portolan_release::advisories::{Advice, Finding, Language, Phase, Question, Step, Truth};
use portolan_release::diff::{Line, Sign, change_lines};
use serde::Serialize;

use crate::output::style::Style;

/// Version of the document; raised when a member changes its meaning or goes away.
const ADVICE_VERSION: u32 = 1;

/// The document of `--output json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdviceDocument<'a> {
    advice_version: u32,
    /// Whether the upgrade has to wait.
    blocks: bool,
    #[serde(flatten)]
    advice: &'a Advice,
}

/// The document of `--output json`.
#[must_use]
pub fn advice_document(advice: &Advice) -> AdviceDocument<'_> {
    AdviceDocument { advice_version: ADVICE_VERSION, blocks: advice.blocking().next().is_some(), advice }
}

/// A paragraph for each advisory that applies, and a last line that says whether something is open.
#[must_use]
pub fn advice(advice: &Advice, language: Language, style: Style) -> String {
    let findings = advice.findings.iter().map(|one| finding(one, language, style));
    let open = advice.blocking().count();
    let last = match (advice.findings.len(), open) {
        (0, _) => "no advisory applies".to_owned(),
        (_, 0) => style.good("nothing is open"),
        (_, 1) => style.bad("one advisory is open, and the upgrade has to wait for it"),
        (_, many) => style.bad(format!("{many} advisories are open, and the upgrade has to wait for them")),
    };
    findings.chain([last]).collect::<Vec<_>>().join("\n\n")
}

fn finding(finding: &Finding, language: Language, style: Style) -> String {
    let title = finding.title.text(language);
    let mut text = vec![format!(
        "{} {title} {}",
        style.bold(&finding.advisory),
        style.dim(format!("({})", finding.severity))
    )];
    text.extend(state(finding, style));
    text.extend(change_lines(&finding.edits).iter().map(|line| format!("  {}", painted(line, style))));
    text.extend(finding.faults.iter().map(|fault| format!("  {} {fault}", style.bad("not mended:"))));
    for phase in [Phase::Before, Phase::After] {
        let steps = finding.steps.iter().filter(|step| step.phase() == phase);
        text.extend(
            steps.map(|step| format!("  {} {}", style.warn(format!("{phase}:")), step_text(step, language))),
        );
    }
    text.extend(finding.questions.iter().flat_map(|one| question(one, language, style)));
    text.join("\n")
}

/// What is to be said where nothing else says it.
fn state(finding: &Finding, style: Style) -> Option<String> {
    let is_idle = finding.edits.is_empty()
        && finding.faults.is_empty()
        && finding.steps.is_empty()
        && finding.questions.is_empty();
    match finding.applies {
        Truth::Unknown => {
            Some(format!("  {}", style.warn("not known: the cluster was not asked, or gave no answer")))
        }
        _ if is_idle => Some(format!("  {}", style.good("nothing is left to do"))),
        _ => None,
    }
}

fn painted(line: &Line, style: Style) -> String {
    match line.sign {
        Sign::Added => style.good(line),
        Sign::Removed => style.bad(line),
        Sign::Changed => style.warn(line),
        Sign::Context => style.dim(line),
    }
}

/// What is to be done, without when.
pub(in crate::output) fn step_text(step: &Step, language: Language) -> String {
    let about = |text: String, releases: &[String]| match releases.is_empty() {
        true => text,
        false => format!("{text} ({})", releases.join(", ")),
    };
    match step {
        Step::Label { node, labels } => {
            let labels: Vec<_> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("label the node {node} with {}", labels.join(", "))
        }
        Step::Require { chart, version, found, .. } => about(format!("{chart} has to be {version}"), found),
        Step::Person { text, releases, workloads, .. } => {
            about(text.text(language).trim_end().to_owned(), &[workloads.as_slice(), releases].concat())
        }
    }
}

fn question(question: &Question, language: Language, style: Style) -> Vec<String> {
    let mut lines = vec![format!("  {} {}", style.bad("question:"), question.text.text(language))];
    lines.extend(question.refused.iter().map(|answer| format!("    {answer} is none of the answers")));
    lines.extend(question.options.iter().map(|option| {
        let mark = if option.recommended { style.good(" (recommended)") } else { String::new() };
        format!("    --answer '{}={}'  {}{mark}", question.id, option.id, option.title.text(language))
    }));
    lines
}
