//! The directories that contents lie in: made as they are needed, and on the disk before they are
//! used.
//!
//! That a directory is there says nothing of the disk: whoever made it may have been killed before
//! its name was synced, or may be about to sync it. A content in it would be lost with it. So a
//! directory counts from when this process has synced its name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use portolan_oci::{Algorithm, Digest};

use super::durable;
use super::error::StoreError;

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

/// The directories `blobs/ALG/ab`.
#[derive(Debug)]
pub(super) struct Shelves {
    dir: PathBuf,
    /// Those whose names are on the disk.
    ready: RwLock<HashSet<PathBuf>>,
}

impl Shelves {
    /// Those below `dir`, which is made where it is missing.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        durable::create_dirs(dir)?;
        let mut ready = HashSet::new();
        for algorithm in ALGORITHMS {
            let shelves = dir.join(algorithm.as_str());
            durable::create_dirs(&shelves)?;
            durable::sync_dir(&shelves)?;
            ready.extend(durable::names(&shelves)?.into_iter().map(|name| shelves.join(name)));
        }
        durable::sync_dir(dir)?;
        Ok(Self { dir: dir.to_owned(), ready: RwLock::new(ready) })
    }

    /// The directory that all of them lie in.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every one that is there, one after the other.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(Algorithm, &Path) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for algorithm in ALGORITHMS {
            let shelves = self.dir.join(algorithm.as_str());
            for name in durable::names(&shelves)? {
                visit(algorithm, &shelves.join(name))?;
            }
        }
        Ok(())
    }

    /// Where content of that digest is, or would be.
    pub(super) fn path(&self, digest: &Digest) -> PathBuf {
        self.shelf(digest).join(digest.hex())
    }

    /// Sees to it that the directory of that content is there and on the disk.
    pub(super) fn prepare(&self, digest: &Digest) -> Result<(), StoreError> {
        let shelf = self.shelf(digest);
        if self.ready.read().unwrap_or_else(PoisonError::into_inner).contains(&shelf) {
            return Ok(());
        }
        durable::create_dir(&shelf)?;
        self.ready.write().unwrap_or_else(PoisonError::into_inner).insert(shelf);
        Ok(())
    }

    fn shelf(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.algorithm().as_str()).join(&digest.hex()[..2])
    }
}
