//! Files that no row knows. They harm nobody, and garbage collection removes them.

use std::ops::ControlFlow;
use std::path::Path;

use portolan_oci::Digest;

use super::{Checking, Step};
use crate::store::error::StoreError;
use crate::store::{Store, durable};

impl Checking<'_> {
    pub(super) fn orphans(&mut self) -> Step {
        let (store, found) = (self.store, &mut self.done.orphans);
        store.blobs.each_shelf(|algorithm, shelf| {
            for name in durable::names(shelf)? {
                let Ok(digest) = Digest::from_hex(algorithm, &name) else { continue };
                if let Some(length) = store.orphan(&digest, &shelf.join(&name))? {
                    found.contents += 1;
                    found.bytes += length;
                }
            }
            Ok(())
        })?;
        Ok(ControlFlow::Continue(()))
    }
}

impl Store {
    /// The length of a content's file, where no row knows of it.
    fn orphan(&self, digest: &Digest, path: &Path) -> Result<Option<u64>, StoreError> {
        if self.blobs.has_row(digest)? {
            return Ok(None);
        }
        // A content that is arriving has its file before its row, and is held until it has both.
        let _held = self.blobs.hold(std::iter::once(digest));
        match self.blobs.has_row(digest)? {
            true => Ok(None),
            false => durable::length(path),
        }
    }
}
