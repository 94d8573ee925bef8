//! The memory that blobs pass through: segments, each kept until the registry has its chunk. Their number bounds how
//! much is read ahead, whatever the size of package and layers. The more of it there is, the more layers are on their
//! way at once: one after the other comes out of the package, and each goes chunk by chunk.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::held;

/// Size of a chunk in bytes: the most that is sent in one request of a blob that has several
/// (rules.md, "Streams").
pub(super) const CHUNK: usize = 8 << 20;

/// Size of a segment in bytes.
pub(super) const SEGMENT: usize = 256 << 10;

/// What is in memory at once, in bytes.
const ROOM: usize = 56 << 20;

/// Segments, used again and again.
pub(super) struct Room {
    free: Arc<Semaphore>,
    spare: Mutex<Vec<Box<[u8]>>>,
}

impl Room {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { free: Semaphore::new(ROOM / SEGMENT).into(), spare: Mutex::default() })
    }

    /// The next segment; waits until there is one.
    pub(super) async fn segment(self: &Arc<Self>) -> Segment {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let permit = permit.expect("because nobody closes this semaphore");
        let buffer = held(&self.spare).pop().unwrap_or_else(|| vec![0; SEGMENT].into_boxed_slice());
        Segment { buffer, filled: 0, home: Arc::clone(self), _permit: permit }
    }
}

/// A part of a chunk in memory; dropped, its room is free again.
pub(super) struct Segment {
    buffer: Box<[u8]>,
    filled: usize,
    home: Arc<Room>,
    _permit: OwnedSemaphorePermit,
}

impl Segment {
    /// Reads until it is full, has `most` bytes, or `input` ends, and tells how many bytes it has then.
    pub(super) fn fill(&mut self, input: &mut dyn Read, most: u64) -> io::Result<usize> {
        let end = usize::try_from(most).unwrap_or(SEGMENT).min(SEGMENT);
        while self.filled < end {
            match input.read(&mut self.buffer[self.filled..end]) {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.filled)
    }

    /// Its bytes, without copying.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Segment {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        held(&self.home.spare).push(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn segments_are_counted_and_used_again() {
        let room = Room::new();
        let mut taken = Vec::new();
        for _ in 0..ROOM / SEGMENT {
            taken.push(room.segment().await);
        }
        assert!(room.segment().now_or_never().is_none());
        let address = taken.last().unwrap().buffer.as_ptr();
        drop(taken.pop().map(Segment::into_bytes));
        let again = room.segment().now_or_never().unwrap();
        assert_eq!(again.buffer.as_ptr(), address);
        drop((taken, again));
        assert_eq!(held(&room.spare).len(), ROOM / SEGMENT);
    }

    #[tokio::test]
    async fn a_segment_is_filled_up_to_its_end_or_that_of_the_input() {
        let room = Room::new();
        let mut input: &[u8] = b"abcdef";
        let mut segment = room.segment().await;
        assert_eq!(segment.fill(&mut input, 4).unwrap(), 4);
        assert_eq!(segment.into_bytes(), "abcd");
        let mut segment = room.segment().await;
        assert_eq!(segment.fill(&mut input, u64::MAX).unwrap(), 2);
        assert_eq!(segment.into_bytes(), "ef");
        let mut long: &[u8] = &vec![7; SEGMENT + 1];
        assert_eq!(room.segment().await.fill(&mut long, u64::MAX).unwrap(), SEGMENT);
        assert_eq!(long.len(), 1);
    }
}
