//! The plan, for people: a table for `--dry-run`, a few lines before a run.

use std::collections::HashSet;

use indicatif::BinaryBytes;
use portolan_oci::Platform;
use portolan_transfer::{ChartAction, ImageAction, Plan, PlannedChart, PlannedImage, Visibility};

use super::style::Style;
use super::summary::{in_words, verified_cell};
use super::table::{Cell, Tone, lines};

/// All that a run would do.
#[must_use]
pub fn table(plan: &Plan, style: Style) -> String {
    let mut text = Vec::new();
    text.extend(projects(plan, style));
    text.extend(images(plan, style));
    text.extend(charts(plan, style));
    text.extend(broken(plan, style));
    text.extend(plan.notes.iter().map(|note| format!("{} {note}", style.dim("note:"))));
    text.push(String::new());
    text.push(outline(plan));
    text.push("Nothing was written.".to_owned());
    text.join("\n")
}

/// The plan in a few lines.
#[must_use]
pub fn outline(plan: &Plan) -> String {
    let mut lines = vec![image_counts(plan), chart_counts(plan)];
    if !plan.broken.is_empty() {
        lines.push(format!("Left out: {} that cannot be carried", count(plan.broken.len(), "bundle")));
    }
    lines.push(format!("Plan: {}", plan.digest));
    lines.join("\n")
}

/// Every image once, for however many platforms it comes, `SOURCE TARGET` a line, for `--print-images`.
#[must_use]
pub fn image_pairs(plan: &Plan) -> String {
    let mut told = HashSet::new();
    let pairs = plan.images.iter().map(|image| format!("{} {}\n", image.source, image.target));
    pairs.filter(|pair| told.insert(pair.clone())).collect()
}

fn image_counts(plan: &Plan) -> String {
    let of =
        |wanted: fn(&ImageAction) -> bool| plan.images.iter().filter(|image| wanted(&image.action)).count();
    let push = of(|action| matches!(action, ImageAction::Push));
    let parts = [
        (push, format!("{push} to push (up to {})", BinaryBytes(plan.bytes_to_push()))),
        counted(of(|action| matches!(action, ImageAction::Merge { .. })), "to merge into what the tag holds"),
        counted(of(|action| matches!(action, ImageAction::Replace { .. })), "to replace what the tag holds"),
        counted(of(|action| matches!(action, ImageAction::Mend { .. })), "to mend, because parts lack"),
        counted(of(|action| matches!(action, ImageAction::Exists)), "there already"),
        counted(
            of(|action| matches!(action, ImageAction::Keep { .. })),
            "kept, because the tag holds other content",
        ),
    ];
    sentence("Images", &parts)
}

fn chart_counts(plan: &Plan) -> String {
    let of = |wanted| plan.charts.iter().filter(|chart| chart.action == wanted).count();
    let parts = [
        counted(of(ChartAction::Push), "to upload"),
        counted(of(ChartAction::Later), "to upload, unless they are there already"),
        counted(of(ChartAction::Mend), "to mend, because the archive lacks"),
        counted(of(ChartAction::Exists), "there already"),
        counted(of(ChartAction::Keep), "kept, because another one has that name and version"),
    ];
    sentence("Charts", &parts)
}

fn counted(number: usize, what: &str) -> (usize, String) {
    (number, format!("{number} {what}"))
}

fn sentence(subject: &str, parts: &[(usize, String)]) -> String {
    let said: Vec<&str> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(_, text)| text.as_str()).collect();
    let said = if said.is_empty() { "none".to_owned() } else { said.join(", ") };
    format!("{subject}: {said}")
}

/// `1 bundle`, `2 bundles`.
pub(super) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn projects(plan: &Plan, style: Style) -> Vec<String> {
    let rows = plan.projects.iter().map(|project| {
        let visibility = match project.visibility {
            Visibility::Private => "private",
            Visibility::Public => "public",
        };
        vec![Cell::new("create", Tone::Good), Cell::usual(&project.name), Cell::new(visibility, Tone::Dim)]
    });
    section("Projects", &plan.registry, &rows.collect::<Vec<_>>(), style)
}

