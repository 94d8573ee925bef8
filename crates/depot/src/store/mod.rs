//! What a depot keeps, on disk, without any HTTP.
//!
//! ```text
//! DATA/
//! ├── format                               "portolan-depot 2": an older one is brought to it, a
//! │                                        newer one refused
//! ├── lock                                 held by the one process that has the depot open
//! ├── depot.sqlite                         everything but content: repositories, tags, projects,
//! │                                        charts, accounts (`database/schema`); mode 0600
//! ├── blobs/sha256/ab/abcd…                every content once, named by its digest: layers,
//! ├── blobs/sha512/ab/abcd…                configs, manifests, chart archives, provenance
//! └── uploads/                             content that has no name yet: emptied at the start but
//!                                          for the files of parked sessions
//! ```
//!
//! Rules that hold everywhere:
//! - a content gets its name in `blobs/` only after its digest was derived and found right, and a
//!   name is acknowledged only after file and directory are synced (design decision 18);
//! - what points to a content is committed after the content is synced, and removed before it; of
//!   one digest, admission and removal exclude each other (`stripes`);
//! - a change of the database is acknowledged after its transaction is on the disk, and happens as
//!   a whole or not at all.
//!
//! All functions block: a server calls them away from its own threads.

mod accounts;
mod blobs;
mod charts;
mod check;
mod collect;
mod database;
mod draft;
mod durable;
mod error;
mod format1;
mod leases;
mod lock;
mod lookup;
mod manifests;
mod metadata;
mod orphans;
mod overview;
mod parking;
mod projects;
mod put;
mod quota;
mod referrers;
mod room;
mod shelves;
mod stripes;
#[cfg(test)]
mod tests;
mod uploads;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;

use portolan_oci::{Digest, Repository};

pub use accounts::{AccountTable, StoredAccount};
pub use blobs::Blobs;
pub use charts::{
    ChartEntry, ChartIndex, ChartStore, ChartSummary, ListedChart, Listing, NewChart, NewProvenance, Saved,
};
pub use check::{Amount, Check, CheckStep, Checked, Damage, Finding, Harm, Uses};
pub use collect::{CollectStep, Collected, Collection, GRACE, Told};
use database::Database;
pub use database::Writes;
pub use draft::Draft;
use error::Io;
pub use error::StoreError;
pub use leases::{Condemned, LONGEST_GRACE, Leases};
pub use lookup::FoundManifest;
pub use manifests::{NewManifest, PutError};
pub use metadata::{Metadata, Precondition};
pub use overview::{Contents, Holdings, Named, Space};
pub use projects::ProjectState;
pub use referrers::{ReferrerPage, Referrers};
pub use uploads::{Claim, ClaimError, SESSION_EXPIRY, Uploads};

use crate::names::UploadId;
use crate::options::MinFree;
use room::Room;

/// The first line of `format`. A later version that changes the layout counts up.
const FORMAT: &str = "portolan-depot 2\n";

/// One depot's data, opened by this process alone.
#[derive(Debug)]
pub struct Store {
    /// Contents by digest.
    pub blobs: Blobs,
    /// Upload sessions.
    pub uploads: Uploads,
    /// Repositories and projects.
    pub metadata: Metadata,
    /// Chart repositories.
    pub charts: ChartStore,
    /// What clients count on.
    pub leases: Leases,
    /// Accounts.
    pub accounts: AccountTable,
    room: Room,
    /// Dropping it gives the lock back.
    _lock: File,
}

