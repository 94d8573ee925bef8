//! What holds the bytes of a stretch: a file, memory, or nothing any more.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use portolan_oci::Digest;

use crate::blob::{BlobId, Encoding};
use crate::sniff::Kind;

/// Where bytes come from. Offsets count from the first byte of the package, as it is once unpacked.
#[derive(Debug)]
pub(super) enum Holder {
    /// A file of the package.
    File {
        /// Where it lies.
        path: PathBuf,
        /// The open file, where it stays open.
        file: Option<File>,
    },
    /// A stretch of a stream that was kept in memory.
    Held {
        /// The offset of its first byte.
        begin: u64,
        /// All of it.
        bytes: Bytes,
    },
    /// A stream, of which nothing is kept.
    Stream,
    /// A file of an archive of images, that went by.
    Passed(Passed),
}

/// What is known of a file of an archive of images after it went by in a stream.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    /// What its first bytes were.
    pub(crate) kind: Kind,
    /// Under which number it was handed out, where it was.
    pub(crate) id: Option<BlobId>,
    /// How it was handed out.
    pub(crate) encoding: Encoding,
    /// Digest of the uncompressed layer, where it was derived as the layer went by.
    pub(crate) diff_id: Arc<OnceLock<Digest>>,
}

impl Holder {
    /// Whether the bytes can still be had.
    pub(super) fn can_be_read(&self) -> bool {
        matches!(self, Self::File { .. } | Self::Held { .. })
    }

    /// Fills `buffer` from `offset` on, or fails.
    pub(super) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File { file: Some(file), .. } => file.read_exact_at(buffer, offset),
            Self::File { path, .. } => File::open(path)?.read_exact_at(buffer, offset),
            Self::Held { begin, bytes } => match copy(bytes, offset - begin, buffer) == buffer.len() {
                true => Ok(()),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            },
            Self::Stream | Self::Passed(_) => Err(gone()),
        }
    }

    /// Reads what it can from `offset` on; `own` is a handle of the reader's own, where the file doesn't stay
    /// open.
    pub(super) fn read_at(
        &self,
        own: &mut Option<File>,
        buffer: &mut [u8],
        offset: u64,
    ) -> io::Result<usize> {
        match self {
            Self::File { file: Some(file), .. } => file.read_at(buffer, offset),
            Self::File { path, .. } => {
                let file = match own {
                    Some(file) => file,
                    None => own.insert(File::open(path)?),
                };
                file.read_at(buffer, offset)
            }
            Self::Held { begin, bytes } => Ok(copy(bytes, offset - begin, buffer)),
            Self::Stream | Self::Passed(_) => Err(gone()),
        }
    }
}

/// Copies what there is from `from` on and says how much that was.
fn copy(bytes: &[u8], from: u64, buffer: &mut [u8]) -> usize {
    let rest = usize::try_from(from).ok().and_then(|from| bytes.get(from..)).unwrap_or_default();
    let count = rest.len().min(buffer.len());
    buffer[..count].copy_from_slice(&rest[..count]);
    count
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "these bytes went by in a stream and were not kept")
}
