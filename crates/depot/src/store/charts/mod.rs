//! Chart repositories: which charts there are, and the index that Helm reads.
//!
//! The archives themselves are contents like any other, in `blobs/`. A row of the database is one
//! entry of the index; the index as a whole is put together when it is read ([`index`]).

mod entry;
mod index;
mod keep;
mod lists;
mod order;
mod rows;

use portolan_oci::Digest;

use super::database::Database;
use super::error::StoreError;
use crate::names::{ChartStem, Tenant};
pub use entry::ChartEntry;
pub use index::ChartIndex;
use index::Shelves;
pub use keep::{NewChart, NewProvenance, Saved};
pub use lists::{ChartSummary, ListedChart, Listing};
use rows::{CHART, PROVENANCE, find, project};
pub(super) use rows::{record, record_provenance};

/// All chart repositories of a depot.
#[derive(Debug)]
pub struct ChartStore {
    database: Database,
    shelves: Shelves,
}

impl ChartStore {
    pub(super) fn new(database: Database) -> Self {
        Self { shelves: Shelves::new(database.clone()), database }
    }

    /// The digest of a chart's archive; `None` where it is damaged, too.
    pub fn archive(&self, tenant: &Tenant, stem: &ChartStem) -> Result<Option<Digest>, StoreError> {
        self.database.read("look for a chart in", |connection| find(connection, CHART, tenant, stem))
    }

    /// The digest of a chart's provenance file; `None` where it is damaged, too.
    pub fn provenance(&self, tenant: &Tenant, stem: &ChartStem) -> Result<Option<Digest>, StoreError> {
        self.database
            .read("look for a provenance file in", |connection| find(connection, PROVENANCE, tenant, stem))
    }

    /// Removes a version with its provenance; `false` where it is not there.
    pub fn delete(&self, tenant: &Tenant, name: &str, version: &str) -> Result<bool, StoreError> {
        let Ok(stem) = ChartStem::new(name, version) else {
            return Ok(false);
        };
        Ok(self.delete_those(tenant, name, Some(stem))? > 0)
    }

    /// Removes all versions of a chart with their provenance; gives how many there were.
    pub fn delete_all(&self, tenant: &Tenant, name: &str) -> Result<usize, StoreError> {
        self.delete_those(tenant, name, None)
    }

    /// The name is compared too: another one, with another version, can make the same file name.
    fn delete_those(
        &self,
        tenant: &Tenant,
        name: &str,
        stem: Option<ChartStem>,
    ) -> Result<usize, StoreError> {
        let (project, name) = (project(tenant).to_owned(), name.to_owned());
        self.database.write("remove a chart from", move |writing| {
            let values = (&project, &name, stem.as_ref().map(ChartStem::as_str));
            writing.prepare_cached(DELETE_PROVENANCE)?.execute(values)?;
            writing.prepare_cached(DELETE)?.execute(values)
        })
    }

    /// The name of the state that `index.yaml` is in, without reading it; empty where it never had an
    /// entry.
    pub fn index_state(&self, tenant: &Tenant) -> Result<String, StoreError> {
        self.shelves.state(tenant)
    }

    /// `index.yaml`.
    pub fn index(&self, tenant: &Tenant) -> Result<ChartIndex, StoreError> {
        self.shelves.read(tenant)
    }
}

/// The versions of a chart, or the one of a file name.
const DELETE: &str = "DELETE FROM chart
    WHERE project = (SELECT id FROM project WHERE name = ?1) AND name = ?2 AND (?3 IS NULL OR stem = ?3)";

const DELETE_PROVENANCE: &str = "DELETE FROM provenance
    WHERE project = (SELECT id FROM project WHERE name = ?1) AND stem IN (
        SELECT chart.stem FROM chart
        WHERE chart.project = provenance.project AND chart.name = ?2 AND (?3 IS NULL OR chart.stem = ?3))";
