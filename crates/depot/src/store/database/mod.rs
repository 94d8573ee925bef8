//! The database `depot.sqlite`: everything a depot knows but its contents.
//!
//! One thread writes, a few connections read beside it (WAL); none waits for the other. What
//! [`Database::write`] gives back is on the disk: `synchronous=FULL` syncs every commit, and jobs
//! that wait for the same commit share its cost (`writer`).

mod cache;
mod open;
mod readers;
mod row;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::error::StoreError;
use cache::Cache;
pub(super) use cache::{Asked, Key, Value};
use readers::Readers;
pub(super) use row::{bytes, digest, from_bytes, now, unreadable};
use writer::Writer;
pub use writer::Writes;
pub(super) use writer::Writing;

/// The file's name in the data directory.
pub(super) const FILE: &str = "depot.sqlite";

/// The database of one depot. Cheap to clone; the last clone closes it.
#[derive(Debug, Clone)]
pub(super) struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // Dropped first: SQLite tidies its log up when the last connection closes, and only the
    // writer's may write.
    readers: Readers,
    writer: Writer,
    cache: Arc<Cache>,
}

impl Database {
    /// Opens the database in `data`, which is made where it is missing and brought to the newest
    /// schema; refused where a newer version wrote it.
    pub(super) fn open(data: &Path) -> Result<Self, StoreError> {
        let path = data.join(FILE);
        let writing = open::writable(&path)?;
        let readers = Readers::new(&path)?;
        let cache = Arc::new(Cache::new());
        let writer = Writer::start(writing, Arc::clone(&cache))?;
        Ok(Self(Arc::new(Inner { readers, writer, cache })))
    }

    /// What was asked for lately.
    pub(super) fn cache(&self) -> &Cache {
        &self.0.cache
    }

    /// Asks something; `action` says what, for errors. A question of several statements sees one
    /// state of the database.
    pub(super) fn read<T>(
        &self,
        action: &'static str,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.0.readers.with(ask).map_err(|source| StoreError::Database { action, source })
    }

    /// Changes something: all of it when `job` gives `Ok`, nothing when it fails. Returns once the
    /// change is on the disk.
    ///
    /// The job runs on the writer's thread, so it must neither call the database nor wait for
    /// anybody; what it decides on cannot change before it is done.
    pub(super) fn write<T: Send + 'static>(
        &self,
        action: &'static str,
        job: impl FnOnce(&Writing<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.writer.run(action, job)
    }

    /// How busy the writer is.
    pub(super) fn writes(&self) -> Writes {
        self.0.writer.writes()
    }
}
