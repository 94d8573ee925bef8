//! Chart repositories: which charts there are, and the index that Helm reads.
//!
//! The archives themselves are contents like any other, in `blobs/`. A row of the database is one
//! entry of the index; a tenant's entries are read once and then kept in memory, the index
//! rendered again only after a change.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use portolan_chart::{ChartVersion, VersionError};
use portolan_oci::Digest;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Map, Value, json};

use super::blobs::sound;
use super::database::{Database, Writing, digest, unreadable};
use super::error::StoreError;
use super::projects::ensure_project;
use crate::names::{ChartStem, Tenant};
use crate::options::Existing;
use crate::yaml;

/// A chart's archive by its tenant's project and its stem; what is damaged is not there.
const CHART: &str = "SELECT blob.digest
    FROM project JOIN chart ON chart.project = project.id JOIN blob ON blob.id = chart.blob
    WHERE project.name = ?1 AND chart.stem = ?2 AND blob.damaged IS NULL";

/// The same for a provenance file.
const PROVENANCE: &str = "SELECT blob.digest
    FROM project JOIN provenance ON provenance.project = project.id JOIN blob ON blob.id = provenance.blob
    WHERE project.name = ?1 AND provenance.stem = ?2 AND blob.damaged IS NULL";

const REMOVE_CHART: &str =
    "DELETE FROM chart WHERE project = (SELECT id FROM project WHERE name = ?1) AND stem = ?2";

const REMOVE_PROVENANCE: &str =
    "DELETE FROM provenance WHERE project = (SELECT id FROM project WHERE name = ?1) AND stem = ?2";

/// One version of a chart, as the index has it.
#[derive(Debug, Clone)]
pub struct ChartEntry {
    name: String,
    version: ChartVersion,
    digest: Digest,
    record: Map<String, Value>,
}

/// What became of something to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It is there now.
    Done,
    /// Something of that name was there already and stays.
    Exists,
}

/// All chart repositories of a depot.
#[derive(Debug)]
pub struct ChartStore {
    database: Database,
    shelves: Mutex<HashMap<Tenant, Shelf>>,
}

/// A tenant's charts by name, of each the newest version first.
#[derive(Debug, Default)]
struct Shelf {
    charts: BTreeMap<String, Vec<ChartEntry>>,
    index: Option<Bytes>,
}

impl ChartEntry {
    /// The entry for an archive whose `Chart.yaml` says `metadata`; `created` is RFC 3339.
    pub fn new(
        mut metadata: Map<String, Value>,
        version: ChartVersion,
        digest: Digest,
        created: &str,
    ) -> Self {
        let name = text(&metadata, "name").to_owned();
        metadata.insert("urls".to_owned(), json!([format!("charts/{name}-{version}.tgz")]));
        metadata.insert("created".to_owned(), json!(created));
        metadata.insert("digest".to_owned(), json!(digest.hex()));
        Self { name, version, digest, record: metadata }
    }

    /// What the index says of it.
    pub fn record(&self) -> &Map<String, Value> {
        &self.record
    }

    /// The digest of its archive.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The entry of an archive as it was kept.
    pub(super) fn from_record(record: Map<String, Value>, digest: Digest) -> Result<Self, VersionError> {
        let version = text(&record, "version").parse()?;
        Ok(Self { name: text(&record, "name").to_owned(), version, digest, record })
    }

    /// From the columns `entry` and the archive's digest.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let record = serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(|error| unreadable(0, error))?;
        Self::from_record(record, digest(row, 1)?).map_err(|error| unreadable(0, error))
    }
}

impl ChartStore {
    pub(super) fn new(database: Database) -> Self {
        Self { database, shelves: Mutex::default() }
    }

    /// Adds a chart whose archive is in the store.
    pub fn save(
        &self,
        tenant: &Tenant,
        stem: &ChartStem,
        entry: ChartEntry,
        existing: Existing,
    ) -> Result<Saved, StoreError> {
        let mut shelves = self.lock();
        let (owner, stem, row) = (tenant.clone(), stem.clone(), entry.clone());
        let saved = self.database.write("save a chart in", move |writing| {
            if existing == Existing::Keep && find(writing, CHART, &owner, &stem)?.is_some() {
                return Ok(Saved::Exists);
            }
            remove(writing, REMOVE_CHART, &owner, &stem)?;
            record(writing, &owner, &stem, &row, present(writing, &row.digest)?)?;
            Ok(Saved::Done)
        })?;
        if let (Saved::Done, Some(shelf)) = (saved, shelves.get_mut(tenant)) {
            shelf.put(entry);
        }
        Ok(saved)
    }

