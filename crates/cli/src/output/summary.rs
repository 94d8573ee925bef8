//! The report, for people: what became of every image and chart, and the sums.

use std::time::Duration;

use indicatif::{BinaryBytes, HumanDuration};
use portolan_transfer::{Changes, ChartOutcome, ChartResult, Differing, ImageOutcome, ImageResult, Report};

use super::plan::{count, platforms};
use super::style::Style;
use super::table::{Cell, Tone, lines};

/// The summary at the end of a run.
#[must_use]
pub fn table(report: &Report, style: Style) -> String {
    let mut text = Vec::new();
    let images: Vec<Vec<Cell>> = report.images.iter().flat_map(image_rows).collect();
    text.extend(section("Images", &images, style));
    let charts: Vec<Vec<Cell>> = report.charts.iter().flat_map(chart_rows).collect();
    text.extend(section("Charts", &charts, style));
    text.extend(
        report
            .broken
            .iter()
            .map(|broken| format!("{} {}: {}", style.bad("broken:"), broken.source, broken.error)),
    );
    text.extend(report.notes.iter().map(|note| format!("{} {note}", style.dim("note:"))));
    text.push(String::new());
    text.extend(interrupted(report));
    text.push(totals(report));
    text.join("\n")
}

fn section(heading: &str, rows: &[Vec<Cell>], style: Style) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    std::iter::once(style.bold(heading)).chain(lines(rows, style)).collect()
}

fn image_rows(image: &ImageResult) -> Vec<Vec<Cell>> {
    let digest = image.digest.as_ref().map(ToString::to_string).unwrap_or_default();
    let sent = if image.bytes_sent > 0 { BinaryBytes(image.bytes_sent).to_string() } else { String::new() };
    let first = vec![
        image_cell(image.action),
        Cell::usual(image.target.to_string()),
        Cell::usual(platforms(&image.platforms)),
        Cell::usual(sent),
        Cell::new(digest, Tone::Dim),
        verified_cell(image.verified),
    ];
    with_remarks(first, [what_was_there(image), image.error.clone()])
}

/// What became of what a tag held before.
fn what_was_there(image: &ImageResult) -> Option<String> {
    let found = image.found.as_ref()?;
    let changes = in_words(&image.changes);
    Some(match image.action {
        ImageOutcome::Kept if changes.is_empty() => format!("the tag holds {found}, and was left as it is"),
        ImageOutcome::Replaced => format!("in place of {found}"),
        _ => changes,
    })
}

/// What a merge changes of a tag, and what it keeps.
pub(super) fn in_words(changes: &Changes) -> String {
    let differing =
        |what: &'static str| move |one: &Differing| format!("{what} {} with {}", one.platform, one.found);
    let added = (!changes.added.is_empty()).then(|| format!("adds {}", platforms(&changes.added)));
    let replaced = changes.replaced.iter().map(differing("replaces"));
    let kept = changes.kept.iter().map(differing("keeps"));
    added.into_iter().chain(replaced).chain(kept).collect::<Vec<_>>().join("; ")
}

fn chart_rows(chart: &ChartResult) -> Vec<Vec<Cell>> {
    let named = format!("{} {}", chart.name, chart.version);
    let first = vec![
        chart_cell(chart.action),
        Cell::usual(named),
        Cell::usual(&chart.target),
        verified_cell(chart.verified),
    ];
    with_remarks(first, [None, chart.error.clone()])
}

fn with_remarks(first: Vec<Cell>, remarks: [Option<String>; 2]) -> Vec<Vec<Cell>> {
    let below =
        remarks.into_iter().flatten().map(|remark| vec![Cell::usual(""), Cell::new(remark, Tone::Dim)]);
    std::iter::once(first).chain(below).collect()
}

/// The word for what was looked into and found whole.
pub(super) fn verified_cell(verified: bool) -> Cell {
    Cell::new(if verified { "verified" } else { "" }, Tone::Dim)
}

/// The word for what became of an image.
pub(super) fn image_cell(outcome: ImageOutcome) -> Cell {
    match outcome {
        ImageOutcome::Pushed => Cell::new("pushed", Tone::Good),
        ImageOutcome::Exists => Cell::new("exists", Tone::Dim),
        ImageOutcome::Mended => Cell::new("mended", Tone::Good),
        ImageOutcome::Merged => Cell::new("merged", Tone::Good),
        ImageOutcome::Replaced => Cell::new("replaced", Tone::Good),
        ImageOutcome::Kept => Cell::new("kept", Tone::Warn),
        ImageOutcome::Failed => Cell::new("failed", Tone::Bad),
        ImageOutcome::Interrupted => Cell::new("interrupted", Tone::Warn),
    }
}

/// The word for what became of a chart.
pub(super) fn chart_cell(outcome: ChartOutcome) -> Cell {
    match outcome {
        ChartOutcome::Pushed => Cell::new("uploaded", Tone::Good),
        ChartOutcome::Exists => Cell::new("exists", Tone::Dim),
        ChartOutcome::Mended => Cell::new("mended", Tone::Good),
        ChartOutcome::Kept => Cell::new("kept", Tone::Warn),
        ChartOutcome::Withheld => Cell::new("withheld", Tone::Warn),
        ChartOutcome::Failed => Cell::new("failed", Tone::Bad),
        ChartOutcome::Interrupted => Cell::new("interrupted", Tone::Warn),
    }
}

/// What an interruption left, and what to do about it.
fn interrupted(report: &Report) -> Option<String> {
    let images = report.images.iter().filter(|image| image.action == ImageOutcome::Interrupted).count();
    let charts = report.charts.iter().filter(|chart| chart.action == ChartOutcome::Interrupted).count();
    (images + charts > 0).then(|| {
        let (images, charts) = (count(images, "image"), count(charts, "chart"));
        format!("Interrupted before {images} and {charts} were there; the same command goes on from here")
    })
}

fn totals(report: &Report) -> String {
    let totals = &report.totals;
    let blobs = |number: u64, what: &str| (number > 0).then(|| format!("{number} {what}"));
    let parts = [
        blobs(totals.blobs_uploaded, "sent"),
        blobs(totals.blobs_mounted, "mounted from another repository"),
        blobs(totals.blobs_existed, "there already"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let blobs = if parts.is_empty() { String::new() } else { format!("; blobs: {}", parts.join(", ")) };
    format!(
        "{} and {} in {}, {} sent{blobs}",
        count(report.images.len(), "image"),
        count(report.charts.len(), "chart"),
        duration(totals.seconds),
        BinaryBytes(totals.bytes_sent),
    )
}

/// Short times with their parts, long ones in words.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        HumanDuration(Duration::try_from_secs_f64(seconds).unwrap_or_default()).to_string()
    }
}
