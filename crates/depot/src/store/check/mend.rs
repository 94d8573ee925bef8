//! Contents in place of damaged ones.

use portolan_oci::Digest;

use crate::names::UploadId;
use crate::store::{Store, StoreError};

impl Store {
    /// Takes the file of that name in `uploads/` as a content that the depot knows, sound or not; it
    /// is verified as an upload is. `false`, and the file is removed, where the depot doesn't know it.
    ///
    /// # Errors
    ///
    /// [`StoreError::DigestMismatch`] where it is another content, [`StoreError::Laid`] where there is
    /// no such file.
    pub fn mend(&self, digest: &Digest, file: &UploadId) -> Result<bool, StoreError> {
        let draft = self.uploads.laid(file, digest.algorithm())?;
        let draft = draft.ok_or_else(|| StoreError::Laid { file: file.clone() })?;
        if !self.blobs.has_row(digest)? {
            return Ok(false);
        }
        self.blobs.admit(draft, digest)?;
        Ok(true)
    }
}
