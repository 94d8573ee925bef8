//! Where bytes lie without having been read: a stretch of a file, and the names that lead to it.
//!
//! Several readers share one file handle: every read names its own offset (`pread`), so no cursor is shared
//! and no lock is needed. An archive stays open as long as anything points into it; a file that is read as
//! a whole is open only while it is read, so that thousands of small files take no handles. The names
//! travel with the stretch so that an error can say `file: outer entry: inner entry`.
//!
//! Of a package that is read as a stream, a stretch is held in memory, or tells no more than where it was.

mod holder;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use self::holder::Holder;
use crate::stream::StreamFault;

pub(crate) use self::holder::Passed;

/// Why bytes of a package could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or examined.
    #[error("{path}: cannot open the file")]
    Open {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path is neither a file nor a folder.
    #[error("{path}: is neither a file nor a folder")]
    NoFile {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A read failed, or the file ended before the stretch did.
    #[error("{entry}: cannot read {length} bytes at offset {offset} of the file")]
    Read {
        /// File and entries, outermost first.
        entry: String,
        /// Offset in the file.
        offset: u64,
        /// How many bytes were asked for.
        length: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is read as a whole is larger than such a file may be.
    #[error("{entry}: holds {size} bytes, and at most {limit} are read of such a file")]
    TooLarge {
        /// File and entries, outermost first.
        entry: String,
        /// The size found, in bytes.
        size: u64,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A stream ended early, or cannot be read further.
    #[error("{entry}: cannot read on at byte {offset} of the unpacked package")]
    Stream {
        /// File and entries, outermost first.
        entry: String,
        /// How many bytes of the unpacked package were read.
        offset: u64,
        /// What happened.
        #[source]
        fault: StreamFault,
    },
    /// An entry of a stream that went by before anything showed that it would be needed.
    #[error(
        "{entry}: went by in the stream before anything showed that it is needed; unpack the package, or \
         take the compression off it, and give the file that results"
    )]
    Passed {
        /// File and entries, outermost first.
        entry: String,
    },
}

/// The names that lead to a stretch, innermost first.
#[derive(Debug)]
struct Trail {
    outer: Option<Arc<Trail>>,
    name: String,
}

impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(outer) = &self.outer {
            write!(f, "{outer}: ")?;
        }
        f.write_str(&self.name)
    }
}

/// How large a stream may be, in bytes; far beyond what any is.
const STREAM_LIMIT: u64 = i64::MAX as u64;

/// A stretch of a file; cheap to clone. Displayed as `file: outer entry: inner entry`.
#[derive(Clone, Debug)]
pub struct Stretch {
    holder: Arc<Holder>,
    offset: u64,
    length: u64,
    trail: Arc<Trail>,
}

impl Stretch {
    /// The whole of the regular file at `path`.
    pub fn of_file(path: &Path) -> Result<Self, ReadError> {
        Self::of_file_named(path, path)
    }

    /// The whole of the regular file at `path`, under the name `shown`.
    pub(crate) fn of_file_named(path: &Path, shown: &Path) -> Result<Self, ReadError> {
        let metadata =
            std::fs::metadata(path).map_err(|source| ReadError::Open { path: shown.to_owned(), source })?;
        if !metadata.is_file() {
            return Err(ReadError::NoFile { path: shown.to_owned() });
        }
        Ok(Self {
            holder: Arc::new(Holder::File { path: path.to_owned(), file: None }),
            offset: 0,
            length: metadata.len(),
            trail: Arc::new(Trail { outer: None, name: shown.display().to_string() }),
        })
    }

    /// All of a stream, of which neither size nor bytes are known, under the name `shown`.
    pub(crate) fn of_stream(shown: &str) -> Self {
        Self {
            holder: Arc::new(Holder::Stream),
            offset: 0,
            length: STREAM_LIMIT,
            trail: Arc::new(Trail { outer: None, name: shown.to_owned() }),
        }
    }

