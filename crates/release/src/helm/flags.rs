//! What Helm's versions call the same thing.

use super::version::Line;

/// A failed upgrade goes back to the revision before it.
pub(super) fn roll_back_on_failure(line: Line) -> &'static str {
    match line {
        Line::Three => "--atomic",
        Line::Four => "--rollback-on-failure",
    }
}
