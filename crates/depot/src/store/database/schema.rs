//! The schema and how an older one becomes it. SQLite's `user_version` says which it is.

use std::path::Path;

use rusqlite::Connection;

use crate::store::error::StoreError;

/// What each version adds to the one before it. A step that was released is never changed.
const STEPS: [&str; 1] = [include_str!("schema/1.sql")];

/// Brings a database to the newest version, a transaction a step; refuses a newer one.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Database { action: "prepare", source };
    let version = version(connection).map_err(failed)?;
    let done = usize::try_from(version).ok().filter(|&done| done <= STEPS.len());
    let Some(done) = done else {
        return Err(StoreError::Format { path: path.to_owned(), found: format!("schema {version}") });
    };
    for (step, number) in STEPS.iter().zip(1_i64..).skip(done) {
        apply(connection, step, number).map_err(failed)?;
    }
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn apply(connection: &mut Connection, step: &str, number: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(step)?;
    transaction.pragma_update(None, "user_version", number)?;
    transaction.commit()
}
