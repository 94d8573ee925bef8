//! Renderers of a run's events: bars on a terminal, lines elsewhere.

mod bars;
mod lines;
mod tally;

pub use bars::Bars;
pub use lines::Lines;

use portolan_transfer::{ChartOutcome, ChartResult, ImageOutcome, ImageResult};

use super::style::Style;
use super::summary::{chart_cell, image_cell};

/// One line on an image that is done with.
fn image_line(result: &ImageResult, style: Style) -> String {
    let error = result.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let kept = match result.action {
        ImageOutcome::Kept => ": the tag holds other content",
        ImageOutcome::Pushed | ImageOutcome::Exists | ImageOutcome::Failed => "",
    };
    format!("{} {}{kept}{error}", image_cell(result.action).painted(style), result.target)
}

/// One line on a chart that is done with.
fn chart_line(result: &ChartResult, style: Style) -> String {
    let error = result.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let kept = match result.action {
        ChartOutcome::Kept => ": another one has that name and version",
        ChartOutcome::Pushed | ChartOutcome::Exists | ChartOutcome::Withheld | ChartOutcome::Failed => "",
    };
    format!("{} {} {}{kept}{error}", chart_cell(result.action).painted(style), result.name, result.version)
}
