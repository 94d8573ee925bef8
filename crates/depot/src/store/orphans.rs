//! Files in `blobs/` that no row knows: a process was killed between a content's name and its row, or
//! between a row's end and its file's.

use std::path::Path;

use portolan_oci::Digest;

use super::error::StoreError;
use super::{Store, durable};

impl Store {
    /// Shows every such file with its length, held from arriving meanwhile. What has not the name of a
    /// content is somebody else's, and is passed over.
    pub(super) fn each_orphan(
        &self,
        mut visit: impl FnMut(&Path, u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.blobs.each_shelf(|algorithm, shelf| {
            for name in durable::names(shelf)? {
                if let Ok(digest) = Digest::from_hex(algorithm, &name) {
                    self.visit_orphan(&digest, &shelf.join(&name), &mut visit)?;
                }
            }
            Ok(())
        })
    }

    fn visit_orphan(
        &self,
        digest: &Digest,
        path: &Path,
        visit: &mut impl FnMut(&Path, u64) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.blobs.has_row(digest)? {
            return Ok(());
        }
        // A content that is arriving has its file before its row, and is held until it has both.
        let _held = self.blobs.hold(std::iter::once(digest));
        if self.blobs.has_row(digest)? {
            return Ok(());
        }
        match durable::length(path)? {
            Some(length) => visit(path, length),
            None => Ok(()),
        }
    }
}