impl Store {
    /// Opens the depot in `dir`, which is made where it is missing.
    ///
    /// Fails where another process has it open, or a newer version wrote it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        durable::create_dirs(dir)?;
        let lock = lock::take(&dir.join("lock"))?;
        let scratch = dir.join("uploads");
        durable::create_dirs(&scratch)?;
        let database = open_database(dir, &scratch)?;
        clear(&scratch, &parking::parked_ids(&database)?)?;
        let room = Room::new(dir);
        Ok(Self {
            blobs: Blobs::open(&dir.join("blobs"), &scratch, database.clone(), room.clone())?,
            uploads: Uploads::new(&scratch, database.clone(), room.clone()),
            accounts: AccountTable::new(database.clone()),
            charts: ChartStore::new(database.clone()),
            metadata: Metadata::new(database),
            leases: Leases::new(),
            room,
            _lock: lock,
        })
    }

    /// Leaves so much of the disk alone from now on: no content is taken in while less is free.
    pub fn keep_free(&self, free: MinFree) {
        self.room.keep(free);
    }

    /// Whether content can be taken in, as far as the disk goes.
    ///
    /// # Errors
    ///
    /// [`StoreError::LowDisk`].
    pub fn check_room(&self) -> Result<(), StoreError> {
        self.room.check()
    }

    /// How busy the database is.
    pub fn writes(&self) -> Writes {
        self.metadata.database.writes()
    }

    /// Keeps a draft under its digest, if that is what it has, and makes it visible in a
    /// repository: one commit for both.
    pub fn keep_blob(
        &self,
        repository: &Repository,
        draft: Draft,
        digest: &Digest,
    ) -> Result<(), StoreError> {
        let (name, wanted) = (repository.clone(), digest.clone());
        let kept = self.blobs.admit_with(draft, digest, move |writing, arrival| {
            quota::within(writing, name.project(), |writing| {
                arrival.record(writing)?;
                metadata::link(writing, &name, &wanted).map(drop)
            })
        })?;
        Ok(kept?)
    }

    /// Makes a blob that another repository has, or any one where none is named, visible in a
    /// repository; `false` where it is not there.
    pub fn mount_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        from: Option<&Repository>,
    ) -> Result<bool, StoreError> {
        let visible = match from {
            Some(from) => self.find_blob(from, digest)?.is_some(),
            None => self.blobs.holds(digest)?,
        };
        if !visible {
            return Ok(false);
        }
        let (name, digest) = (repository.clone(), digest.clone());
        let mounted = self.metadata.database.write("mount a blob in", move |writing| {
            quota::within(writing, name.project(), |writing| metadata::link(writing, &name, &digest))
        })?;
        Ok(mounted?)
    }
}

/// Removes what a process that was killed was receiving; sessions that were parked keep theirs.
fn clear(scratch: &Path, parked: &[UploadId]) -> Result<(), StoreError> {
    let kept: HashSet<_> = parked.iter().map(|id| OsStr::new(id.as_str())).collect();
    for entry in fs::read_dir(scratch).io("read", scratch)? {
        let entry = entry.io("read", scratch)?;
        if !kept.contains(entry.file_name().as_os_str()) {
            fs::remove_file(entry.path()).io("remove", &entry.path())?;
        }
    }
    Ok(())
}

/// Opens the database of a directory that is new, of this format, or of the one before, which is
/// brought to this one.
fn open_database(dir: &Path, scratch: &Path) -> Result<Database, StoreError> {
    let path = dir.join("format");
    let found = durable::read_small(&path)?;
    let database = match found.as_deref() {
        Some(found) if found == FORMAT.as_bytes() => Database::open(dir)?,
        Some(found) if found == format1::FORMAT.as_bytes() => migrated(dir)?,
        Some(found) => {
            let found = String::from_utf8_lossy(found).trim().to_owned();
            return Err(StoreError::Format { path, found });
        }
        None => Database::open(dir)?,
    };
    if found.as_deref() != Some(FORMAT.as_bytes()) {
        durable::replace(scratch, &path, FORMAT.as_bytes())?;
    }
    // A process that was killed may have made what is here, the format's new line among it, without
    // having come to syncing it.
    durable::sync_dir(dir)?;
    format1::remove_rest(dir)?;
    Ok(database)
}

fn migrated(dir: &Path) -> Result<Database, StoreError> {
    format1::forget_attempt(dir)?;
    let database = Database::open(dir)?;
    format1::take_over(dir, &database)?;
    Ok(database)
}
