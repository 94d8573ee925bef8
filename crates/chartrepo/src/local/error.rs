//! What can go wrong in a chart directory.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{CHART_LIMIT, index::IndexError};

/// What can go wrong in a chart directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The system refused; the source says why.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk, or a quota on it, is full.
    #[error(
        "writing {}: no space left for its {size} bytes; nothing of it was kept, free some space and run again",
        path.display()
    )]
    Full {
        /// The file that was to be written.
        path: PathBuf,
        /// Its size in bytes.
        size: usize,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The path, or one it leads through, is a file.
    #[error("{} is no directory; target.repo.path has to name one", path.display())]
    NotADirectory {
        /// What is there.
        path: PathBuf,
    },
    /// No files can be made there.
    #[error("the chart directory {} can't be written to; change its owner or mode, or target.repo.path", path.display())]
    NotWritable {
        /// The directory, or the closest one above it that is there.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The archive is larger than a chart can be.
    #[error("{} is {size} bytes, more than the {} MiB that Helm takes", path.display(), CHART_LIMIT >> 20)]
    TooLarge {
        /// The archive.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The directory's `index.yaml` is none.
    #[error("reading the chart directory's index; mend it or move it away")]
    Index(#[from] IndexError),
}

impl LocalError {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }

    pub(super) fn writing(path: &Path, size: usize, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, size, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { path, source }
            }
            _ => Self::Io { doing: "writing", path, source },
        }
    }
}