    /// The same stretch with its file open as long as anything points into it.
    pub(crate) fn kept_open(&self) -> Result<Self, ReadError> {
        let Holder::File { path, file: None } = self.holder.as_ref() else { return Ok(self.clone()) };
        match File::open(path) {
            Ok(file) => Ok(self.with(Holder::File { path: path.clone(), file: Some(file) })),
            Err(source) => Err(ReadError::Open { path: path.clone(), source }),
        }
    }

    /// The same stretch of a stream with its bytes, which were kept.
    pub(crate) fn held(&self, bytes: Bytes) -> Self {
        self.with(Holder::Held { begin: self.offset, bytes })
    }

    /// The same stretch of a stream with what is known of it after it went by.
    pub(crate) fn gone(&self, passed: Passed) -> Self {
        self.with(Holder::Passed(passed))
    }

    /// What is known of a file of an archive of images that went by.
    pub(crate) fn passed(&self) -> Option<&Passed> {
        match self.holder.as_ref() {
            Holder::Passed(passed) => Some(passed),
            Holder::File { .. } | Holder::Held { .. } | Holder::Stream => None,
        }
    }

    fn with(&self, holder: Holder) -> Self {
        Self { holder: Arc::new(holder), ..self.clone() }
    }

    /// The part of `length` bytes at `offset` of this stretch, under the name `entry`; nothing where it
    /// reaches beyond the end.
    pub fn part(&self, offset: u64, length: u64, entry: &str) -> Option<Self> {
        let end = offset.checked_add(length)?;
        if end > self.length {
            return None;
        }
        let trail = Trail { outer: Some(Arc::clone(&self.trail)), name: entry.to_owned() };
        Some(Self {
            holder: Arc::clone(&self.holder),
            offset: self.offset + offset,
            length,
            trail: Arc::new(trail),
        })
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.length
    }

    /// The offset of the first byte in its file; in a stream, once that is unpacked.
    pub fn file_offset(&self) -> u64 {
        self.offset
    }

    /// The innermost name: the entry's, or the file's path.
    pub fn name(&self) -> &str {
        &self.trail.name
    }

    /// Fills as much of `buffer` as the stretch holds from `at` on and says how much that was.
    pub fn peek(&self, at: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let left = self.length.saturating_sub(at);
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let offset = self.offset + at;
        if !self.holder.can_be_read() {
            return Err(ReadError::Passed { entry: self.to_string() });
        }
        let read = self.holder.read_exact_at(&mut buffer[..wanted], offset);
        match read {
            Ok(()) => Ok(wanted),
            Err(source) => Err(ReadError::Read { entry: self.to_string(), offset, length: wanted, source }),
        }
    }

    /// The whole stretch in memory, where it holds at most `limit` bytes.
    pub fn read_small(&self, limit: u64) -> Result<Bytes, ReadError> {
        if self.length > limit {
            return Err(ReadError::TooLarge { entry: self.to_string(), size: self.length, limit });
        }
        // Bounded twice: by the limit, and by the file, which was found to reach that far.
        let mut bytes = vec![0; usize::try_from(self.length).unwrap_or(usize::MAX)];
        self.peek(0, &mut bytes)?;
        Ok(bytes.into())
    }

    /// A reader from the first byte to the last, independent of every other reader.
    pub fn reader(&self) -> StretchReader {
        StretchReader { stretch: self.clone(), position: 0, own: None }
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trail.fmt(f)
    }
}

/// Reads a [`Stretch`] from front to back; a file that ends early is an error, never a short stretch.
#[derive(Debug)]
pub struct StretchReader {
    stretch: Stretch,
    position: u64,
    /// A handle of this reader's own, where the file doesn't stay open.
    own: Option<File>,
}

impl Read for StretchReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.stretch.length - self.position;
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if wanted == 0 {
            return Ok(0);
        }
        let offset = self.stretch.offset + self.position;
        let read = self.stretch.holder.read_at(&mut self.own, &mut buffer[..wanted], offset)?;
        if read == 0 {
            let text = format!("{}: the file ends {left} bytes before the entry does", self.stretch);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        self.position += read as u64;
        Ok(read)
    }
}
