//! Progress as JSON lines: every event of its own kind, but for the bytes and answers, which are summed up.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portolan_transfer::{Event, Observer};

use super::tally::Tally;
use crate::output::record::Record;

/// The least time between two lines on the bytes, or on the answers.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes records to standard error.
#[derive(Debug)]
pub struct Records {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tally: Tally,
    targets: usize,
    checked: usize,
    started: Instant,
    last: Instant,
}

impl Records {
    /// A run that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Mutex::new(State::new(Instant::now())) }
    }

    /// A renderer that panicked has said so; the count it leaves is still good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Records {
    fn event(&self, event: Event<'_>) {
        // Held while the line is written, so that lines stand in the order of what they tell.
        let mut state = self.state();
        if let Some(record) = state.take(&event, Instant::now()) {
            record.write();
        }
    }
}

impl State {
    fn new(now: Instant) -> Self {
        Self { tally: Tally::default(), targets: 0, checked: 0, started: now, last: now }
    }

    /// Counts the event, and gives its line, if it has one.
    fn take<'a>(&mut self, event: &Event<'a>, now: Instant) -> Option<Record<'a>> {
        match *event {
            Event::Checking { targets } => {
                self.targets = targets;
                Some(Record::Checking { targets })
            }
            Event::Checked => {
                self.checked += 1;
                self.is_due(now).then(|| Record::Checked { checked: self.checked, targets: self.targets })
            }
            Event::Planned { plan } => Some(Record::planned(plan)),
            Event::Started { bytes } => {
                self.tally.started(bytes);
                (self.started, self.last) = (now, now);
                Some(Record::Started { bytes })
            }
            Event::Passing { read, size } => {
                self.tally.passing(read, size);
                self.is_due(now).then(|| self.progress(now))
            }
            Event::BlobStarted { id, digest, entry, size } => {
                Some(Record::blob_started(id, digest, entry, size))
            }
            Event::BlobProgress { id, sent } => {
                self.tally.blob_progress(id, sent);
                self.is_due(now).then(|| self.progress(now))
            }
            Event::BlobFinished { id, size, outcome } => {
                self.tally.blob_finished(id, size, outcome);
                Some(Record::BlobFinished { blob: id.0, bytes: size, outcome })
            }
            Event::ImageFinished { result } => Some(Record::ImageFinished { image: result }),
            Event::ChartFinished { result } => Some(Record::ChartFinished { chart: result }),
            Event::Finished { report } => Some(Record::finished(report)),
        }
    }

    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now.duration_since(self.last) >= PAUSE;
        if is_due {
            self.last = now;
        }
        is_due
    }

    fn progress(&self, now: Instant) -> Record<'static> {
        let elapsed = now.duration_since(self.started);
        Record::Progress {
            bytes_sent: self.tally.done(),
            bytes: self.tally.total(),
            bytes_per_second: self.tally.rate(elapsed),
            seconds_left: self.tally.left(elapsed).map(|left| left.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use portolan_transfer::{BlobId, BlobOutcome};

    use super::*;

    /// What `event` says after `millis`, without version and time.
    fn told(state: &mut State, event: &Event<'_>, millis: u64) -> Option<String> {
        let record = state.take(event, state.started + Duration::from_millis(millis))?;
        let line = record.line(SystemTime::UNIX_EPOCH);
        Some(line.split_once(r#""type":"#).unwrap().1.to_owned())
    }

    #[test]
    fn a_line_on_the_bytes_every_second_at_most() {
        let mut state = State::new(Instant::now());
        let moved = |sent| Event::BlobProgress { id: BlobId(0), sent };
        let started = told(&mut state, &Event::Started { bytes: 1000 }, 0);
        assert_eq!(started.as_deref(), Some(r#""started","bytes":1000}"#));
        assert_eq!(told(&mut state, &moved(100), 200), None);
        assert_eq!(told(&mut state, &moved(200), 999), None);
        let expected = r#""progress","bytesSent":400,"bytes":1000,"bytesPerSecond":200,"secondsLeft":3}"#;
        assert_eq!(told(&mut state, &moved(400), 2000).as_deref(), Some(expected));
        assert_eq!(told(&mut state, &moved(500), 2900), None);
        let finished = Event::BlobFinished { id: BlobId(0), size: 500, outcome: BlobOutcome::Uploaded };
        let expected = r#""blob-finished","blob":0,"bytes":500,"outcome":"uploaded"}"#;
        assert_eq!(told(&mut state, &finished, 2950).as_deref(), Some(expected));
    }

    #[test]
    fn a_line_on_the_answers_every_second_at_most() {
        let mut state = State::new(Instant::now());
        let checking = told(&mut state, &Event::Checking { targets: 9 }, 0);
        assert_eq!(checking.as_deref(), Some(r#""checking","targets":9}"#));
        assert_eq!(told(&mut state, &Event::Checked, 500), None);
        let expected = r#""checked","checked":2,"targets":9}"#;
        assert_eq!(told(&mut state, &Event::Checked, 1100).as_deref(), Some(expected));
        assert_eq!(told(&mut state, &Event::Checked, 1200), None);
    }
}
