//! What a depot keeps, on disk, without any HTTP.
//!
//! ```text
//! DATA/
//! ├── format                               "portolan-depot 1": refused when newer
//! ├── lock                                 held by the one process that has the depot open
//! ├── blobs/sha256/ab/abcd…                every content once, named by its digest: layers,
//! ├── blobs/sha512/ab/abcd…                configs, manifests, chart archives, provenance
//! ├── uploads/                             content that has no name yet; emptied at the start
//! ├── repositories/NAME…/
//! │   ├── _blobs/sha256/HEX                empty: this repository has that blob
//! │   ├── _manifests/sha256/HEX            the media type the manifest was put with
//! │   ├── _tags/TAG                        the digest it points to
//! │   └── _referrers/sha256/HEX/ALG-HEX    a descriptor (JSON) of a manifest with that subject
//! ├── projects/NAME                        "public" or "private"
//! └── charts/root/, charts/projects/NAME/
//!     ├── NAME-VERSION.chart               the index's entry (JSON), the archive's digest in it
//!     └── NAME-VERSION.prov                the digest of the provenance file
//! ```
//!
//! Rules that hold everywhere:
//! - a content gets its name in `blobs/` only after its digest was derived and found right, and a
//!   name is acknowledged only after file and directory are synced (design decision 18);
//! - what points to a content is written after it, what is pointed to is never removed first;
//! - small files are replaced by renaming, so that a reader sees the old or the new one;
//! - no repository element starts with `_`, so those folders clash with no name.
//!
//! All functions block: a server calls them away from its own threads.

mod blobs;
mod charts;
mod draft;
mod durable;
mod error;
mod manifests;
mod metadata;
mod projects;
mod referrers;
#[cfg(test)]
mod tests;
mod uploads;

use std::fs::{self, File, TryLockError};
use std::path::Path;

pub use blobs::Blobs;
pub use charts::{ChartEntry, ChartStore, Saved};
pub use draft::Draft;
use error::Io;
pub use error::StoreError;
pub use manifests::{NewManifest, PutError};
pub use metadata::{Metadata, Precondition};
pub use referrers::{ReferrerPage, Referrers};
pub use uploads::{Claim, ClaimError, Uploads};

/// The first line of `format`. A later version that changes the layout counts up.
const FORMAT: &str = "portolan-depot 1\n";

/// One depot's data, opened by this process alone.
#[derive(Debug)]
pub struct Store {
    /// Contents by digest.
    pub blobs: Blobs,
    /// Upload sessions.
    pub uploads: Uploads,
    /// Repositories and projects.
    pub metadata: Metadata,
    /// Chart repositories.
    pub charts: ChartStore,
    /// Dropping it gives the lock back.
    _lock: File,
}

impl Store {
    /// Opens the depot in `dir`, which is made where it is missing.
    ///
    /// Fails where another process has it open, or a newer version wrote it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        durable::create_dirs(dir)?;
        let lock = lock(&dir.join("lock"))?;
        let scratch = dir.join("uploads");
        clear(&scratch)?;
        check_format(&dir.join("format"), &scratch)?;
        Ok(Self {
            blobs: Blobs::open(&dir.join("blobs"), &scratch)?,
            uploads: Uploads::new(&scratch),
            metadata: Metadata::open(dir, &scratch)?,
            charts: ChartStore::open(&dir.join("charts"), &scratch)?,
            _lock: lock,
        })
    }
}

/// Takes the lock, or says who might have it.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options().create(true).append(true).open(path).io("open", path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(source).io("lock", path),
    }
}

/// Sessions do not outlive the process: their digests were in its memory.
fn clear(scratch: &Path) -> Result<(), StoreError> {
    durable::create_dirs(scratch)?;
    for entry in fs::read_dir(scratch).io("read", scratch)? {
        let path = entry.io("read", scratch)?.path();
        fs::remove_file(&path).io("remove", &path)?;
    }
    Ok(())
}

fn check_format(path: &Path, scratch: &Path) -> Result<(), StoreError> {
    match durable::read_small(path)? {
        None => durable::replace(scratch, path, FORMAT.as_bytes()),
        Some(found) if found == FORMAT.as_bytes() => Ok(()),
        Some(found) => {
            let found = String::from_utf8_lossy(&found).trim().to_owned();
            Err(StoreError::Format { path: path.to_owned(), found })
        }
    }
}
