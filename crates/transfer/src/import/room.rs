//! The memory that blobs pass through: chunks, each kept until the registry has it. Their number bounds how much
//! is read ahead, whatever the size of package and layers.

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

/// Chunks that are in memory at once: four on their way and one being filled.
const CHUNKS: usize = 5;

/// Blobs up to this size take no chunk, so that many of them can be on their way; in bytes.
const SMALL: usize = 256 << 10;

/// What small blobs have together, in bytes.
const SMALL_ROOM: usize = 4 << 20;

/// Chunks and small pieces, used again and again.
pub(super) struct Room {
    chunks: Arc<Semaphore>,
    small: Arc<Semaphore>,
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Room {
    pub(super) fn new() -> Arc<Self> {
        let (chunks, small) = (Semaphore::new(CHUNKS), Semaphore::new(SMALL_ROOM));
        Arc::new(Self { chunks: chunks.into(), small: small.into(), spare: Mutex::default() })
    }

    /// Space for so many bytes, of a chunk at the most; waits until there is some.
    pub(super) async fn space(self: &Arc<Self>, size: usize) -> Space {
        let is_small = size <= SMALL;
        let (room, cost) = if is_small { (&self.small, size.max(1)) } else { (&self.chunks, 1) };
        let cost = u32::try_from(cost).expect("because small blobs are small");
        let permit = Arc::clone(room).acquire_many_owned(cost).await;
        let permit = permit.expect("because nobody closes these semaphores");
        let buffer = match is_small {
            true => vec![0; size],
            false => held(&self.spare).pop().unwrap_or_else(|| vec![0; CHUNK]),
        };
        Space { buffer, most: size, filled: 0, home: (!is_small).then(|| Arc::clone(self)), _permit: permit }
    }
}

/// A part of a blob in memory; dropped, its room is free again.
pub(super) struct Space {
    buffer: Vec<u8>,
    most: usize,
    filled: usize,
    home: Option<Arc<Room>>,
    _permit: OwnedSemaphorePermit,
}

impl Space {
    /// Reads until it is full or `input` ends, and tells how many bytes that are.
    pub(super) fn fill(&mut self, input: &mut dyn Read) -> io::Result<usize> {
        while self.filled < self.most {
            match input.read(&mut self.buffer[self.filled..self.most]) {
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

impl AsRef<[u8]> for Space {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            held(&home.spare).push(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn chunks_are_few_and_used_again() {
        let room = Room::new();
        let mut taken = Vec::new();
        for _ in 0..CHUNKS {
            taken.push(room.space(CHUNK).await);
        }
        assert!(room.space(SMALL + 1).now_or_never().is_none());
        assert!(room.space(SMALL).now_or_never().is_some());
        drop(taken.pop().map(Space::into_bytes));
        let again = room.space(SMALL + 1).now_or_never().unwrap();
        assert_eq!(again.buffer.len(), CHUNK);
        drop((taken, again));
        assert_eq!(held(&room.spare).len(), CHUNKS);
    }

    #[tokio::test]
    async fn a_space_is_filled_up_to_its_size() {
        let room = Room::new();
        let mut input: &[u8] = b"abcdef";
        let mut space = room.space(4).await;
        assert_eq!(space.fill(&mut input).unwrap(), 4);
        assert_eq!(space.into_bytes(), "abcd");
        let mut space = room.space(4).await;
        assert_eq!(space.fill(&mut input).unwrap(), 2);
        assert_eq!(space.into_bytes(), "ef");
        assert_eq!(room.space(0).await.fill(&mut input).unwrap(), 0);
    }
}
