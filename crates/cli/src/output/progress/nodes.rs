//! Progress of a load: a bar for each node on a terminal, lines elsewhere, records for programs.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, MultiProgress, ProgressBar, ProgressStyle};
use portolan_node::{Event, LoadResult, Observer};

use crate::output::load::outcome_cell;
use crate::output::printable::printable;
use crate::output::record::Record;
use crate::output::style::Style;

/// The least time between two lines on the bytes of a node.
const PAUSE: Duration = Duration::from_secs(5);

/// The same between two records.
const RECORD_PAUSE: Duration = Duration::from_secs(1);

/// How it is shown.
#[derive(Debug)]
pub enum NodesShown {
    /// As bars on that screen.
    Bars(MultiProgress, Style),
    /// As lines.
    Lines(Style),
    /// As JSON lines.
    Records,
}

/// Follows all nodes of a load.
#[derive(Debug)]
pub struct Nodes {
    shown: NodesShown,
    nodes: Mutex<HashMap<String, Node>>,
}

/// How far a node is.
#[derive(Debug)]
struct Node {
    bytes: u64,
    sent: u64,
    last: Instant,
    bar: Option<ProgressBar>,
}

impl Nodes {
    /// Nothing is shown yet.
    #[must_use]
    pub fn new(shown: NodesShown) -> Self {
        Self { shown, nodes: Mutex::default() }
    }

    /// A renderer that panicked has said so; the count it leaves is still good.
    fn nodes(&self) -> MutexGuard<'_, HashMap<String, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, node: &str, bytes: u64) {
        let bar = match &self.shown {
            NodesShown::Bars(screen, _) => {
                let bar = ProgressBar::new(bytes).with_style(bar_style()).with_message(node.to_owned());
                Some(screen.add(bar))
            }
            NodesShown::Lines(_) | NodesShown::Records => None,
        };
        let state = Node { bytes, sent: 0, last: Instant::now(), bar };
        self.nodes().insert(node.to_owned(), state);
    }

    /// Counts bytes, and says so where that is due.
    fn sent(&self, name: &str, bytes: u64) {
        let mut nodes = self.nodes();
        let Some(node) = nodes.get_mut(name) else { return };
        node.sent += bytes;
        node.bytes = node.bytes.max(node.sent);
        if let Some(bar) = &node.bar {
            bar.set_length(node.bytes);
            bar.set_position(node.sent);
        }
        match &self.shown {
            NodesShown::Lines(_) if node.is_due(PAUSE) => {
                let (sent, bytes) = (BinaryBytes(node.sent), BinaryBytes(node.bytes));
                line(&format!("{name}: {sent} of {bytes} sent"));
            }
            NodesShown::Records if node.is_due(RECORD_PAUSE) => {
                Record::NodeProgress { node: name, bytes_sent: node.sent, bytes: node.bytes }.write();
            }
            NodesShown::Lines(_) | NodesShown::Records | NodesShown::Bars(..) => {}
        }
    }

    fn say(&self, text: &str) {
        match &self.shown {
            // A terminal that went away is no reason to fail.
            NodesShown::Bars(screen, _) => drop(screen.println(printable(text))),
            NodesShown::Lines(_) => line(text),
            NodesShown::Records => {}
        }
    }

    fn end(&self, node: &str) {
        if let Some(bar) = self.nodes().remove(node).and_then(|node| node.bar) {
            bar.finish_and_clear();
        }
    }

    fn record(&self, record: &Record<'_>) {
        if matches!(self.shown, NodesShown::Records) {
            record.write();
        }
    }

    fn style(&self) -> Style {
        match &self.shown {
            NodesShown::Bars(_, style) | NodesShown::Lines(style) => *style,
            NodesShown::Records => Style::Plain,
        }
    }
}

impl Node {
    fn is_due(&mut self, pause: Duration) -> bool {
        let now = Instant::now();
        let is_due = now.duration_since(self.last) >= pause;
        if is_due {
            self.last = now;
        }
        is_due
    }
}

impl Observer for Nodes {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Asking { node } => self.record(&Record::NodeAsked { node }),
            Event::Planned { plan } => self.record(&Record::node_planned(plan)),
            Event::Started { node, bytes } => self.begin(node, bytes),
            Event::Sent { node, bytes } => self.sent(node, bytes),
            Event::ImageFinished { node, result } => {
                self.say(&image_line(node, result, self.style()));
                self.record(&Record::NodeImageFinished { node, image: result });
            }
            Event::NodeFinished { result } => {
                self.end(&result.node);
                self.record(&Record::node_finished(result));
            }
            Event::Finished { report } => self.record(&Record::load_finished(report)),
        }
    }
}

/// One line on an image that is done with.
fn image_line(node: &str, result: &LoadResult, style: Style) -> String {
    let error = result.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let name = result.names.first().map(ToString::to_string).unwrap_or_default();
    format!("{node}: {} {name}{error}", outcome_cell(result.action).painted(style))
}

/// Progress that nobody can read is no reason to fail.
fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

fn bar_style() -> ProgressStyle {
    let template = "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} left";
    ProgressStyle::with_template(template).expect("because the template is a constant that a test parses")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_parses() {
        drop(bar_style());
    }
}
