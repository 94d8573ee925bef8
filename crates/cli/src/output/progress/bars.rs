//! Progress on a terminal: one bar for the run, and one line for each blob on its way.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use portolan_oci::Digest;
use portolan_transfer::{BlobId, BlobOutcome, Event, Observer};

use super::tally::Tally;
use super::{chart_line, image_line};
use crate::output::printable::printable;
use crate::output::style::Style;

/// The longest entry name that a line shows; the end of a name tells more than its beginning.
const NAME_LIMIT: usize = 40;

/// How much of a digest a line shows.
const DIGEST_LETTERS: usize = 12;

/// Draws bars on standard error.
#[derive(Debug)]
pub struct Bars {
    style: Style,
    screen: MultiProgress,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tally: Tally,
    total: Option<ProgressBar>,
    blobs: HashMap<BlobId, ProgressBar>,
}

impl Bars {
    /// Bars in that style, on that screen. Nothing is drawn yet.
    #[must_use]
    pub fn new(style: Style, screen: MultiProgress) -> Self {
        Self { style, screen, state: Mutex::default() }
    }

    /// A renderer that panicked has said so; the count it leaves is still good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line above the bars. A terminal that went away is no reason to fail.
    fn above(&self, line: &str) {
        let _ = self.screen.println(printable(line));
    }

    fn begin(&self, bytes: u64) {
        let total = self.screen.add(ProgressBar::new(bytes).with_style(total_style()));
        let mut state = self.state();
        state.tally.started(bytes);
        state.total = Some(total);
    }

    fn passing(&self, read: u64, size: Option<u64>) {
        let mut state = self.state();
        if state.total.is_none() {
            let style = if size.is_some() { total_style() } else { pipe_style() };
            let bar = ProgressBar::new(size.unwrap_or_default()).with_style(style);
            state.total = Some(self.screen.add(bar));
        }
        state.tally.passing(read, size);
        state.redraw();
    }

    fn blob_started(&self, id: BlobId, name: String, size: u64) {
        let bar = ProgressBar::new(size).with_style(blob_style()).with_message(name);
        let bar = self.screen.add(bar);
        if let Some(earlier) = self.state().blobs.insert(id, bar) {
            earlier.finish_and_clear();
        }
    }
}

impl State {
    fn redraw(&self) {
        if let Some(total) = &self.total {
            total.set_length(self.tally.total());
            total.set_position(self.tally.done());
        }
    }

    fn blob_progress(&mut self, id: BlobId, sent: u64) {
        self.tally.blob_progress(id, sent);
        if let Some(bar) = self.blobs.get(&id) {
            bar.set_position(sent);
        }
        self.redraw();
    }

    fn blob_finished(&mut self, id: BlobId, size: u64, outcome: BlobOutcome) {
        self.tally.blob_finished(id, size, outcome);
        if let Some(bar) = self.blobs.remove(&id) {
            bar.finish_and_clear();
        }
        self.redraw();
    }

    fn checking(&mut self, bar: ProgressBar) {
        self.total = Some(bar);
    }

    fn end(&mut self) {
        self.blobs.drain().for_each(|(_, bar)| bar.finish_and_clear());
        if let Some(total) = self.total.take() {
            total.finish_and_clear();
        }
    }
}

impl Observer for Bars {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Checking { targets } => {
                let bar = ProgressBar::new(targets as u64).with_style(check_style());
                self.state().checking(self.screen.add(bar));
            }
            Event::Checked => {
                if let Some(bar) = &self.state().total {
                    bar.inc(1);
                }
            }
            Event::Planned { .. } => self.state().end(),
            Event::Passing { read, size } => self.passing(read, size),
            Event::Started { bytes } => self.begin(bytes),
            Event::BlobStarted { id, digest, entry, size } => {
                self.blob_started(id, name(digest, entry), size)
            }
            Event::BlobProgress { id, sent } => self.state().blob_progress(id, sent),
            Event::BlobFinished { id, size, outcome } => self.state().blob_finished(id, size, outcome),
            Event::ImageFinished { result } => self.above(&image_line(result, self.style)),
            Event::ChartFinished { result } => self.above(&chart_line(result, self.style)),
            Event::Finished { .. } => self.state().end(),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.state().end();
    }
}

pub(super) fn total_style() -> ProgressStyle {
    style("{wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} left")
}

fn pipe_style() -> ProgressStyle {
    style("{spinner} {binary_bytes} {binary_bytes_per_sec}")
}

fn blob_style() -> ProgressStyle {
    style("  {msg} {bar:20} {binary_bytes}/{binary_total_bytes}")
}

fn check_style() -> ProgressStyle {
    style("checking {pos} of {len}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("because the templates are constants that a test parses")
}

/// The beginning of the digest, as other tools show it; the entry where the digest is not known yet.
fn name(digest: Option<&Digest>, entry: &str) -> String {
    digest.map_or_else(|| shortened(entry), |digest| digest.hex().chars().take(DIGEST_LETTERS).collect())
}

fn shortened(entry: &str) -> String {
    let letters = entry.chars().count();
    if letters <= NAME_LIMIT {
        return entry.to_owned();
    }
    let end: String = entry.chars().skip(letters + 1 - NAME_LIMIT).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_parse() {
        [total_style(), pipe_style(), blob_style(), check_style()].iter().for_each(drop);
    }

    #[test]
    fn digests_are_shown_by_their_beginning() {
        assert_eq!(name(Some(&Digest::sha256(b"")), "images.tar: abc"), "e3b0c44298fc");
        assert_eq!(name(None, "images.tar: abc"), "images.tar: abc");
    }

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(shortened("images.tar: abc"), "images.tar: abc");
        let long = shortened("kpanda_v0.19.0_amd64.tar: kpanda.bundle.tar: images.tar: 0123456789.tar.gz");
        assert_eq!(long, "…ndle.tar: images.tar: 0123456789.tar.gz");
        assert!(long.chars().count() <= NAME_LIMIT);
    }
}
