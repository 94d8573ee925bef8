//! Taking over a data directory of format 1, which had small files in place of the database.
//!
//! ```text
//! DATA/
//! ├── format                               "portolan-depot 1"
//! ├── blobs/ALG/ab/abcd…                   as today
//! ├── repositories/NAME…/
//! │   ├── _blobs/sha256/HEX                empty: this repository has that blob
//! │   ├── _manifests/sha256/HEX            the media type the manifest was put with
//! │   ├── _tags/TAG                        the digest it points to
//! │   └── _referrers/…                     derived from the manifests anew
//! ├── projects/NAME                        "public" or "private"
//! └── charts/root/, charts/projects/NAME/
//!     ├── NAME-VERSION.chart               the index's entry (JSON), the archive's digest in it
//!     └── NAME-VERSION.prov                the digest of the provenance file
//! ```
//!
//! Everything is read and written into a fresh database; then `format` is replaced, and only then
//! do the small files go. Killed before that, the next start begins anew, killed after it, it
//! removes what is left. Contents stay where they are.
//!
//! A file that holds what the depot never wrote is left out and named in the log: one damaged tag
//! must not keep all others from being served.

mod charts;
mod contents;
mod repositories;

use std::fmt::Display;
use std::fs;
use std::path::Path;

use super::database::{self, Database};
use super::durable;
use super::error::{Io, StoreError};
use super::metadata::Metadata;
use crate::names::ProjectName;
use crate::options::Visibility;

/// The first line of its `format`.
pub(super) const FORMAT: &str = "portolan-depot 1\n";

/// Rows written in one transaction.
const CHUNK: usize = 500;

/// Removes the database that an earlier attempt may have begun.
pub(super) fn forget_attempt(data: &Path) -> Result<(), StoreError> {
    for ending in ["", "-wal", "-shm"] {
        durable::remove(&data.join(format!("{}{ending}", database::FILE)))?;
    }
    Ok(())
}

/// Brings all that format 1 knew into a database that has nothing yet.
pub(super) fn take_over(data: &Path, database: &Database) -> Result<(), StoreError> {
    tracing::info!(data = %data.display(), "the depot's data are brought to format 2");
    contents::take_over(&data.join("blobs"), database)?;
    repositories::take_over(data, database)?;
    take_projects(&data.join("projects"), database)?;
    charts::take_over(&data.join("charts"), database)
}

/// Removes what format 1 had beside contents, if anything of it is left.
pub(super) fn remove_rest(data: &Path) -> Result<(), StoreError> {
    for name in ["repositories", "projects", "charts"] {
        let dir = data.join(name);
        if dir.is_dir() {
            fs::remove_dir_all(&dir).io("remove", &dir)?;
        }
    }
    Ok(())
}

fn take_projects(dir: &Path, database: &Database) -> Result<(), StoreError> {
    let metadata = Metadata::new(database.clone());
    for name in durable::names(dir)? {
        let path = dir.join(&name);
        let (Ok(name), Some(line)) = (name.parse::<ProjectName>(), line(&path)?) else {
            continue;
        };
        // Whatever is not plainly public is private.
        let visibility = if line == "public" { Visibility::Public } else { Visibility::Private };
        metadata.create_project(&name, visibility)?;
    }
    Ok(())
}

/// The line that a file holds; `None`, which the log tells, where no line is in it. What cannot
/// be read at all ends the attempt, since the file will be removed after it.
fn line(path: &Path) -> Result<Option<String>, StoreError> {
    match durable::read_line(path) {
        Err(StoreError::Damaged { reason, .. }) => {
            left_out(path, &reason);
            Ok(None)
        }
        other => other,
    }
}

/// Tells that a file was not taken over.
fn left_out(path: &Path, reason: &dyn Display) {
    tracing::warn!(path = %path.display(), %reason, "left out: the file is damaged");
}