    /// Adds a chart's provenance, whose content is in the store. The chart need not be there.
    pub fn save_provenance(
        &self,
        tenant: &Tenant,
        stem: &ChartStem,
        digest: &Digest,
        existing: Existing,
    ) -> Result<Saved, StoreError> {
        let (tenant, stem, digest) = (tenant.clone(), stem.clone(), digest.clone());
        self.database.write("save a provenance file in", move |writing| {
            if existing == Existing::Keep && find(writing, PROVENANCE, &tenant, &stem)?.is_some() {
                return Ok(Saved::Exists);
            }
            remove(writing, REMOVE_PROVENANCE, &tenant, &stem)?;
            record_provenance(writing, &tenant, &stem, present(writing, &digest)?)?;
            Ok(Saved::Done)
        })
    }

    /// Whether a chart of that file name is there.
    pub fn has(&self, tenant: &Tenant, stem: &ChartStem) -> Result<bool, StoreError> {
        Ok(self.archive(tenant, stem)?.is_some())
    }

    /// Whether a provenance file of that name is there.
    pub fn has_provenance(&self, tenant: &Tenant, stem: &ChartStem) -> Result<bool, StoreError> {
        Ok(self.provenance(tenant, stem)?.is_some())
    }

    /// The digest of a chart's archive.
    pub fn archive(&self, tenant: &Tenant, stem: &ChartStem) -> Result<Option<Digest>, StoreError> {
        self.database.read("look for a chart in", |connection| find(connection, CHART, tenant, stem))
    }

    /// The digest of a chart's provenance file.
    pub fn provenance(&self, tenant: &Tenant, stem: &ChartStem) -> Result<Option<Digest>, StoreError> {
        self.database
            .read("look for a provenance file in", |connection| find(connection, PROVENANCE, tenant, stem))
    }

    /// Removes a version with its provenance; `false` where it is not there.
    pub fn delete(&self, tenant: &Tenant, name: &str, version: &str) -> Result<bool, StoreError> {
        let Ok(stem) = ChartStem::new(name, version) else {
            return Ok(false);
        };
        let mut shelves = self.lock();
        let owner = tenant.clone();
        let removed = self.database.write("remove a chart from", move |writing| {
            let removed = remove(writing, REMOVE_CHART, &owner, &stem)?;
            if removed {
                remove(writing, REMOVE_PROVENANCE, &owner, &stem)?;
            }
            Ok(removed)
        })?;
        if let (true, Some(shelf)) = (removed, shelves.get_mut(tenant)) {
            shelf.take(name, version);
        }
        Ok(removed)
    }

    /// `index.yaml`.
    pub fn index(&self, tenant: &Tenant, generated: &str) -> Result<Bytes, StoreError> {
        self.with_shelf(tenant, |shelf| shelf.index(generated))
    }

    /// All entries, a map of lists by name.
    pub fn list(&self, tenant: &Tenant) -> Result<Value, StoreError> {
        self.with_shelf(tenant, |shelf| Value::Object(shelf.entries()))
    }

    /// All versions of a chart, the newest one first; none where there is no such chart.
    pub fn versions(&self, tenant: &Tenant, name: &str) -> Result<Vec<Map<String, Value>>, StoreError> {
        self.with_shelf(tenant, |shelf| shelf.records(name))
    }

    /// One version of a chart.
    pub fn version(
        &self,
        tenant: &Tenant,
        name: &str,
        version: &str,
    ) -> Result<Option<Map<String, Value>>, StoreError> {
        self.with_shelf(tenant, |shelf| shelf.find(name, version).map(|entry| entry.record.clone()))
    }

    /// Runs `ask` on a tenant's shelf, which is read from the database the first time. Tenants that
    /// have nothing are not remembered, or anybody could fill the memory by asking for names.
    fn with_shelf<T>(&self, tenant: &Tenant, ask: impl FnOnce(&mut Shelf) -> T) -> Result<T, StoreError> {
        let mut shelves = self.lock();
        if !shelves.contains_key(tenant) {
            let mut shelf = self.load(tenant)?;
            if shelf.charts.is_empty() {
                return Ok(ask(&mut shelf));
            }
            shelves.insert(tenant.clone(), shelf);
        }
        Ok(ask(shelves.entry(tenant.clone()).or_default()))
    }

