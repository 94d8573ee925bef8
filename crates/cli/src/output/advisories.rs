//! Advisories, and what they come to, as `portolan advisories` shows them.

mod advice;
mod cases;

use portolan_release::advisories::{Advisory, Choice, Language, Severity, Sourced, VersionRange};
use serde::Serialize;

use super::style::Style;
use super::table::{Cell, Tone, lines};
pub(super) use advice::step_text;
pub use advice::{advice, advice_document};
pub use cases::{results, results_document};

/// Version of the documents of `advisories list` and `show`; raised when a member changes its meaning or goes
/// away.
const LIST_VERSION: u32 = 1;

/// The document of `--output json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed<'a> {
    advisory_list_version: u32,
    advisories: &'a [&'a Sourced],
}

/// The document of `--output json`.
#[must_use]
pub fn document<'a>(advisories: &'a [&'a Sourced]) -> Listed<'a> {
    Listed { advisory_list_version: LIST_VERSION, advisories }
}

/// One line an advisory, with its title below.
#[must_use]
pub fn table(advisories: &[&Sourced], language: Language, style: Style) -> String {
    if advisories.is_empty() {
        return "no advisories".to_owned();
    }
    let rows: Vec<Vec<Cell>> = advisories.iter().map(|sourced| row(sourced)).collect();
    let titles = advisories.iter().map(|sourced| format!("    {}", sourced.advisory.title.text(language)));
    let pairs = lines(&rows, style).into_iter().zip(titles);
    pairs.flat_map(|(row, title)| [row, title]).collect::<Vec<_>>().join("\n")
}

fn row(Sourced { advisory, source }: &Sourced) -> Vec<Cell> {
    vec![
        severity(advisory.severity),
        Cell::usual(advisory.id.as_str()),
        Cell::usual(&advisory.module),
        Cell::usual(versions(advisory)),
        Cell::new(source.to_string(), Tone::Dim),
    ]
}

fn severity(severity: Severity) -> Cell {
    let tone = match severity {
        Severity::Breaks | Severity::Disrupts => Tone::Bad,
        Severity::Warns => Tone::Warn,
        Severity::Notes => Tone::Dim,
    };
    Cell::new(severity.to_string(), tone)
}

/// `< 0.21.0 → >= 0.21.0`
fn versions(advisory: &Advisory) -> String {
    let range = |range: &VersionRange| match range.to_string() {
        text if text.is_empty() => "any".to_owned(),
        text => text,
    };
    format!("{} → {}", range(&advisory.from), range(&advisory.to))
}

/// One advisory with its whole text and its choices.
#[must_use]
pub fn whole(Sourced { advisory, source }: &Sourced, language: Language, style: Style) -> String {
    let head = format!("{}: {}", style.bold(&advisory.id), advisory.title.text(language));
    let about = [
        vec![Cell::new("module", Tone::Dim), Cell::usual(&advisory.module)],
        vec![Cell::new("versions", Tone::Dim), Cell::usual(versions(advisory))],
        vec![Cell::new("severity", Tone::Dim), severity(advisory.severity)],
        vec![Cell::new("from", Tone::Dim), Cell::usual(source.to_string())],
        vec![Cell::new("cases", Tone::Dim), Cell::usual(advisory.tests.len().to_string())],
    ];
    let mut parts = vec![head];
    parts.extend(lines(&about, style));
    parts.push(String::new());
    parts.push(advisory.text.text(language).trim_end().to_owned());
    if !advisory.choices.is_empty() {
        parts.push(String::new());
        parts.extend(advisory.choices.iter().map(|choice| choice_line(choice, language, style)));
    }
    parts.join("\n")
}

fn choice_line(choice: &Choice, language: Language, style: Style) -> String {
    format!("  {}: {}", style.bold(&choice.id), choice.title.text(language))
}
