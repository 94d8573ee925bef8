//! What is looked up in the store when somebody asks for the metrics.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::{Level, add};
use crate::store::{Store, StoreError};

/// What a store holds, and how busy it is.
#[derive(Debug)]
pub(super) struct Holdings {
    uploads: Level,
    waiting: Level,
    commits: Counter,
    projects: Level,
    repositories: Level,
    tags: Level,
    charts: Level,
    contents: Level,
    bytes: Level,
    damaged: Level,
    free: Level,
    size: Level,
}

impl Holdings {
    pub(super) fn new(all: &mut Registry) -> Self {
        Self {
            uploads: add(all, "uploads", "Upload sessions that are open"),
            waiting: add(all, "waiting_writes", "Changes that wait for the database"),
            commits: add(all, "commits", "Transactions of the database"),
            projects: add(all, "projects", "Projects that hold something"),
            repositories: add(all, "repositories", "Repositories with a manifest"),
            tags: add(all, "tags", "Tags of all repositories"),
            charts: add(all, "charts", "Versions of all charts"),
            contents: add(all, "contents", "Contents, each counted once"),
            bytes: add(all, "content_bytes", "Bytes of all contents"),
            damaged: add(all, "damaged_contents", "Contents that a check found damaged or missing"),
            free: add(all, "disk_free_bytes", "What is left on the depot's file system"),
            size: add(all, "disk_size_bytes", "The size of the depot's file system"),
        }
    }

    pub(super) fn look_up(&self, store: &Store) -> Result<(), StoreError> {
        self.look_at_projects(store)?;
        let contents = store.contents()?;
        self.contents.set(contents.count);
        self.bytes.set(contents.bytes);
        self.damaged.set(contents.damaged);
        let space = store.space()?;
        self.free.set(space.free);
        self.size.set(space.size);
        let writes = store.writes();
        self.commits.inner().store(writes.commits, Ordering::Relaxed);
        self.waiting.set(writes.waiting as u64);
        self.uploads.set(store.uploads.open() as u64);
        Ok(())
    }

    fn look_at_projects(&self, store: &Store) -> Result<(), StoreError> {
        let held = store.holdings()?;
        self.projects.set(held.len() as u64);
        self.repositories.set(held.iter().map(|held| held.repositories).sum());
        self.tags.set(held.iter().map(|held| held.tags).sum());
        self.charts.set(held.iter().map(|held| held.charts).sum());
        Ok(())
    }
}
