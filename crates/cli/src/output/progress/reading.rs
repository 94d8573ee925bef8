//! How far the reading of a depot is: a bar on a terminal, now and then a line elsewhere.

use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, MultiProgress, ProgressBar};
use portolan_depot::store::Amount;

use super::bars::total_style;

/// The least time between two lines.
const PAUSE: Duration = Duration::from_secs(30);

/// How it is shown.
#[derive(Debug)]
pub enum Shown {
    /// As a bar on that screen.
    Bar(MultiProgress),
    /// As lines.
    Lines,
    /// Not at all.
    Nothing,
}

/// Follows the reading.
#[derive(Debug)]
pub struct Reading {
    shown: Shown,
    bar: Option<ProgressBar>,
    total: Amount,
    last: Instant,
}

impl Reading {
    /// Nothing is shown yet.
    #[must_use]
    pub fn new(shown: Shown) -> Self {
        Self { shown, bar: None, total: Amount::default(), last: Instant::now() }
    }

    /// So much will be read.
    pub fn begin(&mut self, total: Amount) {
        self.total = total;
        if let Shown::Bar(screen) = &self.shown {
            self.bar = Some(screen.add(ProgressBar::new(total.bytes).with_style(total_style())));
        }
    }

    /// So much was read. Gives a line where one is due.
    pub fn at(&mut self, read: Amount, now: Instant) -> Option<String> {
        if let Some(bar) = &self.bar {
            bar.set_position(read.bytes);
        }
        let is_due = matches!(self.shown, Shown::Lines) && now.duration_since(self.last) >= PAUSE;
        is_due.then(|| {
            self.last = now;
            format!("{} of {} read", BinaryBytes(read.bytes), BinaryBytes(self.total.bytes))
        })
    }

    /// All is read.
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_now_and_then() {
        let mut reading = Reading::new(Shown::Lines);
        let start = reading.last;
        let read = |bytes| Amount { contents: 1, bytes };
        reading.begin(read(4 << 30));
        assert_eq!(reading.at(read(1 << 30), start + Duration::from_secs(29)), None);
        let line = reading.at(read(2 << 30), start + Duration::from_secs(30));
        assert_eq!(line.as_deref(), Some("2.00 GiB of 4.00 GiB read"));
        assert_eq!(reading.at(read(3 << 30), start + Duration::from_secs(31)), None);
    }
}
