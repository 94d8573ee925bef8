//! Keeping charts: contents and rows, all or nothing.

use bytes::Bytes;
use portolan_oci::Digest;
use rusqlite::Connection;

use super::entry::ChartEntry;
use super::rows::{CHART, PROVENANCE, find, present, project, record, record_provenance, remove};
use crate::names::{ChartStem, Tenant};
use crate::options::Existing;
use crate::store::Store;
use crate::store::blobs::Arrival;
use crate::store::database::Writing;
use crate::store::draft::Draft;
use crate::store::error::StoreError;
use crate::store::quota::{self, OverQuota};

/// An archive that was looked into and waits for its name.
#[derive(Debug)]
pub struct NewChart {
    /// `NAME-VERSION`.
    pub stem: ChartStem,
    /// What the index will say of it.
    pub entry: ChartEntry,
    /// The archive.
    pub draft: Draft,
}

/// A provenance file that waits for its name.
#[derive(Debug, Clone)]
pub struct NewProvenance {
    /// `NAME-VERSION` of its chart, which need not be there.
    pub stem: ChartStem,
    /// The file.
    pub content: Bytes,
}

/// What became of something to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is there now.
    Done,
    /// Something of that name was there already and stays.
    Exists,
}

/// Why nothing was kept.
enum Refused {
    /// Something of that name is there and is to stay.
    Taken,
    /// The project would hold more than it may.
    OverQuota(OverQuota),
}

/// The rows of what is to be kept.
struct Rows {
    tenant: Tenant,
    chart: Option<(ChartStem, ChartEntry)>,
    provenance: Option<(ChartStem, Digest)>,
    existing: Existing,
    /// Contents without a file, which are not there whatever the database says.
    lost: Vec<Digest>,
}

impl Store {
    /// Keeps a chart, and its provenance where that came with it: both or, where one is there already
    /// and is to stay, neither. Of two that bring one chart at once, one finds it there.
    pub fn keep_chart(
        &self,
        tenant: &Tenant,
        chart: NewChart,
        provenance: Option<&NewProvenance>,
        existing: Existing,
    ) -> Result<Saved, StoreError> {
        let NewChart { stem, entry, draft } = chart;
        let digest = entry.digest().clone();
        let mut rows = Rows::new(tenant, Some((stem, entry)), provenance, existing);
        // Most are seen here, before anything is synced; the job looks again.
        if self.is_taken(&mut rows)? {
            return Ok(Saved::Exists);
        }
        let mut drafts = vec![(draft, digest)];
        if let Some(new) = provenance {
            drafts.push(self.draft_of(new)?);
        }
        self.admit_rows(rows, drafts)
    }

    /// Keeps a provenance file alone.
    pub fn keep_provenance(
        &self,
        tenant: &Tenant,
        provenance: &NewProvenance,
        existing: Existing,
    ) -> Result<Saved, StoreError> {
        let mut rows = Rows::new(tenant, None, Some(provenance), existing);
        if self.is_taken(&mut rows)? {
            return Ok(Saved::Exists);
        }
        let draft = self.draft_of(provenance)?;
        self.admit_rows(rows, vec![draft])
    }

    fn draft_of(&self, new: &NewProvenance) -> Result<(Draft, Digest), StoreError> {
        let digest = Digest::sha256(&new.content);
        Ok((self.blobs.draft_of(&new.content, digest.algorithm())?, digest))
    }

    fn admit_rows(&self, rows: Rows, drafts: Vec<(Draft, Digest)>) -> Result<Saved, StoreError> {
        let admitted =
            self.blobs.admit_all(drafts, move |writing, arrivals| rows.admit(writing, arrivals))?;
        match admitted {
            Ok(()) => Ok(Saved::Done),
            Err(Refused::Taken) => Ok(Saved::Exists),
            Err(Refused::OverQuota(over)) => Err(over.into()),
        }
    }

    /// Whether something is there and is to stay; notes what of it has lost its file.
    fn is_taken(&self, rows: &mut Rows) -> Result<bool, StoreError> {
        let found = self.charts.database.read("look for a chart in", |connection| rows.found(connection))?;
        rows.lost = found.iter().filter(|digest| !self.blobs.has_file(digest)).cloned().collect();
        Ok(rows.clash_with(&found))
    }
}

impl Rows {
    fn new(
        tenant: &Tenant,
        chart: Option<(ChartStem, ChartEntry)>,
        provenance: Option<&NewProvenance>,
        existing: Existing,
    ) -> Self {
        let provenance = provenance.map(|new| (new.stem.clone(), Digest::sha256(&new.content)));
        Self { tenant: tenant.clone(), chart, provenance, existing, lost: Vec::new() }
    }

    /// The chart and the provenance file that are there. What is damaged is not there.
    fn found(&self, connection: &Connection) -> rusqlite::Result<Vec<Digest>> {
        let chart = self.chart.as_ref().map(|(stem, _)| (CHART, stem));
        let provenance = self.provenance.as_ref().map(|(stem, _)| (PROVENANCE, stem));
        let wanted = [chart, provenance].into_iter().flatten();
        let found = wanted.map(|(kind, stem)| find(connection, kind, &self.tenant, stem));
        Ok(found.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn clash_with(&self, found: &[Digest]) -> bool {
        let stays = |digest: &Digest| !self.lost.contains(digest) && !self.comes_again(digest);
        self.existing == Existing::Keep && found.iter().any(stays)
    }

    /// Whether it is the provenance file that comes with the chart: the chart alone may have been lost.
    fn comes_again(&self, digest: &Digest) -> bool {
        let own = self.provenance.as_ref().filter(|_| self.chart.is_some());
        own.is_some_and(|(_, own)| own == digest)
    }

    /// Records the contents that arrived and what points to them, unless something is to stay.
    fn admit(&self, writing: &Writing<'_>, arrivals: &[Arrival]) -> rusqlite::Result<Result<(), Refused>> {
        // Asked first, since an arrival heals what was damaged, and so not there.
        if self.clash_with(&self.found(writing)?) {
            return Ok(Err(Refused::Taken));
        }
        let kept = quota::within(writing, project(&self.tenant), |writing| {
            for arrival in arrivals {
                arrival.record(writing)?;
            }
            self.write(writing)
        });
        Ok(kept?.map_err(Refused::OverQuota))
    }

    /// Writes the rows in place of those that are there.
    fn write(&self, writing: &Writing<'_>) -> rusqlite::Result<()> {
        if let Some((stem, entry)) = &self.chart {
            remove(writing, CHART, &self.tenant, stem)?;
            record(writing, &self.tenant, stem, entry, present(writing, entry.digest())?)?;
        }
        if let Some((stem, digest)) = &self.provenance {
            remove(writing, PROVENANCE, &self.tenant, stem)?;
            record_provenance(writing, &self.tenant, stem, present(writing, digest)?)?;
        }
        Ok(())
    }
}
