//! How far a run is, counted from its events. Pure: time comes in as a parameter.

use std::collections::HashMap;
use std::time::Duration;

use portolan_transfer::{BlobId, BlobOutcome};

/// Bytes of a run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    total: u64,
    done: u64,
    /// Bytes of the package that went by, and how many it has, where it goes by.
    passed: Option<(u64, Option<u64>)>,
    running: HashMap<BlobId, u64>,
}

impl Tally {
    pub(super) fn started(&mut self, bytes: u64) {
        self.total = bytes;
    }

    /// So many bytes of the package went by: from then on they are what counts.
    pub(super) fn passing(&mut self, read: u64, size: Option<u64>) {
        self.passed = Some((read, size));
    }

    /// Whether it is known how many bytes there are in all.
    pub(super) fn is_open_ended(&self) -> bool {
        matches!(self.passed, Some((_, None)))
    }

    /// `sent` bytes of a blob in all; fewer than before where it is tried again.
    pub(super) fn blob_progress(&mut self, id: BlobId, sent: u64) {
        self.running.insert(id, sent);
    }

    /// What did not have to be sent is taken off the total, so that rate and time left tell of real work.
    pub(super) fn blob_finished(&mut self, id: BlobId, size: u64, outcome: BlobOutcome) {
        self.running.remove(&id);
        match outcome {
            BlobOutcome::Uploaded => self.done += size,
            BlobOutcome::Existed | BlobOutcome::Mounted | BlobOutcome::Failed | BlobOutcome::Interrupted => {
                self.total = self.total.saturating_sub(size);
            }
        }
    }

    /// Bytes to be sent in all, as far as is known now.
    pub(super) fn total(&self) -> u64 {
        match self.passed {
            Some((read, size)) => size.unwrap_or(read).max(read),
            None => self.total.max(self.done),
        }
    }

    /// Bytes sent, never above the total: a compressed layer may grow on its way.
    pub(super) fn done(&self) -> u64 {
        if let Some((read, _)) = self.passed {
            return read;
        }
        (self.done + self.running.values().sum::<u64>()).min(self.total())
    }

    /// Bytes a second since the start.
    pub(super) fn rate(&self, elapsed: Duration) -> u64 {
        let seconds = elapsed.as_secs_f64();
        if seconds > 0.0 { (self.done() as f64 / seconds) as u64 } else { 0 }
    }

    /// How long the rest takes at that rate; `None` while nothing is known.
    pub(super) fn left(&self, elapsed: Duration) -> Option<Duration> {
        if self.is_open_ended() {
            return None;
        }
        let rest = self.total() - self.done();
        rest.checked_div(self.rate(elapsed)).map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn counts_what_is_sent_and_forgets_what_need_not_be() {
        let mut tally = Tally::default();
        tally.started(1000);
        assert_eq!((tally.done(), tally.total(), tally.left(SECOND)), (0, 1000, None));
        tally.blob_progress(BlobId(0), 100);
        tally.blob_progress(BlobId(0), 200);
        assert_eq!(
            (tally.done(), tally.rate(2 * SECOND), tally.left(2 * SECOND)),
            (200, 100, Some(8 * SECOND))
        );
        tally.blob_finished(BlobId(0), 250, BlobOutcome::Uploaded);
        tally.blob_finished(BlobId(1), 500, BlobOutcome::Existed);
        assert_eq!((tally.done(), tally.total()), (250, 500));
    }

    #[test]
    fn a_blob_that_is_tried_again_counts_once() {
        let mut tally = Tally::default();
        tally.started(100);
        tally.blob_progress(BlobId(0), 90);
        tally.blob_progress(BlobId(0), 10);
        assert_eq!(tally.done(), 10);
    }

    #[test]
    fn of_a_package_that_goes_by_its_own_bytes_count() {
        let mut tally = Tally::default();
        tally.passing(100, None);
        assert_eq!((tally.done(), tally.total(), tally.left(SECOND)), (100, 100, None));
        tally.passing(100, Some(400));
        tally.blob_progress(BlobId(0), 50);
        assert_eq!((tally.done(), tally.total(), tally.left(SECOND)), (100, 400, Some(3 * SECOND)));
    }

    #[test]
    fn never_more_than_all() {
        let mut tally = Tally::default();
        tally.started(100);
        tally.blob_progress(BlobId(0), 150);
        assert_eq!((tally.done(), tally.left(SECOND)), (100, Some(Duration::ZERO)));
    }
}
