//! Chart repositories: which charts there are, and the index that Helm reads.
//!
//! The archives themselves are contents like any other, in `blobs/`. A record on disk is one
//! entry of the index; a tenant's records are read once and then kept in memory, the index
//! rendered again only after a change.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use portolan_chart::ChartVersion;
use portolan_oci::{Algorithm, Digest};
use serde_json::{Map, Value, json};

use super::durable;
use super::error::StoreError;
use crate::names::{ChartStem, Tenant};
use crate::options::Existing;
use crate::yaml;

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

/// The directory `charts/`.
#[derive(Debug)]
pub struct ChartStore {
    dir: PathBuf,
    scratch: PathBuf,
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

    fn load(path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(content) = durable::read_small(path)? else {
            return Ok(None);
        };
        let damaged = |reason: String| StoreError::Damaged { path: path.to_owned(), reason };
        let record: Map<String, Value> =
            serde_json::from_slice(&content).map_err(|error| damaged(error.to_string()))?;
        let name = text(&record, "name").to_owned();
        let version = text(&record, "version").parse().map_err(|_| damaged("no version".to_owned()))?;
        let digest = Digest::from_hex(Algorithm::Sha256, text(&record, "digest"))
            .map_err(|_| damaged("no digest".to_owned()))?;
        Ok(Some(Self { name, version, digest, record }))
    }
}

impl ChartStore {
    pub(super) fn open(dir: &Path, scratch: &Path) -> Result<Self, StoreError> {
        durable::create_dirs(dir)?;
        Ok(Self { dir: dir.to_owned(), scratch: scratch.to_owned(), shelves: Mutex::default() })
    }

    /// Adds a chart whose archive is in the store.
    pub fn save(
        &self,
        tenant: &Tenant,
        stem: &ChartStem,
        entry: ChartEntry,
        existing: Existing,
    ) -> Result<Saved, StoreError> {
        let path = self.record_path(tenant, stem);
        let mut shelves = self.lock();
        if existing == Existing::Keep && path.is_file() {
            return Ok(Saved::Exists);
        }
        let content = serde_json::to_vec(&entry.record).expect("because a JSON map can be written as JSON");
        durable::replace(&self.scratch, &path, &content)?;
        if let Some(shelf) = shelves.get_mut(tenant) {
            shelf.put(entry);
        }
        Ok(Saved::Done)
    }

    /// Adds a chart's provenance, whose content is in the store. The chart need not be there.
    pub fn save_provenance(
        &self,
        tenant: &Tenant,
        stem: &ChartStem,
        digest: &Digest,
        existing: Existing,
    ) -> Result<Saved, StoreError> {
        let path = self.provenance_path(tenant, stem);
        let _held = self.lock();
        if existing == Existing::Keep && path.is_file() {
            return Ok(Saved::Exists);
        }
        durable::replace(&self.scratch, &path, format!("{digest}\n").as_bytes())?;
        Ok(Saved::Done)
    }

    /// Whether a chart of that file name is there.
    pub fn has(&self, tenant: &Tenant, stem: &ChartStem) -> bool {
        self.record_path(tenant, stem).is_file()
    }

    /// Whether a provenance file of that name is there.
    pub fn has_provenance(&self, tenant: &Tenant, stem: &ChartStem) -> bool {
        self.provenance_path(tenant, stem).is_file()
    }

    /// The digest of a chart's archive.
    pub fn archive(&self, tenant: &Tenant, stem: &ChartStem) -> Result<Option<Digest>, StoreError> {
        Ok(ChartEntry::load(&self.record_path(tenant, stem))?.map(|entry| entry.digest))
    }

    /// The digest of a chart's provenance file.
    pub fn provenance(&self, tenant: &Tenant, stem: &ChartStem) -> Result<Option<Digest>, StoreError> {
        let path = self.provenance_path(tenant, stem);
        durable::read_line(&path)?.map(|line| parse_digest(&path, &line)).transpose()
    }

    /// Removes a version with its provenance; `false` where it is not there.
    pub fn delete(&self, tenant: &Tenant, name: &str, version: &str) -> Result<bool, StoreError> {
        let Ok(stem) = ChartStem::new(name, version) else {
            return Ok(false);
        };
        let mut shelves = self.lock();
        if !durable::remove(&self.record_path(tenant, &stem))? {
            return Ok(false);
        }
        durable::remove(&self.provenance_path(tenant, &stem))?;
        if let Some(shelf) = shelves.get_mut(tenant) {
            shelf.take(name, version);
        }
        Ok(true)
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

    /// Runs `ask` on a tenant's shelf, which is read from the disk the first time. Tenants that
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
        let dir = self.tenant_dir(tenant);
        let mut shelf = Shelf::default();
        for name in durable::names(&dir)?.into_iter().filter(|name| name.ends_with(".chart")) {
            if let Some(entry) = ChartEntry::load(&dir.join(name))? {
                shelf.charts.entry(entry.name.clone()).or_default().push(entry);
            }
        }
        shelf.charts.values_mut().for_each(|entries| newest_first(entries));
        Ok(shelf)
    }

    fn tenant_dir(&self, tenant: &Tenant) -> PathBuf {
        match tenant {
            Tenant::Root => self.dir.join("root"),
            Tenant::Project(project) => self.dir.join("projects").join(project.as_str()),
        }
    }

    fn record_path(&self, tenant: &Tenant, stem: &ChartStem) -> PathBuf {
        self.tenant_dir(tenant).join(format!("{stem}.chart"))
    }

    fn provenance_path(&self, tenant: &Tenant, stem: &ChartStem) -> PathBuf {
        self.tenant_dir(tenant).join(format!("{stem}.prov"))
    }

    /// A shelf is changed only after the disk was, in one step, so it is whole after a panic too.
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

fn newest_first(entries: &mut [ChartEntry]) {
    entries.sort_by(|one, other| other.version.cmp(&one.version));
}

fn text<'a>(record: &'a Map<String, Value>, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A digest that the store itself wrote into a file.
fn parse_digest(path: &Path, line: &str) -> Result<Digest, StoreError> {
    line.parse()
        .map_err(|_| StoreError::Damaged { path: path.to_owned(), reason: format!("{line:?} is no digest") })
}
