//! Deterministic gzip of an uncompressed layer on its way to a registry.
//!
//! The same layer has to give the same digest on every machine and in every run, or a second run would send
//! it again. So the compressor is one (zlib-rs through flate2, its version held by Cargo.lock), its level
//! is fixed, the gzip header holds neither time nor system, and the compressor is fed in pieces of one
//! size, however the reader above asks. Golden digests in the tests hold all that; a new version of the
//! compressor that changes them is a change of format, to be made knowingly.

use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use portolan_oci::{Algorithm, Digest, Hasher};

/// The level of the compressor; part of the format.
///
/// On 100 MB of shared libraries level 3 gives 34.0 MB, and 6, the usual one, 32.9 MB in twice the time.
const LEVEL: u32 = 3;

/// What the gzip header names as system: "unknown" (RFC 1952, section 2.3.1).
const SYSTEM_UNKNOWN: u8 = 255;

/// How much the compressor is fed at once, in bytes; part of the format.
const CHUNK: usize = 128 << 10;

/// Reads an uncompressed layer and gives its gzip stream; checks the layer against its diff ID.
pub(crate) struct GzipReader<R> {
    input: R,
    entry: String,
    diff_id: DiffId,
    /// Nothing once the last chunk went in.
    work: Option<Work>,
    chunk: Vec<u8>,
    output: Vec<u8>,
    given: usize,
}

struct Work {
    encoder: GzEncoder<Vec<u8>>,
    hasher: Hasher,
}

impl<R: Read> GzipReader<R> {
    /// `entry` names the layer in errors; `diff_id` is the digest of the uncompressed bytes.
    pub(crate) fn new(input: R, entry: String, diff_id: DiffId) -> Self {
        let builder = GzBuilder::new().mtime(0).operating_system(SYSTEM_UNKNOWN);
        let encoder = builder.write(Vec::new(), Compression::new(LEVEL));
        let work = Some(Work { encoder, hasher: diff_id.hasher() });
        Self { input, entry, diff_id, work, chunk: vec![0; CHUNK], output: Vec::new(), given: 0 }
    }

    /// Feeds the compressor one chunk and takes what it gives.
    fn advance(&mut self) -> io::Result<()> {
        let Some(mut work) = self.work.take() else { return Ok(()) };
        let filled = fill(&mut self.input, &mut self.chunk)?;
        work.hasher.update(&self.chunk[..filled]);
        work.encoder.write_all(&self.chunk[..filled])?;
        self.output.clear();
        self.given = 0;
        if filled < self.chunk.len() {
            self.output = self.finish(work)?;
        } else {
            std::mem::swap(&mut self.output, work.encoder.get_mut());
            self.work = Some(work);
        }
        Ok(())
    }

    /// The end of the stream; withheld where the layer was not the expected one.
    fn finish(&self, work: Work) -> io::Result<Vec<u8>> {
        self.diff_id.settle(&self.entry, work.hasher.finish())?;
        work.encoder.finish()
    }
}

impl<R: Read> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() && self.work.is_some() && !buffer.is_empty() {
            self.advance()?;
        }
        let left = &self.output[self.given..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

/// Fills the chunk; less only at the end of the input.
fn fill(input: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < chunk.len() {
        match input.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The digest of an uncompressed layer, as its image's config has it.
pub(crate) enum DiffId {
    /// The layer has to be that one.
    Stated(Digest),
    /// The config comes later in a stream: what is found is kept for then.
    Kept(Arc<OnceLock<Digest>>),
}

impl DiffId {
    /// What derives it.
    pub(crate) fn hasher(&self) -> Hasher {
        match self {
            Self::Stated(digest) => Hasher::new(digest.algorithm()),
            Self::Kept(_) => Hasher::new(Algorithm::Sha256),
        }
    }

    /// Compares the one found with the one stated, or keeps it.
    pub(crate) fn settle(&self, entry: &str, found: Digest) -> io::Result<()> {
        match self {
            Self::Stated(stated) if *stated == found => Ok(()),
            Self::Stated(stated) => Err(differs(entry, stated, &found)),
            Self::Kept(kept) => {
                kept.get_or_init(|| found);
                Ok(())
            }
        }
    }
}

fn differs(entry: &str, stated: &Digest, found: &Digest) -> io::Error {
    let text = format!(
        "{entry}: the uncompressed layer has the digest {found}, but the image's config states \
         {stated}: the archive is corrupt; copy it again"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests;
