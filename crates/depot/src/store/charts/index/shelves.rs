//! Which indexes are in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ChartIndex;
use super::rows;
use super::shelf::Shelf;
use crate::names::Tenant;
use crate::store::charts::rows::project;
use crate::store::database::Database;
use crate::store::error::StoreError;

/// Bytes of all indexes in memory: some hundred thousand versions. Those that were not read for the
/// longest time go first; the one read last stays, also when it alone is larger.
const KEPT: usize = 8 * 1024 * 1024;

const ACTION: &str = "read a chart index from";

/// The indexes that were read last.
#[derive(Debug)]
pub(in crate::store::charts) struct Shelves {
    database: Database,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    shelves: HashMap<Tenant, Slot>,
    /// Counts readings, to know which was the last.
    readings: u64,
}

#[derive(Debug, Default)]
struct Slot {
    shelf: Arc<Mutex<Shelf>>,
    /// The number of its last reading.
    read: u64,
    weight: usize,
}

impl Shelves {
    pub(in crate::store::charts) fn new(database: Database) -> Self {
        Self { database, kept: Mutex::default() }
    }

    /// The name of the state that a tenant's index is in; empty where it never had an entry.
    pub(in crate::store::charts) fn state(&self, tenant: &Tenant) -> Result<String, StoreError> {
        let state = self.database.read(ACTION, |connection| rows::state(connection, project(tenant)))?;
        Ok(state.unwrap_or_default().name)
    }

    /// A tenant's index. Tenants that have none are not remembered, or anybody could fill the memory
    /// by asking for names.
    pub(in crate::store::charts) fn read(&self, tenant: &Tenant) -> Result<ChartIndex, StoreError> {
        if self.state(tenant)?.is_empty() {
            return Ok(ChartIndex::default());
        }
        // Several that ask at once wait for one reading.
        let shelf = self.shelf(tenant);
        let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let index = self.database.read(ACTION, |connection| {
            let state = rows::state(connection, project(tenant))?.unwrap_or_default();
            shelf.read(connection, &state)
        })?;
        self.weigh(tenant, shelf.weight());
        Ok(index)
    }

    fn shelf(&self, tenant: &Tenant) -> Arc<Mutex<Shelf>> {
        let mut kept = self.kept();
        Arc::clone(&kept.shelves.entry(tenant.clone()).or_default().shelf)
    }

    /// Notes a reading, and lets go what is too much.
    fn weigh(&self, tenant: &Tenant, weight: usize) {
        let mut kept = self.kept();
        kept.readings += 1;
        let read = kept.readings;
        if let Some(slot) = kept.shelves.get_mut(tenant) {
            (slot.read, slot.weight) = (read, weight);
        }
        kept.forget_beyond(KEPT);
    }

    /// The map is changed in single steps, so it is whole after a panic too.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Forgets those that were not read for the longest time, until the rest has at most that many
    /// bytes or is the one read last.
    fn forget_beyond(&mut self, most: usize) {
        let mut weight: usize = self.shelves.values().map(|slot| slot.weight).sum();
        while weight > most && self.shelves.len() > 1 {
            let oldest = self.shelves.iter().min_by_key(|(_, slot)| slot.read);
            let Some(tenant) = oldest.map(|(tenant, _)| tenant.clone()) else { return };
            weight -= self.shelves.remove(&tenant).unwrap_or_default().weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_read_last_stays_whatever_it_weighs() {
        let check = |most: usize, expected: &[&str]| {
            let mut kept = Kept::default();
            for (name, read, weight) in [("old", 1, 10), ("newest", 3, 30), ("newer", 2, 20)] {
                let tenant = Tenant::Project(name.parse().unwrap());
                kept.shelves.insert(tenant, Slot { read, weight, ..Slot::default() });
            }
            kept.forget_beyond(most);
            let mut left: Vec<_> = kept.shelves.keys().map(project).collect();
            left.sort_unstable();
            assert_eq!(left, expected, "{most}");
        };
        check(60, &["newer", "newest", "old"]);
        check(59, &["newer", "newest"]);
        check(50, &["newer", "newest"]);
        check(30, &["newest"]);
        check(0, &["newest"]);
    }
}
