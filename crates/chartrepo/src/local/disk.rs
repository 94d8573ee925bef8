//! Files that are there whole or not at all.
//!
//! Bytes go into a hidden file beside the target, are synced, and get their name by a rename; then the
//! directory is synced. The directory is locked meanwhile, so that two runs neither share the hidden
//! file nor lose each other's index entries.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rustix::fs::Access;

use super::LocalError;

/// The directory's lock, held until dropped.
///
/// Some network file systems lock no directories; then runs at the same time aren't kept apart.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    directory: &'a Path,
    handle: File,
}

/// Creates the directory where it is missing and locks it.
pub(super) fn lock(directory: &Path) -> Result<Locked<'_>, LocalError> {
    fs::create_dir_all(directory).map_err(|source| LocalError::io("creating", directory, source))?;
    let handle = File::open(directory).map_err(|source| LocalError::io("opening", directory, source))?;
    if let Err(error) = handle.lock() {
        tracing::debug!(directory = %directory.display(), %error, "the directory can't be locked");
    }
    Ok(Locked { directory, handle })
}

impl Locked<'_> {
    /// Writes a file in place of what bears the name.
    pub(super) fn replace(&self, file_name: &str, bytes: &[u8]) -> Result<(), LocalError> {
        let target = self.directory.join(file_name);
        let hidden = self.directory.join(format!(".{file_name}.part"));
        let written = write_synced(&hidden, bytes)
            .and_then(|()| fs::rename(&hidden, &target))
            .and_then(|()| self.handle.sync_all());
        written.map_err(|source| {
            // After a successful rename there is nothing to remove, and that is fine.
            let _ = fs::remove_file(&hidden);
            LocalError::writing(&target, bytes.len(), source)
        })
    }

    /// Removes a file, if it is there and can be: this clears up after another error.
    pub(super) fn remove(&self, file_name: &str) {
        let path = self.directory.join(file_name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "left behind");
            }
            _ => {}
        }
    }
}

/// The hidden file is made anew: what a killed run left there, a link included, goes.
fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether files can be made in `directory`, or it can be made itself; found without writing.
pub(super) fn check_writable(directory: &Path) -> Result<(), LocalError> {
    let existing = nearest_existing(directory)?;
    if !existing.is_dir() {
        return Err(LocalError::NotADirectory { path: existing });
    }
    let access = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(&existing, access)
        .map_err(|errno| LocalError::NotWritable { path: existing, source: errno.into() })
}

/// The directory, or the closest one above it that is there.
fn nearest_existing(directory: &Path) -> Result<PathBuf, LocalError> {
    let absolute =
        std::path::absolute(directory).map_err(|source| LocalError::io("finding", directory, source))?;
    for ancestor in absolute.ancestors() {
        match fs::metadata(ancestor) {
            Ok(_) => return Ok(ancestor.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A path that leads through a file: the next one up names it.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(source) => return Err(LocalError::io("looking at", ancestor, source)),
        }
    }
    Ok(PathBuf::from("/"))
}
