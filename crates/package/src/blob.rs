//! A blob of an image: a stretch of the package, and how it goes to a registry.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use portolan_oci::Digest;

use crate::encode::{DiffId, GzipReader};
use crate::images::ImagesError;
use crate::inflate_check::InflateCheck;
use crate::source::{ReadError, Stretch};

/// The number of a blob in a stream: the same whenever the same package is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub(crate) u64);

/// How a blob's bytes get from the package to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As they lie in the package.
    AsIs,
    /// Compressed on their way, the same on every machine (formats.md, section 1).
    CompressToGzip,
}

/// What the bytes are checked against while they pass.
#[derive(Debug)]
enum Check {
    /// The digest of the bytes as they are sent; whoever sends them computes it anyway and compares.
    Digest(Digest),
    /// Only the digest of the uncompressed layer is known; the bytes are uncompressed here.
    Compress(Digest),
    /// Only the digest of the uncompressed layer is known; the bytes are compressed here.
    Inflate(Digest),
}

#[derive(Debug)]
struct Inner {
    stretch: Stretch,
    check: Check,
}

/// A stretch of the package that becomes a blob of a registry. Cheap to clone; every reader has its own
/// position.
#[derive(Clone, Debug)]
pub struct Blob(Arc<Inner>);

impl Blob {
    /// Bytes that are stored as they are sent, with the digest that their entry or manifest claims.
    pub(crate) fn known(stretch: Stretch, digest: Digest) -> Self {
        Self::new(stretch, Check::Digest(digest))
    }

    /// An uncompressed layer with this diff ID, to be compressed.
    pub(crate) fn uncompressed(stretch: Stretch, diff_id: Digest) -> Self {
        Self::new(stretch, Check::Compress(diff_id))
    }

    /// A layer with this diff ID in a gzip stream whose own digest nobody wrote down.
    pub(crate) fn undigested(stretch: Stretch, diff_id: Digest) -> Self {
        Self::new(stretch, Check::Inflate(diff_id))
    }

    fn new(stretch: Stretch, check: Check) -> Self {
        Self(Arc::new(Inner { stretch, check }))
    }

    /// File and entries for messages, outermost first: `file: outer entry: inner entry`.
    pub fn entry(&self) -> String {
        self.0.stretch.to_string()
    }

    /// The size in the package, in bytes.
    pub fn stored_size(&self) -> u64 {
        self.0.stretch.size()
    }

    /// Its number, where it went by in a stream: what became of it then is known to whoever was handed it
    /// under that number, and [`Blob::open`] gives nothing any more.
    pub fn passed(&self) -> Option<BlobId> {
        self.0.stretch.passed()?.id
    }

    /// An error where it went by in a stream, and as something else than what the image says now.
    pub(crate) fn check_passed(&self) -> Result<(), ImagesError> {
        let Some(passed) = self.0.stretch.passed() else { return Ok(()) };
        let entry = self.entry();
        match (&self.0.check, passed.diff_id.get()) {
            _ if passed.id.is_none() => Err(ReadError::Passed { entry }.into()),
            (Check::Compress(_), _) if passed.encoding == Encoding::AsIs => {
                Err(ImagesError::WentByAsIs { entry })
            }
            (Check::Compress(expected) | Check::Inflate(expected), Some(found)) if expected != found => {
                Err(ImagesError::DiffId { entry, expected: expected.clone(), found: found.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Where the first byte lies in the package's file: reading blobs in this order reads the file front to
    /// back.
    pub fn file_offset(&self) -> u64 {
        self.0.stretch.file_offset()
    }

    /// The digest of the bytes that [`Blob::open`] gives, as the entry's name or the manifest claims it;
    /// nothing where it must be derived.
    pub fn digest(&self) -> Option<&Digest> {
        match &self.0.check {
            Check::Digest(digest) => Some(digest),
            Check::Compress(_) | Check::Inflate(_) => None,
        }
    }

    /// How the bytes are changed on their way.
    pub fn encoding(&self) -> Encoding {
        match self.0.check {
            Check::Digest(_) | Check::Inflate(_) => Encoding::AsIs,
            Check::Compress(_) => Encoding::CompressToGzip,
        }
    }

    /// The digest of the bytes as they lie in the package: for whoever takes layers uncompressed too, as
    /// container runtimes do. Nothing where nobody wrote it down.
    pub fn stored_digest(&self) -> Option<&Digest> {
        match &self.0.check {
            Check::Digest(digest) | Check::Compress(digest) => Some(digest),
            Check::Inflate(_) => None,
        }
    }

    /// A reader of the bytes as they lie in the package, blocking, bounded to its stretch. Comparing them
    /// with any digest is left to whoever takes them.
    pub fn open_stored(&self) -> Box<dyn Read + Send> {
        Box::new(self.0.stretch.reader())
    }

    /// A reader of the bytes as they go to the registry, blocking, bounded to its stretch.
    ///
    /// Where [`Blob::digest`] is nothing, the reader checks the uncompressed bytes against the config's
    /// diff ID and ends with an error where they differ; where it is something, comparing is left to
    /// whoever hashes what is sent.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let reader = self.0.stretch.reader();
        let entry = || self.entry();
        Ok(match &self.0.check {
            Check::Digest(_) => Box::new(reader),
            Check::Compress(diff_id) => {
                Box::new(GzipReader::new(reader, entry(), DiffId::Stated(diff_id.clone())))
            }
            Check::Inflate(diff_id) => {
                Box::new(InflateCheck::new(reader, entry(), DiffId::Stated(diff_id.clone())))
            }
        })
    }
}

impl fmt::Display for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.stretch.fmt(f)
    }
}
