//! The plan of an upgrade, and what it came to.

use portolan_release::advisories::{Language, Phase};
use portolan_release::diff::{Line, Sign, change_lines, crd_lines, object_lines};
use portolan_release::upgrade::{CheckedImage, Outcome, Prepared, UpgradePlan, UpgradeReport};
use portolan_release::values::Frozen;

use super::style::Style;
use super::{advisories, unready};

/// That there is nothing to upgrade to.
#[must_use]
pub fn is_newest(prepared: &Prepared) -> String {
    let chart = &prepared.now.chart.metadata;
    format!("{} is of the newest version, {} {}", prepared.now.name, chart.name, chart.version)
}

/// All that would be done, a section for each part that has something to say.
#[must_use]
pub fn plan(plan: &UpgradePlan, language: Language, style: Style) -> String {
    let UpgradePlan { release, namespace, from, to, source, .. } = plan;
    let head = format!("{release} in {namespace}: {} {from} → {to}, from {source}", plan.chart);
    let mut lines = vec![style.bold(head)];
    section(&mut lines, "values", painted(&change_lines(&plan.values), style), style);
    section(
        &mut lines,
        "to think about",
        plan.concerns.iter().map(|one| format!("  {one}")).collect(),
        style,
    );
    if !plan.frozen.is_empty() {
        lines.push(frozen(&plan.frozen, style));
        lines.push(if plan.drops_frozen {
            "  they are dropped".to_owned()
        } else {
            "  they stay".to_owned()
        });
    }
    if !plan.advice.findings.is_empty() {
        lines.push(style.bold("advisories"));
        lines.push(advisories::advice(&plan.advice, language, style));
    }
    section(&mut lines, "definitions", painted(&crd_lines(&plan.definitions), style), style);
    section(&mut lines, "objects", painted(&object_lines(&plan.objects), style), style);
    section(&mut lines, "images that lack", images(&plan.images), style);
    let no_way_back = plan.way_back.iter().map(|one| format!("  {}: {}", one.object, style.warn(&one.why)));
    section(&mut lines, "no way back, should it fail", no_way_back.collect(), style);
    section(&mut lines, "not rehearsed", not_rehearsed(plan), style);
    section(&mut lines, "notes", plan.notes.iter().map(|note| format!("  {note}")).collect(), style);
    if plan.changes_nothing() {
        lines.push("nothing would change".to_owned());
    }
    lines.push(format!("plan {}", style.dim(&plan.digest)));
    lines.join("\n")
}

/// Overrides that are the old chart's defaults, and what the new chart has in their place.
#[must_use]
pub fn frozen(frozen: &[Frozen], style: Style) -> String {
    let one = |frozen: &Frozen| format!("  {} is {}", frozen.path, frozen.value);
    let head = style.bold("overrides that are the old chart's defaults");
    std::iter::once(head).chain(frozen.iter().map(one)).collect::<Vec<_>>().join("\n")
}

fn section(lines: &mut Vec<String>, title: &str, content: Vec<String>, style: Style) {
    if !content.is_empty() {
        lines.push(style.bold(title));
        lines.extend(content);
    }
}

fn painted(lines: &[Line], style: Style) -> Vec<String> {
    let one = |line: &Line| match line.sign {
        Sign::Added => style.good(line),
        Sign::Removed => style.bad(line),
        Sign::Changed => style.warn(line),
        Sign::Context => line.to_string(),
    };
    lines.iter().map(|line| format!("  {}", one(line))).collect()
}

fn images(images: &[CheckedImage]) -> Vec<String> {
    images
        .iter()
        .map(CheckedImage::words)
        .filter(|words| !words.is_empty())
        .map(|words| format!("  {words}"))
        .collect()
}

fn not_rehearsed(plan: &UpgradePlan) -> Vec<String> {
    plan.rehearsal.not_rehearsed.iter().map(|one| format!("  {}: {}", one.object, one.why)).collect()
}

/// What an upgrade came to, and what is left to be done.
#[must_use]
pub fn report(report: &UpgradeReport, plan: &UpgradePlan, language: Language, style: Style) -> String {
    let mut lines = vec![head(report, style)];
    lines.extend(report.error.iter().map(|error| format!("  {} {error}", style.bad("because"))));
    if report.outcome != Outcome::Upgraded && !report.definitions.is_empty() {
        lines.push(format!("  definitions that were applied stay: {}", report.definitions.join(", ")));
    }
    if !report.hooks_left.is_empty() {
        let left: Vec<String> = report.hooks_left.iter().map(ToString::to_string).collect();
        lines.push(format!("  its hooks left behind: {}", left.join(", ")));
    }
    if let Some(verified) = &report.verified {
        lines.extend(unready::lines(&verified.unready, style));
    }
    let after = plan.advice.steps(Phase::After);
    let after =
        after.map(|step| format!("  {} {}", style.warn("after:"), advisories::step_text(step, language)));
    lines.extend(after);
    lines.extend(report.backup.iter().map(|backup| format!("  backup: {}", backup.folder.display())));
    lines.join("\n")
}

fn head(report: &UpgradeReport, style: Style) -> String {
    let UpgradeReport { release, from, to, .. } = report;
    let stands = match (&report.version, report.revision, report.status) {
        (Some(version), Some(revision), Some(status)) => format!("{version}, revision {revision}, {status}"),
        _ => "unknown, since the cluster did not tell".to_owned(),
    };
    match report.outcome {
        Outcome::Upgraded => format!("{} {release} from {from} to {to}: {stands}", style.good("upgraded")),
        Outcome::NotReady => format!(
            "{} {release} from {from} to {to}, and not all is ready: {stands}",
            style.warn("upgraded")
        ),
        Outcome::RolledBack => {
            format!("{} to upgrade {release} to {to}; it is back at {stands}", style.bad("failed"))
        }
        Outcome::NotBegun => {
            format!("{} to upgrade {release} to {to}; it was not touched: {stands}", style.bad("failed"))
        }
        Outcome::Failed => format!("{} to upgrade {release} to {to}; it is {stands}", style.bad("failed")),
    }
}
