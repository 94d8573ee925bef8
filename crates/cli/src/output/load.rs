//! A load for people: what would be done, what was done, and what nodes lack.

use indicatif::BinaryBytes;
use portolan_node::{
    ImageCheck, ImageState, LoadAction, LoadCheck, LoadOutcome, LoadReport, LoadResult, NodeName, NodePlan,
    NodeResult, PlannedLoad,
};
use portolan_transfer::{BrokenBundle, PackageImages};
use serde::Serialize;

use super::plan::count;
use super::style::Style;
use super::summary::duration;
use super::table::{Cell, Tone, lines};

/// Version of the plan's shape; raised when a member changes its meaning or goes away.
const LOAD_PLAN_VERSION: u32 = 1;

/// What `--dry-run --output json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanDocument<'a> {
    load_plan_version: u32,
    nodes: &'a [NodePlan],
    /// Nodes that could not be asked.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    lost: &'a [NodeResult],
    broken: &'a [BrokenBundle],
    notes: &'a [String],
}

impl<'a> PlanDocument<'a> {
    /// The plans of all nodes for the images of a package.
    #[must_use]
    pub fn new(nodes: &'a [NodePlan], lost: &'a [NodeResult], images: &'a PackageImages) -> Self {
        let PackageImages { broken, notes, .. } = images;
        Self { load_plan_version: LOAD_PLAN_VERSION, nodes, lost, broken, notes }
    }

    /// Whether something can't be loaded.
    #[must_use]
    pub fn leaves_out(&self) -> bool {
        let is_refused = |image: &PlannedLoad| matches!(image.action, LoadAction::Refuse { .. });
        !self.broken.is_empty()
            || !self.lost.is_empty()
            || self.nodes.iter().flat_map(|node| &node.images).any(is_refused)
    }
}

/// All that would be done.
#[must_use]
pub fn plan(document: &PlanDocument<'_>, style: Style) -> String {
    let mut text = Vec::new();
    for node in document.nodes {
        text.push(heading(&node.node, &node.address, style));
        let rows: Vec<Vec<Cell>> = node.images.iter().flat_map(planned_rows).collect();
        text.extend(lines(&rows, style));
        text.extend(node.notes.iter().map(|note| note_line(note, style)));
    }
    text.extend(document.lost.iter().flat_map(|node| node_lines(node, style)));
    text.extend(remarks(document.broken, document.notes, style));
    text.push(String::new());
    text.extend(document.nodes.iter().map(outline));
    text.push("Nothing was written.".to_owned());
    text.join("\n")
}

/// The plan of a node in a line.
#[must_use]
pub fn outline(plan: &NodePlan) -> String {
    let of =
        |wanted: fn(&LoadAction) -> bool| plan.images.iter().filter(|image| wanted(&image.action)).count();
    let load = of(|action| *action == LoadAction::Load);
    let parts = [
        (load, format!("{load} to load (up to {})", BinaryBytes(plan.bytes()))),
        counted(of(|action| *action == LoadAction::Name), "to be named or pinned"),
        counted(of(|action| *action == LoadAction::Exists), "there already"),
        counted(of(|action| *action == LoadAction::Keep), "kept, because other content has the name"),
        counted(of(|action| matches!(action, LoadAction::Refuse { .. })), "that can't be loaded"),
    ];
    let said: Vec<&str> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(_, text)| text.as_str()).collect();
    let said = if said.is_empty() { "no images".to_owned() } else { said.join(", ") };
    let NodePlan { node, runtime, version, platform, .. } = plan;
    format!("{node}, {} {version}, {platform}: {said}", runtime.as_str())
}

fn counted(number: usize, what: &str) -> (usize, String) {
    (number, format!("{number} {what}"))
}

fn planned_rows(image: &PlannedLoad) -> Vec<Vec<Cell>> {
    let (action, error) = match &image.action {
        LoadAction::Load => (Cell::new("load", Tone::Good), None),
        LoadAction::Name => (Cell::new("name", Tone::Good), None),
        LoadAction::Exists => (Cell::new("exists", Tone::Dim), None),
        LoadAction::Keep => (Cell::new("keep", Tone::Warn), None),
        LoadAction::Refuse { error } => (Cell::new("refuse", Tone::Bad), Some(error.clone())),
    };
    let size = if image.bytes > 0 { BinaryBytes(image.bytes).to_string() } else { String::new() };
    let first = vec![action, first_name(&image.names), Cell::usual(size)];
    let from = Some(format!("from {}", image.source));
    rows(first, &image.names, [from, kept(&image.kept), error])
}

/// What became of every image.
#[must_use]
pub fn report(report: &LoadReport, style: Style) -> String {
    let mut text: Vec<String> = report.nodes.iter().flat_map(|node| node_lines(node, style)).collect();
    text.extend(remarks(&report.broken, &report.notes, style));
    text.push(String::new());
    text.extend(interrupted(report));
    let images = report.nodes.iter().map(|node| node.images.len()).sum();
    let (seconds, sent) = (duration(report.totals.seconds), BinaryBytes(report.totals.bytes_sent));
    text.push(format!("{} in {seconds}, {sent} sent", count(images, "image")));
    text.join("\n")
}