    fn load(&self, tenant: &Tenant) -> Result<Shelf, StoreError> {
        let entries = self.database.read("list the charts of", |connection| {
            let mut list = connection.prepare_cached(
                "SELECT chart.entry, blob.digest
                 FROM project JOIN chart ON chart.project = project.id JOIN blob ON blob.id = chart.blob
                 WHERE project.name = ?1",
            )?;
            list.query_map([project(tenant)], ChartEntry::from_row)?.collect::<Result<Vec<_>, _>>()
        })?;
        let mut shelf = Shelf::default();
        for entry in entries {
            shelf.charts.entry(entry.name.clone()).or_default().push(entry);
        }
        shelf.charts.values_mut().for_each(|entries| newest_first(entries));
        Ok(shelf)
    }

    /// A shelf is changed only after the database was, in one step, so it is whole after a panic too.
    fn lock(&self) -> MutexGuard<'_, HashMap<Tenant, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn put(&mut self, entry: ChartEntry) {
        self.index = None;
        let entries = self.charts.entry(entry.name.clone()).or_default();
        entries.retain(|other| other.version.as_str() != entry.version.as_str());
        entries.push(entry);
        newest_first(entries);
    }

    fn take(&mut self, name: &str, version: &str) {
        self.index = None;
        if let Some(entries) = self.charts.get_mut(name) {
            entries.retain(|entry| entry.version.as_str() != version);
            if entries.is_empty() {
                self.charts.remove(name);
            }
        }
    }

    fn find(&self, name: &str, version: &str) -> Option<&ChartEntry> {
        self.charts.get(name)?.iter().find(|entry| entry.version.as_str() == version)
    }

    fn records(&self, name: &str) -> Vec<Map<String, Value>> {
        let entries = self.charts.get(name).into_iter().flatten();
        entries.map(|entry| entry.record.clone()).collect()
    }

    fn entries(&self) -> Map<String, Value> {
        self.charts.keys().map(|name| (name.clone(), json!(self.records(name)))).collect()
    }

    fn index(&mut self, generated: &str) -> Bytes {
        if let Some(index) = &self.index {
            return index.clone();
        }
        let document = json!({"apiVersion": "v1", "entries": self.entries(), "generated": generated});
        let index = Bytes::from(document.as_object().map(yaml::document).unwrap_or_default());
        self.index = Some(index.clone());
        index
    }
}

/// The project that stands for a tenant; no project that has a name stands for the root.
fn project(tenant: &Tenant) -> &str {
    match tenant {
        Tenant::Root => "",
        Tenant::Project(project) => project.as_str(),
    }
}

/// The digest that `question` finds for a file name.
fn find(
    connection: &Connection,
    question: &str,
    tenant: &Tenant,
    stem: &ChartStem,
) -> rusqlite::Result<Option<Digest>> {
    let mut find = connection.prepare_cached(question)?;
    find.query_row([project(tenant), stem.as_str()], |row| digest(row, 0)).optional()
}

/// Whether `statement` removed something of that file name.
fn remove(
    writing: &Writing<'_>,
    statement: &str,
    tenant: &Tenant,
    stem: &ChartStem,
) -> rusqlite::Result<bool> {
    Ok(writing.prepare_cached(statement)?.execute([project(tenant), stem.as_str()])? > 0)
}

/// The id of a content that was admitted a moment ago.
fn present(writing: &Writing<'_>, digest: &Digest) -> rusqlite::Result<i64> {
    sound(writing, digest)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Writes a chart's row.
pub(super) fn record(
    writing: &Writing<'_>,
    tenant: &Tenant,
    stem: &ChartStem,
    entry: &ChartEntry,
    blob: i64,
) -> rusqlite::Result<()> {
    let mut insert = writing.prepare_cached(
        "INSERT INTO chart (project, stem, name, version, blob, entry) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let text = serde_json::to_string(&entry.record).expect("because a JSON map can be written as JSON");
    let project = ensure_project(writing, project(tenant))?;
    insert.execute(params![project, stem.as_str(), entry.name, entry.version.as_str(), blob, text])?;
    Ok(())
}

/// Writes a provenance file's row.
pub(super) fn record_provenance(
    writing: &Writing<'_>,
    tenant: &Tenant,
    stem: &ChartStem,
    blob: i64,
) -> rusqlite::Result<()> {
    let mut insert =
        writing.prepare_cached("INSERT INTO provenance (project, stem, blob) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![ensure_project(writing, project(tenant))?, stem.as_str(), blob])?;
    Ok(())
}

fn newest_first(entries: &mut [ChartEntry]) {
    entries.sort_by(|one, other| other.version.cmp(&one.version));
}

fn text<'a>(record: &'a Map<String, Value>, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}
