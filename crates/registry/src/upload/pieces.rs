//! The buffers that blobs pass through: few, of one size, used again and again.

use std::{
    io::{self, Read},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::stop::Stop;

/// Size of a piece in bytes. Pushing half a GiB into docker-registry takes the same time with 64 KiB
/// and with 1 MiB (`examples/push_speed.rs`); this one leaves few wake-ups and 5 MiB for four uploads.
pub(super) const PIECE_SIZE: usize = 256 * 1024;

/// How many pieces one upload has: one being filled, two being sent, two between.
const PIECES_PER_UPLOAD: usize = 5;

/// How many spare pieces are kept between uploads.
const SPARE_LIMIT: usize = 20;

/// How often a wait on this thread looks for a stop, which wakes none but tasks.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Spare pieces, shared by all uploads of a registry.
#[derive(Debug, Default)]
pub(crate) struct PiecePool {
    spare: Mutex<Vec<Box<[u8]>>>,
}

impl PiecePool {
    fn take(&self) -> Box<[u8]> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| vec![0; PIECE_SIZE].into_boxed_slice())
    }

    fn give_back(&self, buffer: Box<[u8]>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_LIMIT {
            spare.push(buffer);
        }
    }
}

/// What one upload may hold of the pool. It is what holds the reading back, too: pieces on their way
/// count until they were sent.
#[derive(Debug)]
pub(super) struct Allowance {
    pool: Arc<PiecePool>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    left: usize,
    closed: bool,
}

impl Allowance {
    pub(super) fn new(pool: Arc<PiecePool>) -> Arc<Self> {
        let state = Mutex::new(State { left: PIECES_PER_UPLOAD, closed: false });
        Arc::new(Self { pool, state, changed: Condvar::new() })
    }

    /// An empty piece; waits until one of this upload's own is free. `None` where none is and the upload
    /// is over.
    pub(super) fn take(self: &Arc<Self>) -> Option<Piece> {
        let must_wait = |state: &mut State| state.left == 0 && !state.closed;
        let mut state =
            self.changed.wait_while(self.lock(), must_wait).unwrap_or_else(PoisonError::into_inner);
        state.left = state.left.checked_sub(1)?;
        drop(state);
        Some(Piece { buffer: self.pool.take(), filled: 0, home: Arc::clone(self) })
    }

    /// Waits for so long; no longer once the upload is over or `stop` was requested.
    pub(super) fn rest(&self, wait: Duration, stop: &Stop) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        while !state.closed && !stop.is_requested() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left.min(LOOK_UP));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends the upload: nobody waits for a piece any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a blob in memory; dropped, its buffer goes back to the pool.
#[derive(Debug)]
pub(super) struct Piece {
    buffer: Box<[u8]>,
    filled: usize,
    home: Arc<Allowance>,
}

impl Piece {
    /// Reads until the piece holds `most` bytes or is full, or the source ends.
    pub(super) fn fill(&mut self, source: &mut dyn Read, most: u64) -> io::Result<()> {
        let end = usize::try_from(most).unwrap_or(PIECE_SIZE).min(PIECE_SIZE);
        while self.filled < end {
            match source.read(&mut self.buffer[self.filled..end]) {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The piece as a chunk of a body, without copying.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.home.pool.give_back(std::mem::take(&mut self.buffer));
        self.home.lock().left += 1;
        self.home.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_few_and_used_again() {
        let pool = Arc::new(PiecePool::default());
        let allowance = Allowance::new(Arc::clone(&pool));
        let mut held: Vec<_> = (0..PIECES_PER_UPLOAD).map(|_| allowance.take().unwrap()).collect();
        let waiting = Arc::clone(&allowance);
        let waiter = std::thread::spawn(move || waiting.take().is_some());
        assert!(!waiter.is_finished());
        drop(held.pop().map(Piece::into_bytes));
        assert!(waiter.join().unwrap());
        drop(held);
        assert_eq!(pool.spare.lock().unwrap().len(), PIECES_PER_UPLOAD);
    }

    #[test]
    fn an_end_wakes_who_waits() {
        let allowance = Allowance::new(Arc::default());
        let held: Vec<_> = (0..PIECES_PER_UPLOAD).map(|_| allowance.take()).collect();
        let waiting = Arc::clone(&allowance);
        let waiter = std::thread::spawn(move || waiting.take().is_none());
        allowance.close();
        assert!(waiter.join().unwrap());
        drop(held);
    }

    #[test]
    fn a_rest_ends_with_the_upload_and_at_a_stop() {
        const FOREVER: Duration = Duration::from_secs(3600);
        let (allowance, stop) = (Allowance::new(Arc::default()), Stop::default());
        allowance.rest(Duration::from_millis(1), &stop);
        let (resting, never) = (Arc::clone(&allowance), stop.clone());
        let rest = std::thread::spawn(move || resting.rest(FOREVER, &never));
        allowance.close();
        rest.join().unwrap();
        let (resting, wish) = (Allowance::new(Arc::default()), stop.clone());
        let rest = std::thread::spawn(move || resting.rest(FOREVER, &wish));
        stop.request();
        rest.join().unwrap();
    }

    #[test]
    fn filling_stops_at_the_most() {
        let mut piece = Allowance::new(Arc::default()).take().unwrap();
        let mut source: &[u8] = b"abcdef";
        piece.fill(&mut source, 4).unwrap();
        assert_eq!(piece.as_ref(), b"abcd");
        assert_eq!(source, b"ef");
    }
}
