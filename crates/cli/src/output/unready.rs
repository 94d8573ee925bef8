//! Objects that did not become ready, with what the cluster says of them.

use portolan_release::Unready;

use super::style::Style;

/// A line for each object, and below it its events and the last lines of its containers.
#[must_use]
pub fn lines(unready: &[Unready], style: Style) -> Vec<String> {
    unready.iter().flat_map(|object| of(object, style)).collect()
}

fn of(object: &Unready, style: Style) -> Vec<String> {
    let mut lines = vec![format!("  {} {}: {}", style.bad("not ready"), object.object, object.why)];
    lines.extend(object.events.iter().map(|event| format!("    {event}")));
    lines.extend(object.log.iter().map(|line| format!("    {} {line}", style.dim("log"))));
    lines
}
