//! A blob's bytes from the thread that reads them to the task that sends them, by a few pieces.

use std::{
    io::{self, Read},
    sync::Arc,
};

use bytes::Bytes;
use portolan_registry::BlobSource;
use tokio::sync::mpsc;

/// Size of a piece in bytes.
const PIECE: usize = 256 << 10;

/// How many pieces wait to be sent.
const WAITING: usize = 2;

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
    feed_of(move || {
        let mut reader = source.open()?;
        let skipped = io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
        match skipped == offset {
            true => Ok(reader),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    })
}

/// The same of anything that can be read.
pub(crate) fn feed_of(open: impl FnOnce() -> io::Result<Box<dyn Read + Send>> + Send + 'static) -> Feed {
    let (sender, feed) = Feed::open();
    tokio::task::spawn_blocking(move || {
        let mut reader = match open() {
            Ok(reader) => reader,
            // Nobody may be there any more.
            Err(error) => return drop(sender.blocking_send(Err(error))),
        };
        pour(&mut reader, &sender);
    });
    feed
}

/// Hands on all that can be read, piece by piece, for as long as somebody takes it. Blocking.
pub(crate) fn pour(reader: &mut dyn Read, sender: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let piece = piece(reader);
        let is_last = piece.as_ref().map_or(true, |piece| piece.len() < PIECE);
        let is_empty = piece.as_ref().is_ok_and(Bytes::is_empty);
        if is_empty || sender.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

/// A full piece; less only at the end.
fn piece(reader: &mut dyn Read) -> io::Result<Bytes> {
    let mut piece = vec![0; PIECE];
    let mut filled = 0;
    while filled < PIECE {
        match reader.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    piece.truncate(filled);
    Ok(piece.into())
}
