//! Opening connections, every one with the same settings.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::store::durable;
use crate::store::error::{Io, StoreError};

/// Pages kept by each connection that reads, in KiB (SQLite counts KiB below zero): the metadata
/// of a pull is a few pages, and the operating system keeps the rest.
const READ_CACHE: i64 = -256;

/// Pages kept by the one that writes: what one commit changes.
const WRITE_CACHE: i64 = -1024;

/// Statements that stay prepared in each connection.
const STATEMENTS: usize = 48;

/// Longest wait for SQLite's own locks, which are held for moments; only somebody who looks into
/// the file from outside can hold them longer.
const BUSY: Duration = Duration::from_secs(10);

/// The log is cut back to this length once it was written into the database.
const LOG_LIMIT: i64 = 4 * 1024 * 1024;

/// The connection that writes, the schema brought up to date.
pub(super) fn writable(path: &Path) -> Result<Connection, StoreError> {
    create(path)?;
    sync_log(path)?;
    let opened = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITE_CACHE).and_then(|connection| {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(connection)
    });
    let mut connection = opened.map_err(|source| StoreError::Database { action: "open", source })?;
    schema::migrate(&mut connection, path)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn readable(path: &Path) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, READ_CACHE)
}

/// Makes the file for its owner alone, since it holds the hashes of passwords; SQLite gives its
/// log the same mode.
fn create(path: &Path) -> Result<(), StoreError> {
    if path.is_file() {
        return Ok(());
    }
    let file = File::options().create(true).append(true).mode(0o600).open(path).io("create", path)?;
    file.sync_all().io("sync", path)?;
    durable::sync_parent(path)
}

/// Brings to the disk what a killed process had written into its log and not yet synced. SQLite
/// takes it for committed from now on, and so what is answered must not be lost again.
fn sync_log(path: &Path) -> Result<(), StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = Path::new(&log);
    match durable::open(log)? {
        Some(file) => file.sync_all().io("sync", log),
        None => Ok(()),
    }
}

fn connect(path: &Path, access: OpenFlags, cache: i64) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "cache_size", cache)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
