//! Blobs of a repository that none of its manifests names any more.

use portolan_oci::{Digest, Repository};
use rusqlite::{Connection, params};

use super::{BATCH, Collecting, StoreError};
use crate::store::database::{Key, Writing, digest};

/// Blobs behind that one which none of the repository's manifests names, in the order of their ids.
const UNNAMED: &str = "
    SELECT blob.id, blob.digest, repository_blob.linked <= ?2
    FROM repository JOIN repository_blob ON repository_blob.repository = repository.id
    JOIN blob ON blob.id = repository_blob.blob
    WHERE repository.name = ?1 AND blob.id > ?3
      AND NOT EXISTS (SELECT 1 FROM part WHERE part.repository = repository.id AND part.digest = blob.digest)
    ORDER BY blob.id LIMIT ?4";

/// A blob that no manifest of its repository names.
struct Unnamed {
    id: i64,
    digest: Digest,
    /// Whether its grace time is over.
    is_due: bool,
}

impl Collecting<'_> {
    pub(super) fn links(&mut self, repository: &Repository) -> Result<(), StoreError> {
        let mut last = 0;
        loop {
            let found = self.unnamed(repository, last)?;
            let Some(end) = found.last() else { return Ok(()) };
            last = end.id;
            let (due, young): (Vec<_>, Vec<_>) = found.into_iter().partition(|link| link.is_due);
            self.done.spared += young.len() as u64;
            if self.dry_run {
                self.done.links += due.len() as u64;
            } else {
                self.unlink(repository, due)?;
            }
        }
    }

    fn unlink(&mut self, repository: &Repository, due: Vec<Unnamed>) -> Result<(), StoreError> {
        let count = due.len();
        let candidates = due.into_iter().map(|link| (repository.clone(), link.digest)).collect();
        let condemned = self.store.leases.condemn(candidates, self.grace);
        let goes = condemned.members().to_vec();
        self.done.spared += (count - goes.len()) as u64;
        let cutoff = self.cutoff;
        self.done.links += self.store.metadata.database.write("collect blobs in", move |writing| {
            let mut removed = 0;
            for (repository, digest) in goes {
                removed += u64::from(remove(writing, &repository, &digest, cutoff)?);
            }
            Ok(removed)
        })?;
        Ok(())
    }

    fn unnamed(&self, repository: &Repository, last: i64) -> Result<Vec<Unnamed>, StoreError> {
        self.store.metadata.database.read("look through the blobs of", |connection: &Connection| {
            let mut list = connection.prepare_cached(UNNAMED)?;
            let found = |row: &rusqlite::Row<'_>| {
                Ok(Unnamed { id: row.get(0)?, digest: digest(row, 1)?, is_due: row.get(2)? })
            };
            list.query_map(params![repository.as_str(), self.cutoff, last, BATCH], found)?.collect()
        })
    }
}

/// Takes a blob out of a repository, unless a manifest names it by now or it came again.
fn remove(writing: &Writing<'_>, name: &Repository, digest: &Digest, cutoff: i64) -> rusqlite::Result<bool> {
    let mut delete = writing.prepare_cached(
        "DELETE FROM repository_blob
         WHERE repository = (SELECT id FROM repository WHERE name = ?1)
           AND blob = (SELECT id FROM blob WHERE digest = ?2)
           AND linked <= ?3
           AND NOT EXISTS (SELECT 1 FROM part
                           WHERE part.repository = repository_blob.repository AND part.digest = ?2)",
    )?;
    let removed = delete.execute(params![name.as_str(), digest.to_string(), cutoff])? > 0;
    writing.changes(Key::Blob(name.clone(), digest.clone()));
    Ok(removed)
}
