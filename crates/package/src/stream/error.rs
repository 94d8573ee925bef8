//! What can be wrong with a package that is read as a stream.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::source::ReadError;
use crate::tar_index::TarError;

/// Why a stream cannot be read on.
///
/// What takes out one bundle alone is no such error, but a [`super::Step::Broken`].
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The file could not be opened.
    #[error("{path}: cannot open the file")]
    Open {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No thread could be started.
    #[error("{package}: cannot start the thread that unpacks it")]
    Thread {
        /// The package.
        package: String,
        /// What the system said.
        source: io::Error,
    },
    /// The stream ended early or is damaged; the message names the entry that was being read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The outermost tar may not be taken.
    #[error(transparent)]
    Tar(TarError),
    /// There is nothing in it that counts.
    #[error("{package}: holds no chart bundle, no archive of images and no chart{}", remarks(.notes))]
    Empty {
        /// The package.
        package: String,
        /// What was left out.
        notes: Vec<String>,
    },
}

impl From<TarError> for StreamError {
    fn from(error: TarError) -> Self {
        match error {
            TarError::Read(error) => Self::Read(error),
            error @ TarError::Faulty { .. } => Self::Tar(error),
        }
    }
}

fn remarks(notes: &[String]) -> String {
    notes.iter().map(|note| format!("; {note}")).collect()
}

/// Why no more bytes come.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StreamFault {
    /// The package ends in the middle.
    #[error(
        "the package ends after {packed} bytes, before it is complete: it was cut off; copy it again and \
         compare its checksum file"
    )]
    CutOff {
        /// How many bytes of it there are.
        packed: u64,
    },
    /// What is compressed can't be unpacked, or is not what its checksum says.
    #[error(
        "the {format} stream is damaged before byte {packed} of the package ({what}); copy it again and \
         compare its checksum file"
    )]
    Damaged {
        /// The compression.
        format: &'static str,
        /// How many bytes of the package were read by then.
        packed: u64,
        /// What the decoder says.
        what: String,
    },
    /// A Zstandard frame needs more memory than it is given.
    #[error(
        "the zstd stream has a window of more than {} MiB; compress the package again without `--long` or \
         `--ultra`",
        .limit >> 20
    )]
    Window {
        /// The largest window in bytes.
        limit: u64,
    },
    /// A compression that is not read.
    #[error("the package is compressed with {compression}, which is not read; gzip and zstd are")]
    Foreign {
        /// How it is compressed.
        compression: &'static str,
    },
    /// The file or pipe below could not be read.
    #[error("byte {packed} of the package and what follows cannot be read")]
    Read {
        /// How many bytes of the package were read by then.
        packed: u64,
        /// What the system said.
        source: Arc<io::Error>,
    },
}

impl StreamFault {
    /// What kind of input error that is.
    pub(super) fn kind(&self) -> io::ErrorKind {
        match self {
            Self::CutOff { .. } => io::ErrorKind::UnexpectedEof,
            Self::Read { source, .. } => source.kind(),
            Self::Damaged { .. } | Self::Window { .. } | Self::Foreign { .. } => io::ErrorKind::InvalidData,
        }
    }
}
