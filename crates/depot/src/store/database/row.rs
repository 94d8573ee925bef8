//! Values as columns hold them.

use std::time::{SystemTime, UNIX_EPOCH};

use portolan_oci::{Digest, DigestError};
use rusqlite::Row;
use rusqlite::types::Type;

/// A digest that the store itself wrote.
pub(in crate::store) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    row.get_ref(column)?.as_str()?.parse().map_err(|error: DigestError| unreadable(column, error))
}

/// A number of bytes as SQLite has integers: with a sign. What a manifest says of its parts can
/// be larger, and no more is made of it.
pub(in crate::store) fn from_bytes(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A column that counts bytes.
pub(in crate::store) fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// Now, in seconds since 1970. A clock before that counts as 1970.
pub(in crate::store) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The error for a text that is not what the store writes into that column.
pub(in crate::store) fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}
