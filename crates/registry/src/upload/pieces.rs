//! The buffers that blobs pass through: few, of one size, used again and again.

use std::{
    io::{self, Read},
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use bytes::Bytes;

/// Size of a piece in bytes.
const PIECE_SIZE: usize = 256 * 1024;

/// How many pieces one upload has: one being filled, two waiting, two being sent.
const PIECES_PER_UPLOAD: usize = 5;

/// How many spare pieces are kept between uploads.
const SPARE_LIMIT: usize = 20;

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

/// What one upload may hold of the pool.
#[derive(Debug)]
pub(super) struct Allowance {
    pool: Arc<PiecePool>,
    left: Mutex<usize>,
    returned: Condvar,
}

impl Allowance {
    pub(super) fn new(pool: Arc<PiecePool>) -> Arc<Self> {
        Arc::new(Self { pool, left: Mutex::new(PIECES_PER_UPLOAD), returned: Condvar::new() })
    }

    /// An empty piece; waits until one of this upload's own is free.
    pub(super) fn take(self: &Arc<Self>) -> Piece {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left =
            self.returned.wait_while(left, |left| *left == 0).unwrap_or_else(PoisonError::into_inner);
        *left -= 1;
        drop(left);
        Piece { buffer: self.pool.take(), filled: 0, home: Arc::clone(self) }
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
        *self.home.left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.home.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_few_and_used_again() {
        let pool = Arc::new(PiecePool::default());
        let allowance = Allowance::new(Arc::clone(&pool));
        let mut held: Vec<_> = (0..PIECES_PER_UPLOAD).map(|_| allowance.take()).collect();
        let waiting = Arc::clone(&allowance);
        let waiter = std::thread::spawn(move || drop(waiting.take()));
        assert!(!waiter.is_finished());
        drop(held.pop().map(Piece::into_bytes));
        waiter.join().unwrap();
        drop(held);
        assert_eq!(pool.spare.lock().unwrap().len(), PIECES_PER_UPLOAD);
    }

    #[test]
    fn filling_stops_at_the_most() {
        let mut piece = Allowance::new(Arc::default()).take();
        let mut source: &[u8] = b"abcdef";
        piece.fill(&mut source, 4).unwrap();
        assert_eq!(piece.as_ref(), b"abcd");
        assert_eq!(source, b"ef");
    }
}
