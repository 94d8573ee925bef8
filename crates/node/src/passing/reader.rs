//! The blocking half: reads the package, and hands on what goes by.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{Buf, Bytes};
use portolan_oci::Digest;
use portolan_package::{
    BlobId, Broken, Bundle,
    stream::{PackageStream, PassingBlob, Step, StreamEnd, StreamError},
};
use portolan_registry::{BlobSource, Stop};
use tokio::sync::mpsc;

use crate::feed::pour;

/// What may be told ahead.
const TOLD_AHEAD: usize = 2;

/// How many pieces of a blob wait to be taken.
const PIECES_AHEAD: usize = 2;

/// What the reader tells, in the order of the package.
pub(super) enum Told {
    Blob(Passing),
    Bundle(Bundle),
    Broken(Broken),
    End(StreamEnd),
    Failed(StreamError),
}

/// A blob that goes by.
pub(super) struct Passing {
    pub(super) id: BlobId,
    pub(super) digest: Option<Digest>,
    pub(super) size: u64,
    pub(super) bytes: Arc<dyn BlobSource>,
}

/// The bytes of a blob, which can be read once.
struct Once {
    entry: String,
    pieces: Mutex<Option<mpsc::Receiver<io::Result<Bytes>>>>,
}

/// Reads pieces as they come; on a thread where blocking is fine.
struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

/// Nobody listens any more.
struct Over;

/// Reads `stream` on a thread of its own; gives what that tells.
pub(super) fn start(stream: PackageStream, stop: &Stop) -> mpsc::Receiver<Told> {
    let (told, messages) = mpsc::channel(TOLD_AHEAD);
    let stop = stop.clone();
    tokio::task::spawn_blocking(move || run(stream, &told, &stop));
    messages
}

fn run(mut stream: PackageStream, told: &mpsc::Sender<Told>, stop: &Stop) {
    while !stop.is_requested() {
        let went = match stream.step() {
            Ok(None) => return,
            Ok(Some(step)) => take(step, told),
            Err(error) => tell(told, Told::Failed(error)).and(Err(Over)),
        };
        if went.is_err() {
            return;
        }
    }
}

fn take(step: Step<'_>, told: &mpsc::Sender<Told>) -> Result<(), Over> {
    match step {
        // Which names they are to have is asked when all is known of them.
        Step::Images(_) => Ok(()),
        Step::Blob(blob) => hand_on(blob, told),
        Step::Bundle(bundle) => tell(told, Told::Bundle(bundle)),
        Step::Broken(broken) => tell(told, Told::Broken(broken)),
        Step::End(end) => tell(told, Told::End(end)),
    }
}

fn tell(told: &mpsc::Sender<Told>, what: Told) -> Result<(), Over> {
    told.blocking_send(what).map_err(|_| Over)
}

/// Hands a blob on until its end, or until nobody takes any more of it.
fn hand_on(blob: PassingBlob<'_>, told: &mpsc::Sender<Told>) -> Result<(), Over> {
    let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
    let once = Once { entry: blob.entry(), pieces: Mutex::new(Some(pieces)) };
    let passing = Passing {
        id: blob.id(),
        digest: blob.digest().cloned(),
        size: blob.stored_size(),
        bytes: Arc::new(once),
    };
    tell(told, Told::Blob(passing))?;
    pour(&mut blob.open_stored(), &sender);
    Ok(())
}

impl BlobSource for Once {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner).take();
        let gone = || io::Error::other(format!("{}: went by already", self.entry));
        Ok(Box::new(Pieces { pieces: pieces.ok_or_else(gone)?, piece: Bytes::new() }))
    }

    fn describe(&self) -> String {
        self.entry.clone()
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
