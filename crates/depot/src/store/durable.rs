//! File operations that are on the disk when they return.
//!
//! A file is durable when its content and the directory entry that names it are both synced;
//! a directory that was made needs the same of its parent.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::error::{Io, StoreError};
use crate::names::UploadId;

/// Longest file that [`read_small`] takes: above any record the store writes (a descriptor holds
/// the annotations of a manifest, which has 4 MiB at most).
const SMALL: u64 = 8 * 1024 * 1024;

/// Makes a directory and what is missing above it. Of one that is there nothing is synced: what
/// lies in it must not be relied on before [`sync_dir`] of the directory above it.
pub(super) fn create_dirs(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dirs(parent)?;
    }
    create_dir(path)
}

/// Makes a directory. The name of one that is there is synced too: whoever made it may not have
/// come to that.
pub(super) fn create_dir(path: &Path) -> Result<(), StoreError> {
    match fs::create_dir(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => sync_parent(path),
        Err(error) => Err(error).io("create directory", path),
    }
}

/// Writes a small file so that a reader finds all of it or what was there before.
pub(super) fn replace(scratch: &Path, path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let fresh = scratch.join(format!("{}.new", UploadId::random()));
    let written = write_synced(&fresh, content).and_then(|()| name(&fresh, path));
    if written.is_err() {
        // What is left is removed at the next start; the first failure is the one to report.
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// Gives a synced file its name, and syncs that; the directory is there.
pub(super) fn name(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).io("rename into place", to)?;
    sync_parent(to)
}

/// Removes a file; `false` where there was none.
pub(super) fn remove(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path).map(|()| true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error).io("remove", path),
    }
}

/// Removes a file that nobody would miss, nor be troubled by should it come back with the power; `false` where
/// there was none.
pub(super) fn discard(path: &Path) -> Result<bool, StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error).io("remove", path),
    }
}

/// The length of a file, `None` where there is none.
pub(super) fn length(path: &Path) -> Result<Option<u64>, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(file) => Ok(file.is_file().then_some(file.len())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error).io("look at", path),
    }
}

/// The whole of a small file, `None` where there is none.
pub(super) fn read_small(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    file.take(SMALL + 1).read_to_end(&mut content).io("read", path)?;
    if content.len() as u64 > SMALL {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            reason: format!("longer than {SMALL} bytes"),
        });
    }
    Ok(Some(content))
}

/// A small file as text without its final line end.
pub(super) fn read_line(path: &Path) -> Result<Option<String>, StoreError> {
    let Some(content) = read_small(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8(content)
        .map_err(|error| StoreError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
    Ok(Some(text.trim_end_matches('\n').to_owned()))
}

/// A file for reading, `None` where there is none.
pub(super) fn open(path: &Path) -> Result<Option<File>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error).io("open", path),
    }
}

/// The names in a directory, sorted; none where there is no directory.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error).io("read", dir),
    };
    let mut names = Vec::new();
    for entry in entries {
        // The store writes UTF-8 alone; what somebody else put there is none of its names.
        names.extend(entry.io("read", dir)?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

fn write_synced(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let mut file = File::create_new(path).io("create", path)?;
    file.write_all(content).io("write", path)?;
    file.sync_all().io("sync", path)
}

pub(super) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_dir(parent)
}

/// Brings the names in a directory to the disk.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).io("open", dir)?.sync_all().io("sync", dir)
}

/// A path element that is a file, not a directory, means absence too.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
