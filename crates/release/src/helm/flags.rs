//! What Helm's versions call the same thing.

use super::version::{HelmVersion, Line};

/// A failed upgrade goes back to the revision before it.
pub(super) fn roll_back_on_failure(line: Line) -> &'static str {
    match line {
        Line::Three => "--atomic",
        Line::Four => "--rollback-on-failure",
    }
}

/// A chart is rendered with the cluster's version, kinds and objects.
pub(super) fn render_with_cluster(version: &HelmVersion) -> &'static [&'static str] {
    match version.line() {
        // Older ones never look anything up in a cluster that they only render for.
        Line::Three if version.is_before(3, 13) => &["--validate"],
        Line::Three => &["--validate", "--dry-run=server"],
        Line::Four => &["--dry-run=server"],
    }
}