fn images(plan: &Plan, style: Style) -> Vec<String> {
    let rows: Vec<Vec<Cell>> = plan.images.iter().flat_map(image_rows).collect();
    section("Images", &plan.registry, &rows, style)
}

fn image_rows(image: &PlannedImage) -> Vec<Vec<Cell>> {
    let (action, remark) = match &image.action {
        ImageAction::Push => (Cell::new("push", Tone::Good), None),
        ImageAction::Exists => (Cell::new("exists", Tone::Dim), None),
        ImageAction::Mend { lacks } => {
            let lacks: Vec<String> = lacks.iter().map(ToString::to_string).collect();
            (Cell::new("mend", Tone::Warn), Some(format!("the registry lacks {} of it", lacks.join(", "))))
        }
        ImageAction::Merge { found, changes } => {
            let tone = if changes.kept.is_empty() { Tone::Good } else { Tone::Warn };
            (Cell::new("merge", tone), Some(format!("into {found}: {}", in_words(changes))))
        }
        ImageAction::Replace { found, holds } => {
            (Cell::new("replace", Tone::Warn), Some(format!("the tag holds {holds}, {found}")))
        }
        ImageAction::Keep { found, holds } => {
            (Cell::new("keep", Tone::Warn), Some(format!("the tag holds {holds}, {found}")))
        }
    };
    let size = BinaryBytes(image.bytes).to_string();
    let first = vec![
        action,
        Cell::usual(image.target.to_string()),
        Cell::usual(platforms(&image.platforms)),
        Cell::usual(size),
        verified_cell(image.verified),
    ];
    let below = |text: String| vec![Cell::usual(""), Cell::new(text, Tone::Dim)];
    let mut rows = vec![first, below(format!("from {}", image.source))];
    rows.extend(remark.map(below));
    rows
}

pub(super) fn platforms(platforms: &[Platform]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn charts(plan: &Plan, style: Style) -> Vec<String> {
    let rows: Vec<Vec<Cell>> = plan.charts.iter().flat_map(chart_rows).collect();
    section("Charts", &plan.chart_repository, &rows, style)
}

fn chart_rows(chart: &PlannedChart) -> Vec<Vec<Cell>> {
    let action = match chart.action {
        ChartAction::Push => Cell::new("upload", Tone::Good),
        ChartAction::Later => Cell::new("upload", Tone::Good),
        ChartAction::Mend => Cell::new("mend", Tone::Warn),
        ChartAction::Exists => Cell::new("exists", Tone::Dim),
        ChartAction::Keep => Cell::new("keep", Tone::Warn),
    };
    let named = format!("{} {}", chart.name, chart.version);
    let first = vec![action, Cell::usual(named), Cell::usual(&chart.target), verified_cell(chart.verified)];
    let damage = chart.damage.iter().map(|damage| vec![Cell::usual(""), Cell::new(damage, Tone::Dim)]);
    let edits = chart.edits.iter().map(|edit| {
        let from = edit.from.as_deref().map_or("(absent)", str::trim);
        let text = format!("{}: {}: {from} becomes {}", edit.file, edit.key, edit.to.trim());
        vec![Cell::usual(""), Cell::new(text, Tone::Dim)]
    });
    std::iter::once(first).chain(damage).chain(edits).collect()
}

fn broken(plan: &Plan, style: Style) -> Vec<String> {
    plan.broken
        .iter()
        .map(|broken| format!("{} {}: {}", style.bad("broken:"), broken.source, broken.error))
        .collect()
}

fn section(heading: &str, place: &str, rows: &[Vec<Cell>], style: Style) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let heading = format!("{} {}", style.bold(format!("{heading} to")), place);
    std::iter::once(heading).chain(lines(rows, style)).collect()
}
