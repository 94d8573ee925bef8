//! Deriving the digest of a content's file, at a pace.

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use portolan_oci::{Algorithm, Digest, Hasher};
use rustix::fs::{Advice, fadvise};

use super::Harm;
use crate::store::durable;
use crate::store::error::StoreError;

/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// The longest wait between two looks at whether to stop.
const NAP: Duration = Duration::from_millis(100);

/// What all readers of a check share.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    rate: Option<NonZeroU64>,
    read: AtomicU64,
    stopped: AtomicBool,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// It is as long as said, and has this digest.
    Content { actual: Digest, length: u64 },
    /// There is none.
    Nothing,
    /// It can't be read to its end.
    Unreadable { reason: String },
}

impl Pace {
    pub(super) fn new(rate: Option<NonZeroU64>) -> Self {
        Self { start: Instant::now(), rate, read: AtomicU64::new(0), stopped: AtomicBool::new(false) }
    }

    /// Bytes that all have read.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Ends all readers at their next piece.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Counts a piece, and waits until the next one may be read.
    fn count(&self, bytes: usize) {
        let read = self.read.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        let Some(rate) = self.rate else { return };
        let due = Duration::from_secs_f64(read as f64 / rate.get() as f64);
        while let Some(left) = due.checked_sub(self.start.elapsed()).filter(|_| !self.is_stopped()) {
            thread::sleep(left.min(NAP));
        }
    }
}

/// Reads a file whole; `None` where the check was stopped meanwhile.
///
/// Where a file is there and can't be opened, that is no damage of the content but of the set-up.
pub(super) fn look(path: &Path, algorithm: Algorithm, pace: &Pace) -> Result<Option<Found>, StoreError> {
    let Some(file) = durable::open(path)? else { return Ok(Some(Found::Nothing)) };
    advise(&file, Advice::DontNeed);
    advise(&file, Advice::Sequential);
    let found = derive(&file, algorithm, pace);
    // What nobody else reads need not push what others do out of memory.
    advise(&file, Advice::DontNeed);
    Ok(match found {
        Ok(found) => found,
        Err(error) => Some(Found::Unreadable { reason: error.to_string() }),
    })
}

fn derive(mut file: &File, algorithm: Algorithm, pace: &Pace) -> io::Result<Option<Found>> {
    let mut hasher = Hasher::new(algorithm);
    let mut piece = vec![0; PIECE];
    let mut length = 0;
    while !pace.is_stopped() {
        let count = match file.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if count == 0 {
            return Ok(Some(Found::Content { actual: hasher.finish(), length }));
        }
        hasher.update(&piece[..count]);
        length += count as u64;
        pace.count(count);
    }
    Ok(None)
}

/// A file system that takes no advice is read all the same.
fn advise(file: &File, advice: Advice) {
    let _ = fadvise(file, 0, None, advice);
}

impl Found {
    /// What is wrong with it as the content of that digest.
    pub(super) fn harm(self, expected: &Digest) -> Option<Harm> {
        match self {
            Self::Content { actual, .. } if actual == *expected => None,
            Self::Content { actual, length } => Some(Harm::Differs { actual, length }),
            Self::Nothing => Some(Harm::Lost),
            Self::Unreadable { reason } => Some(Harm::Unreadable { reason }),
        }
    }
}