fn node_lines(node: &NodeResult, style: Style) -> Vec<String> {
    let mut text = vec![heading(&node.node, &node.address, style)];
    let rows: Vec<Vec<Cell>> = node.images.iter().flat_map(result_rows).collect();
    text.extend(lines(&rows, style));
    text.extend(node.failure.iter().map(|failure| format!("{} {}", style.bad("node:"), failure.error)));
    text.extend(node.notes.iter().map(|note| note_line(note, style)));
    text
}

fn result_rows(image: &LoadResult) -> Vec<Vec<Cell>> {
    let sent = if image.bytes_sent > 0 { BinaryBytes(image.bytes_sent).to_string() } else { String::new() };
    let digest = image.digest.as_ref().map(ToString::to_string).unwrap_or_default();
    let first = vec![
        outcome_cell(image.action),
        first_name(&image.names),
        Cell::usual(sent),
        Cell::new(digest, Tone::Dim),
    ];
    rows(first, &image.names, [kept(&image.kept), image.error.clone(), None])
}

/// The word for what became of an image.
pub(super) fn outcome_cell(outcome: LoadOutcome) -> Cell {
    match outcome {
        LoadOutcome::Loaded => Cell::new("loaded", Tone::Good),
        LoadOutcome::Named => Cell::new("named", Tone::Good),
        LoadOutcome::Exists => Cell::new("exists", Tone::Dim),
        LoadOutcome::Kept => Cell::new("kept", Tone::Warn),
        LoadOutcome::Unnamed => Cell::new("unnamed", Tone::Warn),
        LoadOutcome::Failed => Cell::new("failed", Tone::Bad),
        LoadOutcome::Interrupted => Cell::new("interrupted", Tone::Warn),
    }
}

/// What an interruption left, and what to do about it.
fn interrupted(report: &LoadReport) -> Option<String> {
    let images = report.nodes.iter().flat_map(|node| &node.images);
    let left = images.filter(|image| image.action == LoadOutcome::Interrupted).count();
    (left > 0).then(|| {
        format!("Interrupted before {} were there; the same command goes on from here", count(left, "image"))
    })
}

/// What nodes lack.
#[must_use]
pub fn check(check: &LoadCheck, style: Style) -> String {
    let mut text = Vec::new();
    for node in &check.nodes {
        text.push(heading(&node.node, &node.address, style));
        let rows: Vec<Vec<Cell>> = node.images.iter().flat_map(check_rows).collect();
        text.extend(lines(&rows, style));
        text.extend(node.error.iter().map(|error| format!("{} {error}", style.bad("node:"))));
        let whole = node.images.iter().filter(|image| image.state == ImageState::Whole).count();
        text.push(format!("{whole} of {} whole", count(node.images.len(), "image")));
    }
    text.join("\n")
}

fn check_rows(image: &ImageCheck) -> Vec<Vec<Cell>> {
    let state = match image.state {
        ImageState::Whole => Cell::new("whole", Tone::Good),
        ImageState::Incomplete => Cell::new("incomplete", Tone::Bad),
        ImageState::Unnamed => Cell::new("unnamed", Tone::Warn),
        ImageState::Absent => Cell::new("absent", Tone::Bad),
        ImageState::Differs => Cell::new("differs", Tone::Warn),
        ImageState::Unfit => Cell::new("unfit", Tone::Bad),
    };
    let is_in_part = image.lacks.len() < image.names.len() && !image.lacks.is_empty();
    let lacks = is_in_part.then(|| format!("lacks {}", joined(&image.lacks)));
    rows(vec![state, first_name(&image.names)], &image.names, [lacks, image.error.clone(), None])
}

fn heading(node: &str, address: &str, style: Style) -> String {
    format!("{} {}", style.bold(format!("Images on {node}")), style.dim(address))
}

fn first_name(names: &[NodeName]) -> Cell {
    Cell::usual(names.first().map(ToString::to_string).unwrap_or_default())
}

/// A first row, and below it what else there is to say.
fn rows(first: Vec<Cell>, names: &[NodeName], remarks: [Option<String>; 3]) -> Vec<Vec<Cell>> {
    let others = (names.len() > 1).then(|| format!("also {}", joined(&names[1..])));
    let below = std::iter::once(others).chain(remarks).flatten();
    let below = below.map(|remark| vec![Cell::usual(""), Cell::new(remark, Tone::Dim)]);
    std::iter::once(first).chain(below).collect()
}

fn kept(names: &[NodeName]) -> Option<String> {
    (!names.is_empty()).then(|| format!("left as it is, with other content: {}", joined(names)))
}

fn joined(names: &[NodeName]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn remarks(broken: &[BrokenBundle], notes: &[String], style: Style) -> Vec<String> {
    let broken =
        broken.iter().map(|broken| format!("{} {}: {}", style.bad("broken:"), broken.source, broken.error));
    broken.chain(notes.iter().map(|note| note_line(note, style))).collect()
}

fn note_line(note: &str, style: Style) -> String {
    format!("{} {note}", style.dim("note:"))
}
