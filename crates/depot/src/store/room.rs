//! Keeping some of the disk free: nothing is written below that, so that what is there can still be
//! read, moved and removed, and the database never finds the disk full.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::StoreError;
use super::overview::Space;
use crate::options::MinFree;

/// How much of a depot's disk is left alone. Clones are one.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    kept: Mutex<MinFree>,
}

impl Room {
    /// All of the disk that `dir` is on may be taken.
    pub(super) fn new(dir: &Path) -> Self {
        Self(Arc::new(Inner { dir: dir.to_owned(), kept: Mutex::new(MinFree::Bytes(0)) }))
    }

    /// From now on so much is left alone.
    pub(super) fn keep(&self, free: MinFree) {
        *self.0.kept.lock().unwrap_or_else(PoisonError::into_inner) = free;
    }

    /// Refuses where there is less left than that.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let kept = *self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept == MinFree::Bytes(0) {
            return Ok(());
        }
        let Space { free, size } = Space::of(&self.0.dir)?;
        let kept = kept.bytes(size);
        if free < kept { Err(StoreError::LowDisk { free, kept }) } else { Ok(()) }
    }
}
