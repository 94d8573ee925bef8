//! Files that no row knows: a process was killed between a content's name and its row, or between a
//! row's end and its file's.

use std::path::Path;

use portolan_oci::{Algorithm, Digest};

use super::{Collecting, StoreError};
use crate::store::durable;

impl Collecting<'_> {
    pub(super) fn orphans(&mut self) -> Result<(), StoreError> {
        let mut found = Vec::new();
        self.store.blobs.each_shelf(|algorithm, shelf| {
            for name in durable::names(shelf)? {
                found.extend(self.orphan(algorithm, &shelf.join(&name), &name)?);
            }
            Ok(())
        })?;
        for size in found {
            self.done.orphans += 1;
            self.done.bytes += size;
        }
        Ok(())
    }

    /// Removes a file that is no content's; gives its size. What has not the name of a content is somebody
    /// else's, and stays.
    fn orphan(&self, algorithm: Algorithm, path: &Path, name: &str) -> Result<Option<u64>, StoreError> {
        let Ok(digest) = Digest::from_hex(algorithm, name) else { return Ok(None) };
        let blobs = &self.store.blobs;
        if blobs.has_row(&digest)? {
            return Ok(None);
        }
        // A content that is arriving has its file before its row, and holds this until it has both.
        let _held = blobs.hold(std::iter::once(&digest));
        if blobs.has_row(&digest)? {
            return Ok(None);
        }
        let Some(size) = durable::length(path)? else { return Ok(None) };
        if !self.dry_run {
            durable::discard(path)?;
        }
        Ok(Some(size))
    }
}
