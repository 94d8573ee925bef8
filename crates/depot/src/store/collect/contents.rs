//! Contents that no repository and no chart has: the row goes first, then the file.

use portolan_oci::Digest;
use rusqlite::params;

use super::{BATCH, Collecting, StoreError};
use crate::store::database::{Writing, bytes, digest};
use crate::store::durable;

/// A content that nobody has.
struct Unheld {
    id: i64,
    digest: Digest,
    size: u64,
    /// Whether its grace time is over.
    is_due: bool,
}

impl Collecting<'_> {
    pub(super) fn contents(&mut self) -> Result<(), StoreError> {
        let mut last = 0;
        loop {
            let found = self.unheld(last)?;
            let Some(end) = found.last() else { return Ok(()) };
            last = end.id;
            let (due, young): (Vec<_>, Vec<_>) = found.into_iter().partition(|content| content.is_due);
            self.done.spared += young.len() as u64;
            if self.dry_run {
                self.done.contents += due.len() as u64;
                self.done.bytes += due.iter().map(|content| content.size).sum::<u64>();
            } else {
                self.remove(due)?;
            }
        }
    }

    /// Removes contents, unless they came again or somebody has them by now. Their arrival waits meanwhile.
    fn remove(&mut self, due: Vec<Unheld>) -> Result<(), StoreError> {
        let blobs = &self.store.blobs;
        let _held = blobs.hold(due.iter().map(|content| &content.digest));
        let cutoff = self.cutoff;
        let gone = self.store.metadata.database.write("collect contents in", move |writing| {
            let mut gone = Vec::new();
            for content in due {
                if remove_row(writing, content.id, cutoff)? {
                    gone.push(content);
                }
            }
            Ok(gone)
        })?;
        for content in gone {
            durable::discard(&blobs.path(&content.digest))?;
            self.done.contents += 1;
            self.done.bytes += content.size;
        }
        Ok(())
    }

    fn unheld(&self, last: i64) -> Result<Vec<Unheld>, StoreError> {
        self.store.metadata.database.read("look for contents that nobody has in", |connection| {
            let mut list = connection.prepare_cached(
                "SELECT id, digest, size, created <= ?1 FROM blob
                 WHERE id > ?2
                   AND NOT EXISTS (SELECT 1 FROM project_content WHERE project_content.blob = blob.id)
                 ORDER BY id LIMIT ?3",
            )?;
            let found = |row: &rusqlite::Row<'_>| {
                Ok(Unheld {
                    id: row.get(0)?,
                    digest: digest(row, 1)?,
                    size: bytes(row, 2)?,
                    is_due: row.get(3)?,
                })
            };
            list.query_map(params![self.cutoff, last, BATCH], found)?.collect()
        })
    }
}

fn remove_row(writing: &Writing<'_>, id: i64, cutoff: i64) -> rusqlite::Result<bool> {
    let mut delete = writing.prepare_cached(
        "DELETE FROM blob WHERE id = ?1 AND created <= ?2
           AND NOT EXISTS (SELECT 1 FROM project_content WHERE project_content.blob = blob.id)",
    )?;
    Ok(delete.execute(params![id, cutoff])? > 0)
}
