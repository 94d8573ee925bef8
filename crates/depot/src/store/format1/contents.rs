//! Contents of format 1: their files stay, and each gets its row.

use std::fs;
use std::path::Path;

use portolan_oci::{Algorithm, Digest};
use rusqlite::{OptionalExtension, params};

use super::CHUNK;
use crate::store::database::{Database, Writing, from_bytes, now};
use crate::store::durable;
use crate::store::error::{Io, StoreError};

/// Both algorithms, as directories are named after them.
pub(super) const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

/// Writes a row for every file of `blobs/`.
pub(super) fn take_over(blobs: &Path, database: &Database) -> Result<(), StoreError> {
    for algorithm in ALGORITHMS {
        let dir = blobs.join(algorithm.as_str());
        for prefix in durable::names(&dir)? {
            take_folder(&dir.join(prefix), algorithm, database)?;
        }
    }
    Ok(())
}

fn take_folder(dir: &Path, algorithm: Algorithm, database: &Database) -> Result<(), StoreError> {
    let mut found = Vec::new();
    for name in durable::names(dir)? {
        // What is not named by a digest is nothing of the depot's.
        if let Ok(digest) = Digest::from_hex(algorithm, &name) {
            let path = dir.join(name);
            found.push((digest.to_string(), from_bytes(fs::metadata(&path).io("read", &path)?.len())));
        }
    }
    for chunk in found.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        database.write("take contents over into", move |writing| {
            let mut insert =
                writing.prepare_cached("INSERT INTO blob (digest, size, created) VALUES (?1, ?2, ?3)")?;
            for (digest, size) in &chunk {
                insert.execute(params![digest, size, now()])?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The id of a content. One that something points to and whose file is lost is damage, and is
/// noted as that.
pub(super) fn content(writing: &Writing<'_>, digest: &Digest) -> rusqlite::Result<i64> {
    let mut find = writing.prepare_cached("SELECT id FROM blob WHERE digest = ?1")?;
    if let Some(id) = find.query_row([digest.to_string()], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let mut insert =
        writing.prepare_cached("INSERT INTO blob (digest, size, created, damaged) VALUES (?1, 0, ?2, ?2)")?;
    insert.insert(params![digest.to_string(), now()])
}
