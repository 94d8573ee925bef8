//! Marks on damaged contents: what is marked counts as absent.

use portolan_oci::Digest;
use rusqlite::params;

use super::Checking;
use super::contents::Content;
use crate::store::database::{from_bytes, now};
use crate::store::error::StoreError;

impl Checking<'_> {
    /// Marks a content as damaged; `false` where it is not known any more. The caller holds it.
    pub(super) fn mark(&self, digest: &Digest) -> Result<bool, StoreError> {
        let digest = digest.to_string();
        self.store.metadata.database.write("mark a content as damaged in", move |writing| {
            let mut update = writing
                .prepare_cached("UPDATE blob SET damaged = coalesce(damaged, ?2) WHERE digest = ?1")?;
            let is_there = update.execute(params![digest, now()])? > 0;
            // Any repository may have it.
            writing.changes_everything();
            Ok(is_there)
        })
    }

    /// Takes the mark from a sound content, and notes its length; `false` where that was so already.
    pub(super) fn clear(&self, content: &Content, length: u64) -> Result<bool, StoreError> {
        let digest = content.digest.to_string();
        self.store.metadata.database.write("clear a content of damage in", move |writing| {
            let mut update = writing.prepare_cached(
                "UPDATE blob SET damaged = NULL, size = ?2
                 WHERE digest = ?1 AND (damaged IS NOT NULL OR size <> ?2)",
            )?;
            let was_marked = update.execute(params![digest, from_bytes(length)])? > 0;
            writing.changes_everything();
            Ok(was_marked)
        })
    }
}
