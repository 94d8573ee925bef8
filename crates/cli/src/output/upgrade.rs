//! The plan of an upgrade, and what it came to.

use portolan_release::advisories::Language;
use portolan_release::diff::{Line, Sign, change_lines, crd_lines, object_lines};
use portolan_release::upgrade::{
    CheckedImage, ImageState, Outcome, Prepared, Push, UpgradePlan, UpgradeReport,
};
use portolan_release::values::Frozen;
use portolan_transfer::{ImageAction, PlannedImage};

use super::style::Style;
use super::{advisories, unready};

/// That there is nothing to upgrade to.
#[must_use]
pub fn is_newest(prepared: &Prepared) -> String {
    let chart = &prepared.chart;
    format!("{} is of the newest version, {} {}", prepared.release.name, chart.name(), chart.version())
}

/// What is asked before the plan is carried out.
#[must_use]
pub fn question(plan: &UpgradePlan) -> String {
    let UpgradePlan { release, chart, from, to, .. } = plan;
    match from {
        Some(_) => format!("Upgrade {release} to {chart} {to}? [y/N] "),
        None => format!("Install {chart} {to} as {release}? [y/N] "),
    }
}

/// All that would be done, a section for each part that has something to say.
#[must_use]
pub fn plan(plan: &UpgradePlan, language: Language, style: Style) -> String {
    let UpgradePlan { release, namespace, from, to, source, .. } = plan;
    let chart = &plan.chart;
    let head = match from {
        Some(from) => format!("{release} in {namespace}: {chart} {from} → {to}, from {source}"),
        None => format!("{release} in {namespace}: {chart} {to} is installed, from {source}"),
    };
    let mut lines = vec![style.bold(head)];
    if plan.makes_namespace {
        lines.push(format!("  the namespace {namespace} is not there, and is made first"));
    }
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
    section(&mut lines, "images that are pushed first", pushed(plan), style);
    section(&mut lines, "images that lack", images(&plan.images), style);
    section(&mut lines, "images that were not looked for", not_asked(&plan.images), style);
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

/// What becomes of each image of the packages, and which projects are made for them.
fn pushed(plan: &UpgradePlan) -> Vec<String> {
    plan.pushes.iter().flat_map(pushed_of).collect()
}

fn pushed_of(push: &Push) -> Vec<String> {
    let transfer = push.transfer();
    let projects = transfer.projects.iter().map(|project| format!("  project {} is made", project.name));
    let left_out =
        transfer.broken.iter().map(|broken| format!("  left out: {}: {}", broken.source, broken.error));
    let none = transfer
        .images
        .is_empty()
        .then(|| format!("  none: {} has none of the chart", push.path().display()));
    projects.chain(transfer.images.iter().map(pushed_image)).chain(left_out).chain(none).collect()
}

fn pushed_image(image: &PlannedImage) -> String {
    let what = match &image.action {
        ImageAction::Push => "push",
        ImageAction::Exists => "there",
        ImageAction::Mend { .. } => "mend",
        ImageAction::Merge { .. } => "merge",
        ImageAction::Replace { .. } => "replace",
        ImageAction::Keep { .. } => "kept",
    };
    let platforms: Vec<String> = image.platforms.iter().map(ToString::to_string).collect();
    format!("  {what} {} for {}", image.target, platforms.join(", "))
}

/// What merely reads like an image of a registry that nothing else names.
fn not_asked(images: &[CheckedImage]) -> Vec<String> {
    let not_asked = images.iter().filter(|image| image.state == ImageState::NotAsked);
    not_asked.map(|image| format!("  {}, by what {} reads like", image.image, image.object)).collect()
}

fn not_rehearsed(plan: &UpgradePlan) -> Vec<String> {
    plan.rehearsal.not_rehearsed.iter().map(|one| format!("  {}: {}", one.object, one.why)).collect()
}

/// What an upgrade came to, and what is left to be done.
#[must_use]
pub fn report(report: &UpgradeReport, language: Language, style: Style) -> String {
    let mut lines = vec![head(report, style)];
    lines.extend(report.error.iter().map(|error| format!("  {} {error}", style.bad("because"))));
    if report.makes_namespace && report.outcome != Outcome::Upgraded {
        lines.push(format!("  the namespace {} was made, and stays", report.namespace));
    }
    if report.outcome != Outcome::Upgraded && !report.definitions.is_empty() {
        lines.push(format!("  definitions that were applied stay: {}", report.definitions.join(", ")));
    }
    if report.outcome != Outcome::Upgraded && !report.labelled.is_empty() {
        lines.push(format!("  labels stay that nodes got: {}", report.labelled.join(", ")));
    }
    if !report.hooks_left.is_empty() {
        let left: Vec<String> = report.hooks_left.iter().map(ToString::to_string).collect();
        lines.push(format!("  its hooks left behind: {}", left.join(", ")));
        lines.push(
            "    look into them and remove them: Helm takes none of them back, and replaces one at the next upgrade \
             only where its helm.sh/hook-delete-policy lets it"
                .to_owned(),
        );
    }
    if !report.given_up_on.is_empty() {
        lines.push("  when the new version was given up:".to_owned());
        lines.extend(unready::lines(&report.given_up_on, style));
    }
    if let Some(verified) = &report.verified {
        lines.extend(unready::lines(&verified.unready, style));
    }
    let after = report
        .after
        .iter()
        .map(|step| format!("  {} {}", style.warn("after:"), advisories::step_text(step, language)));
    lines.extend(after);
    lines.extend(report.lease_left.iter().map(|lease| format!("  {lease}")));
    lines.extend(report.backup.iter().map(|backup| format!("  backup: {}", backup.folder.display())));
    lines.join("\n")
}

fn head(report: &UpgradeReport, style: Style) -> String {
    let UpgradeReport { release, from, to, .. } = report;
    let stands = match (&report.version, report.revision, report.status) {
        (Some(version), Some(revision), Some(status)) => format!("{version}, revision {revision}, {status}"),
        _ if report.is_absent => "there is no release of that name".to_owned(),
        _ => "unknown, since the cluster did not tell".to_owned(),
    };
    let (done, tried) = match from {
        Some(from) => {
            (format!("upgraded {release} from {from} to {to}"), format!("to upgrade {release} to {to}"))
        }
        None => (format!("installed {release}, {to}"), format!("to install {release}, {to}")),
    };
    let (verb, object) = done.split_once(' ').unwrap_or((&done, ""));
    let failed = style.bad("failed");
    match report.outcome {
        Outcome::Upgraded => format!("{} {object}: {stands}", style.good(verb)),
        Outcome::NotReady => format!("{} {object}, and not all is ready: {stands}", style.warn(verb)),
        Outcome::RolledBack if report.is_absent => {
            format!("{failed} {tried}; it was taken away again: {stands}")
        }
        Outcome::RolledBack => format!("{failed} {tried}; it is back at {stands}"),
        Outcome::NotBegun => format!("{failed} {tried}; it was not touched: {stands}"),
        Outcome::Failed => format!("{failed} {tried}; it is {stands}"),
        Outcome::Undone => {
            format!("{} the upgrade of {release} to {to}: {stands}", style.good("took back"))
        }
    }
}
