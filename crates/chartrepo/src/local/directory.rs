//! The work on a chart directory, which blocks.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use portolan_chart::ChartVersion;
use portolan_oci::Digest;

use super::{LocalError, archives, disk};
use crate::{
    ChartRepoError, PackedChart,
    index::{ChartIndex, Entry, NewEntry},
    packed::ArchiveName,
};

const INDEX_FILE: &str = "index.yaml";

/// A chart directory, which may not be there yet.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    now: SystemTime,
    /// File names that this run wrote; their index entries are made anew.
    pushed: Mutex<BTreeSet<String>>,
}

impl Directory {
    pub(super) fn new(path: PathBuf, now: SystemTime) -> Self {
        Self { path, now, pushed: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether archives and index can be written, found without writing.
    pub(super) fn check(&self) -> Result<(), LocalError> {
        disk::check_writable(&self.path)?;
        self.read_index().map(drop)
    }

    pub(super) fn digest_of(&self, file: &ArchiveName) -> Result<Option<Digest>, LocalError> {
        archives::digest(&self.path.join(file.archive()))
    }

    pub(super) fn read(&self, file: &ArchiveName) -> Result<Option<Bytes>, LocalError> {
        archives::read(&self.path.join(file.archive()))
    }

    /// The versions of the archives that hold this chart. The index is not asked: `charts-syncer` writes none.
    pub(super) fn versions(&self, name: &str) -> Result<Vec<ChartVersion>, LocalError> {
        let mut versions = Vec::new();
        for file_name in self.archives_if_any()? {
            // A file's name alone doesn't tell `a` in version `b-1.0.0` from `a-b` in version `1.0.0`.
            if !file_name.starts_with(name) {
                continue;
            }
            let Some(archive) = self.archive_of(&file_name)? else { continue };
            let chart = archives::chart_in(&file_name, &archive);
            versions.extend(chart.filter(|chart| chart.name() == name).map(|chart| chart.version().clone()));
        }
        Ok(versions)
    }

    fn archives_if_any(&self) -> Result<BTreeSet<String>, LocalError> {
        match self.archives() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            archives => archives.map_err(|source| LocalError::io("listing", &self.path, source)),
        }
    }

    fn archive_of(&self, file_name: &str) -> Result<Option<Bytes>, LocalError> {
        archives::read(&self.path.join(file_name))
    }

    pub(super) fn read_provenance(&self, file: &ArchiveName) -> Result<Option<Bytes>, LocalError> {
        archives::read(&self.path.join(file.provenance()))
    }

    /// Writes archive and provenance; what is there stays.
    pub(super) fn push(&self, chart: &PackedChart) -> Result<(), ChartRepoError> {
        let file = chart.file();
        let locked = disk::lock(&self.path)?;
        if let Some(digest) = self.digest_of(file)? {
            return self.compare(chart, &digest);
        }
        if let Some(provenance) = chart.provenance() {
            // First, since alone it harms nobody, while a chart without it looks unsigned.
            locked.replace(&file.provenance(), provenance)?;
        }
        if let Err(error) = locked.replace(&file.archive(), chart.archive()) {
            locked.remove(&file.provenance());
            return Err(error.into());
        }
        self.pushed().insert(file.archive());
        Ok(())
    }

    fn compare(&self, chart: &PackedChart, there: &Digest) -> Result<(), ChartRepoError> {
        if there == chart.digest() {
            return Ok(());
        }
        let target = self.path.join(chart.file().archive()).display().to_string();
        Err(ChartRepoError::Exists { target })
    }

    /// Brings entries of all archives that the index doesn't name, also of those that a killed run
    /// left; without any the file isn't touched, so that a second run changes nothing.
    pub(super) fn update_index(&self) -> Result<(), LocalError> {
        if !self.path.is_dir() || self.unlisted(&self.read_index()?)?.is_empty() {
            return Ok(());
        }
        let locked = disk::lock(&self.path)?;
        // Read again: another run may have written it before the lock was ours.
        let mut index = self.read_index()?;
        let mut changed = false;
        for file_name in self.unlisted(&index)? {
            changed |= self.list(&mut index, &file_name)?;
        }
        if changed {
            locked.replace(INDEX_FILE, index.to_yaml(self.now).as_bytes())?;
            self.pushed().clear();
        }
        Ok(())
    }

    fn read_index(&self) -> Result<ChartIndex, LocalError> {
        let path = self.path.join(INDEX_FILE);
        match File::open(&path) {
            Ok(file) => Ok(ChartIndex::read(&path.display().to_string(), file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ChartIndex::new()),
            Err(source) => Err(LocalError::io("opening", &path, source)),
        }
    }

    /// Archives in the directory that need an entry, sorted.
    fn unlisted(&self, index: &ChartIndex) -> Result<BTreeSet<String>, LocalError> {
        let mut names = self.archives().map_err(|source| LocalError::io("listing", &self.path, source))?;
        let pushed = self.pushed();
        for listed in index.iter().flat_map(Entry::file_names) {
            if !pushed.contains(&listed) {
                names.remove(&listed);
            }
        }
        Ok(names)
    }

    fn archives(&self) -> io::Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let name = name.to_str().filter(|name| name.ends_with(".tgz") && !name.starts_with('.'));
            names.extend(name.map(str::to_owned));
        }
        Ok(names)
    }

    /// Puts one archive into the index; `false` where it is no chart, or one that has an entry.
    fn list(&self, index: &mut ChartIndex, file_name: &str) -> Result<bool, LocalError> {
        let Some(archive) = self.archive_of(file_name)? else { return Ok(false) };
        let Some(chart) = archives::chart_in(file_name, &archive) else { return Ok(false) };
        if !self.pushed().contains(file_name) && index.contains(chart.name(), chart.version()) {
            return Ok(false);
        }
        let entry = Entry::new(&NewEntry {
            metadata: chart.metadata().document(),
            url: file_name,
            digest: &Digest::sha256(&archive),
            created: self.now,
        });
        index.add(chart.name(), entry);
        Ok(true)
    }

    /// The set is whole after every step, so a panic elsewhere takes nothing from it.
    fn pushed(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
