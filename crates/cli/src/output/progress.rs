//! Renderers of a run's events: bars on a terminal, lines elsewhere, records for programs.

mod bars;
mod lines;
mod nodes;
mod reading;
mod records;
mod tally;

pub use bars::Bars;
pub use lines::Lines;
pub use nodes::{Nodes, NodesShown};
pub use reading::{Reading, Shown};
pub use records::Records;

use portolan_transfer::{ChartOutcome, ChartResult, ImageOutcome, ImageResult};

use super::style::Style;
use super::summary::{chart_cell, image_cell};

/// One line on an image that is done with.
fn image_line(result: &ImageResult, style: Style) -> String {
    let error = result.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let is_kept = result.action == ImageOutcome::Kept;
    let kept = if is_kept { ": the tag holds other content" } else { "" };
    format!("{} {}{kept}{error}", image_cell(result.action).painted(style), result.target)
}

/// One line on a chart that is done with.
fn chart_line(result: &ChartResult, style: Style) -> String {
    let error = result.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let is_kept = result.action == ChartOutcome::Kept;
    let kept = if is_kept { ": another one has that name and version" } else { "" };
    format!("{} {} {}{kept}{error}", chart_cell(result.action).painted(style), result.name, result.version)
}
