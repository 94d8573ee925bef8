//! What can go wrong below the store.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portolan_oci::Digest;

use crate::names::UploadId;

/// A failure of the store itself; what is merely absent is an `Option`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// Content that does not have the digest it was announced with.
    #[error("content has digest {actual}, not {expected}")]
    DigestMismatch {
        /// What was announced.
        expected: Digest,
        /// What was derived.
        actual: Digest,
    },
    /// Another process has the depot open.
    #[error("{} is locked: another process{} has this depot open, stop it first", path.display(), with_id(*holder))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process id, as far as it is known; in a container it counts there alone.
        holder: Option<u32>,
    },
    /// The data directory was written by another version.
    #[error("{} says {found:?}, which this version does not know: use the version of portolan that wrote it", path.display())]
    Format {
        /// The format file.
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// The database refused something.
    #[error("cannot {action} the depot's database")]
    Database {
        /// What was being done, as a verb and a preposition: "set a tag in".
        action: &'static str,
        /// What happened.
        source: rusqlite::Error,
    },
    /// A change was made, but its transaction, which others shared, could not be committed.
    #[error("cannot {action} the depot's database: the change was not committed")]
    Commit {
        /// What was being done, as a verb and a preposition.
        action: &'static str,
        /// What happened.
        source: Arc<rusqlite::Error>,
    },
    /// The thread that writes could not be started.
    #[error("cannot start the thread that writes the depot's database")]
    Thread {
        /// What happened.
        source: io::Error,
    },
    /// The thread that writes has ended.
    #[error("the depot's database is closed")]
    Closed,
    /// Less of the disk is free than is to be left alone.
    #[error("the depot's disk is low: {} are free, and {} are kept free: nothing was stored", Size(*free), Size(*kept))]
    LowDisk {
        /// Bytes that are free.
        free: u64,
        /// Bytes that are left alone.
        kept: u64,
    },
    /// A project would hold more than it may; in the words of Harbor, which its clients know.
    #[error("adding {} of storage resource to project {project}, which when updated to current usage of {} will exceed the configured upper limit of {}", Size(*added), Size(*needed), Size(*limit))]
    OverQuota {
        /// The project.
        project: String,
        /// Bytes that would come.
        added: u64,
        /// Bytes that it would hold then.
        needed: u64,
        /// Bytes that it may hold.
        limit: u64,
    },
    /// A content that is to mend another is not where it was to be laid.
    #[error("there is no content under the name {file} in uploads/")]
    Laid {
        /// The name.
        file: UploadId,
    },
    /// A file of the store holds what the store never wrote.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A number of bytes as people read it: `8.3 MiB`.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["KiB", "MiB", "GiB", "TiB"];
        let fitting = |(power, _): &(u32, &str)| self.0 >= 1 << (10 * power);
        match (1..).zip(units).take_while(fitting).last() {
            Some((power, unit)) => write!(f, "{:.1} {unit}", self.0 as f64 / (1_u64 << (10 * power)) as f64),
            None => write!(f, "{} B", self.0),
        }
    }
}

fn with_id(process: Option<u32>) -> String {
    process.map(|id| format!(" (id {id})")).unwrap_or_default()
}

impl StoreError {
    /// Whether the disk, or the file system's quota on it, is full.
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        let full = Some(rusqlite::ErrorCode::DiskFull);
        match self {
            Self::Io { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
            Self::Database { source, .. } => source.sqlite_error_code() == full,
            Self::Commit { source, .. } => source.sqlite_error_code() == full,
            _ => false,
        }
    }
}

/// Gives an I/O error its verb and its path.
pub(super) trait Io<T> {
    /// `action` is a verb: "read", "rename".
    fn io(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> Io<T> for io::Result<T> {
    fn io(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Io { action, path: path.to_owned(), source })
    }
}
