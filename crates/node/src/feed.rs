//! A blob's bytes from the thread that reads them to the task that sends them, by a few pieces.
//!
//! Buffers of pieces are lent, and come back when the last one who holds a piece lets it go; so the memory
//! is the same few buffers, however much passes through them.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Buf, Bytes};
use portolan_registry::{BlobSource, SharedPieces};
use tokio::sync::mpsc;

/// Size of a piece in bytes.
pub(crate) const PIECE: usize = 256 << 10;

/// How many pieces wait to be sent.
const WAITING: usize = 2;

/// How many buffers are kept for whoever comes next.
const IDLE_LIMIT: usize = 16;

/// Buffers that nobody holds.
static IDLE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// Pieces of a blob or an archive, in order.
pub struct Feed(mpsc::Receiver<io::Result<Bytes>>);

impl Feed {
    /// A feed, and what fills it. It ends when the latter is dropped.
    pub(crate) fn open() -> (mpsc::Sender<io::Result<Bytes>>, Self) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (sender, Self(receiver))
    }

    /// The next piece; nothing at the end. An error is the last.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.0.recv().await
    }
}

/// Reads `source` from `offset` on, in a thread where blocking is fine, for as long as somebody takes what
/// is read.
pub(crate) fn feed(source: &Arc<dyn BlobSource>, offset: u64) -> Feed {
    let source = Arc::clone(source);
    feed_of(move || pieces_of(&*source, offset))
}

/// The same of any pieces.
pub(crate) fn feed_of(open: impl FnOnce() -> io::Result<SharedPieces> + Send + 'static) -> Feed {
    let (sender, feed) = Feed::open();
    tokio::task::spawn_blocking(move || match open() {
        Ok(pieces) => pour(pieces, &sender),
        // Nobody may be there any more.
        Err(error) => drop(sender.blocking_send(Err(error))),
    });
    feed
}

/// The bytes of `source` from `offset` on, shared where they come so. Blocking.
pub(crate) fn pieces_of(source: &dyn BlobSource, offset: u64) -> io::Result<SharedPieces> {
    if offset == 0
        && let Some(pieces) = source.open_pieces()?
    {
        return Ok(pieces);
    }
    let mut reader = source.open()?;
    let skipped = io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
    match skipped == offset {
        true => Ok(Box::new(Cut::new(reader))),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Hands pieces on for as long as somebody takes them. Blocking.
fn pour(pieces: SharedPieces, sender: &mpsc::Sender<io::Result<Bytes>>) {
    for piece in pieces {
        let is_last = piece.is_err();
        if sender.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

/// What a reader gives, cut into pieces.
pub(crate) struct Cut<R> {
    reader: R,
    is_over: bool,
}

impl<R: Read> Cut<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, is_over: false }
    }
}

impl<R: Read> Iterator for Cut<R> {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.is_over {
            return None;
        }
        let piece = full_piece(&mut self.reader);
        self.is_over = piece.as_ref().map_or(true, |piece| piece.len() < PIECE);
        let is_end = piece.as_ref().is_ok_and(Bytes::is_empty);
        (!is_end).then_some(piece)
    }
}

/// Pieces, as a reader gives them.
pub(crate) struct Joined {
    pieces: SharedPieces,
    piece: Bytes,
}

impl Joined {
    pub(crate) fn new(pieces: SharedPieces) -> Self {
        Self { pieces, piece: Bytes::new() }
    }
}

impl Read for Joined {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !buffer.is_empty() {
            match self.pieces.next() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// A full piece; less only at the end.
pub(crate) fn full_piece(reader: &mut dyn Read) -> io::Result<Bytes> {
    let mut lent = Lent::take();
    while lent.filled < PIECE {
        match reader.read(&mut lent.buffer[lent.filled..]) {
            Ok(0) => break,
            Ok(count) => lent.filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // A whole buffer for a few bytes would be held for as long as these.
    Ok(match lent.filled <= PIECE / 2 {
        true => Bytes::copy_from_slice(lent.as_ref()),
        false => Bytes::from_owner(lent),
    })
}

/// A buffer that somebody holds.
struct Lent {
    buffer: Box<[u8]>,
    filled: usize,
}

impl Lent {
    fn take() -> Self {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self { buffer: idle.unwrap_or_else(|| vec![0; PIECE].into_boxed_slice()), filled: 0 }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_LIMIT {
            idle.push(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_readers_are_the_same_bytes() {
        for size in [0, 1, PIECE / 2, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let whole: Vec<u8> = (0..size).map(|at| u8::try_from(at / 100 % 251).unwrap()).collect();
            let pieces: Vec<Bytes> = Cut::new(&whole[..]).map(Result::unwrap).collect();
            assert!(pieces.iter().all(|piece| !piece.is_empty()) && pieces.concat() == whole);
            let mut read = Vec::new();
            let pieces = pieces.into_iter().map(Ok).collect::<Vec<_>>();
            Joined::new(Box::new(pieces.into_iter())).read_to_end(&mut read).unwrap();
            assert!(read == whole);
        }
    }
}
