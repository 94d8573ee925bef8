//! Progress as plain lines: one for each image and chart, and now and then one on the bytes.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, HumanDuration};
use portolan_transfer::{Event, Observer};

use super::tally::Tally;
use super::{chart_line, image_line};
use crate::output::printable::printable;
use crate::output::style::Style;

/// The least time between two lines on the bytes.
const PAUSE: Duration = Duration::from_secs(5);

/// Writes lines to standard error.
#[derive(Debug)]
pub struct Lines {
    style: Style,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tally: Tally,
    started: Instant,
    last: Instant,
}

impl Lines {
    /// Lines in that style.
    #[must_use]
    pub fn new(style: Style) -> Self {
        let now = Instant::now();
        Self { style, state: Mutex::new(State { tally: Tally::default(), started: now, last: now }) }
    }

    /// A renderer that panicked has said so; the count it leaves is still good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, event: &Event<'_>) -> Option<String> {
        match event {
            Event::ImageFinished { result } => Some(image_line(result, self.style)),
            Event::ChartFinished { result } => Some(chart_line(result, self.style)),
            other => self.state().take(other, Instant::now()),
        }
    }
}

impl Observer for Lines {
    fn event(&self, event: Event<'_>) {
        if let Some(line) = self.line(&event) {
            // Progress that nobody can read is no reason to fail.
            let _ = writeln!(io::stderr().lock(), "{}", printable(&line));
        }
    }
}

impl State {
    /// Counts the event, and gives a line where one is due.
    fn take(&mut self, event: &Event<'_>, now: Instant) -> Option<String> {
        match *event {
            Event::Started { bytes } => {
                self.tally.started(bytes);
                (self.started, self.last) = (now, now);
            }
            Event::Passing { read, size } => self.tally.passing(read, size),
            Event::BlobProgress { id, sent } => self.tally.blob_progress(id, sent),
            Event::BlobFinished { id, size, outcome } => self.tally.blob_finished(id, size, outcome),
            _ => return None,
        }
        self.due(now)
    }

    fn due(&mut self, now: Instant) -> Option<String> {
        if now.duration_since(self.last) < PAUSE {
            return None;
        }
        self.last = now;
        Some(line(&self.tally, now.duration_since(self.started)))
    }
}

fn line(tally: &Tally, elapsed: Duration) -> String {
    let left = tally.left(elapsed).map_or_else(String::new, |left| format!(", {} left", HumanDuration(left)));
    let of = match tally.is_open_ended() {
        true => String::new(),
        false => format!(" of {}", BinaryBytes(tally.total())),
    };
    format!("{}{of}, {}/s{left}", BinaryBytes(tally.done()), BinaryBytes(tally.rate(elapsed)))
}

#[cfg(test)]
mod tests {
    use portolan_transfer::BlobId;

    use super::*;

    #[test]
    fn a_line_on_the_bytes_every_few_seconds_at_most() {
        let start = Instant::now();
        let mut state = State { tally: Tally::default(), started: start, last: start };
        let at = |seconds| start + Duration::from_secs(seconds);
        let moved = |sent| Event::BlobProgress { id: BlobId(0), sent };
        assert_eq!(state.take(&Event::Started { bytes: 1 << 30 }, start), None);
        assert_eq!(state.take(&moved(100 << 20), at(1)), None);
        let expected = "200.00 MiB of 1.00 GiB, 40.00 MiB/s, 20 seconds left";
        assert_eq!(state.take(&moved(200 << 20), at(5)).as_deref(), Some(expected));
        assert_eq!(state.take(&moved(300 << 20), at(9)), None);
        assert!(state.take(&moved(400 << 20), at(10)).is_some());
    }
}
