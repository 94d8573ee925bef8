//! A blob that one registry holds, as the source of its upload to another: it passes piece by piece, and is
//! asked for from where it broke off.

use std::{
    fmt,
    io::{self, Read},
    time::Duration,
};

use bytes::{Buf, Bytes};
use portolan_oci::{Digest, Repository};
use tokio::runtime::Handle;

use crate::{
    blob::BlobPieces,
    error::RegistryError,
    registry::Registry,
    retry::{Transient, Verdict},
    upload::BlobSource,
};

/// A blob of a registry, to be sent to another one. Its digest is checked by whoever sends it.
#[derive(Clone, Debug)]
pub struct RemoteBlob {
    registry: Registry,
    repository: Repository,
    digest: Digest,
    runtime: Handle,
}

impl RemoteBlob {
    /// The blob `digest` of `repository`; nothing is asked yet.
    ///
    /// # Panics
    /// Outside of a tokio runtime, which it is read on.
    pub fn new(registry: &Registry, repository: &Repository, digest: &Digest) -> Self {
        Self {
            registry: registry.clone(),
            repository: repository.clone(),
            digest: digest.clone(),
            runtime: Handle::current(),
        }
    }

    fn pieces_from(&self, offset: u64) -> io::Result<BlobPieces> {
        let asked = self.registry.blob_pieces_from(&self.repository, &self.digest, offset);
        match self.runtime.block_on(asked) {
            Ok(Some(pieces)) => Ok(pieces),
            Ok(None) => Err(io::Error::new(io::ErrorKind::NotFound, "the registry has lost it")),
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

impl fmt::Display for RemoteBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blob {} of {}/{}", self.digest, self.registry.endpoint().host, self.repository)
    }
}

impl BlobSource for RemoteBlob {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let pieces = self.pieces_from(0)?;
        let failures = Failures::default();
        Ok(Box::new(Reader { blob: self.clone(), pieces, piece: Bytes::new(), offset: 0, failures }))
    }

    fn describe(&self) -> String {
        self.to_string()
    }
}

/// Breaks since the last byte that came.
#[derive(Default)]
struct Failures {
    count: u32,
    waited: Duration,
}

struct Reader {
    blob: RemoteBlob,
    pieces: BlobPieces,
    piece: Bytes,
    /// Bytes of the blob that came so far.
    offset: u64,
    failures: Failures,
}

impl Reader {
    /// The next bytes; none at the end.
    fn advance(&mut self) -> io::Result<()> {
        loop {
            match self.blob.runtime.block_on(self.pieces.next()) {
                Ok(piece) => {
                    self.piece = piece.unwrap_or_default();
                    self.offset += self.piece.len() as u64;
                    self.failures = Failures::default();
                    return Ok(());
                }
                Err(error) => self.resume(error)?,
            }
        }
    }

    /// Asks for the rest after a break, where that may help.
    fn resume(&mut self, error: RegistryError) -> io::Result<()> {
        let wire = &self.blob.registry.wire;
        self.failures.count += 1;
        let Failures { count, waited } = self.failures;
        let wait = match error.verdict() {
            verdict @ Verdict::Passing { .. } => wire.policy().wait(count, waited, verdict, fastrand::f64()),
            Verdict::Final => None,
        };
        let Some(wait) = wait.filter(|_| !wire.stop.is_requested()) else {
            return Err(io::Error::other(error));
        };
        tracing::warn!(offset = self.offset, wait_ms = wait.as_millis() as u64, %error, "reading on");
        self.failures.waited += wait;
        self.blob.runtime.block_on(async {
            tokio::select! {
                () = wire.stop.requested() => {}
                () = tokio::time::sleep(wait) => {}
            }
        });
        self.pieces = self.blob.pieces_from(self.offset)?;
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.advance()?;
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
