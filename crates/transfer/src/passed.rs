//! A blob that went by in a stream: it can be had back only from where it was brought to.

use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::{Buf, Bytes};
use portolan_oci::{Digest, Repository};
use portolan_registry::{BlobPieces, BlobSource, Registry};
use tokio::runtime::Handle;

/// A blob that went by. Where a registry mounts nothing, it is copied from one repository into the other
/// through this process.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) registry: Registry,
    /// Where it is, as far as is known.
    pub(crate) place: Option<(Repository, Digest)>,
    /// Why it is nowhere, where that is known.
    pub(crate) why: Option<String>,
    /// Where it came from, for errors.
    pub(crate) entry: String,
    /// Set once its bytes were wanted and it was nowhere.
    pub(crate) missed: Arc<AtomicBool>,
}

impl BlobSource for Passed {
    /// Called where blocking is fine, as the trait has it.
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let Some((repository, digest)) = &self.place else {
            let why = self.why.as_deref().unwrap_or("it went by before it was known where it belongs");
            return Err(self.missed(why));
        };
        let runtime = Handle::current();
        match runtime.block_on(self.registry.blob_pieces(repository, digest)) {
            Ok(Some(pieces)) => Ok(Box::new(Reader { runtime, pieces, piece: Bytes::new() })),
            Ok(None) => Err(self.missed(&format!("it went by, and {repository} hasn't got it any more"))),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn describe(&self) -> String {
        self.entry.clone()
    }
}

impl Passed {
    fn missed(&self, how: &str) -> io::Error {
        self.missed.store(true, Ordering::Relaxed);
        io::Error::new(io::ErrorKind::NotFound, how)
    }
}

/// Reads what a registry sends, blocking.
struct Reader {
    runtime: Handle,
    pieces: BlobPieces,
    piece: Bytes,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.pieces.next()).map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
