//! Quotas: how much a project may hold, every content counted once.

use rusqlite::{OptionalExtension, params};

use super::database::{Key, Writing, bytes, from_bytes};
use super::error::StoreError;
use super::metadata::Metadata;
use super::projects::ensure_project;
use crate::names::ProjectName;

/// A project would hold more than it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OverQuota {
    project: String,
    needed: u64,
    used: u64,
    limit: u64,
}

impl From<OverQuota> for StoreError {
    fn from(over: OverQuota) -> Self {
        let OverQuota { project, needed, used, limit } = over;
        Self::OverQuota { project, added: needed.saturating_sub(used), needed, limit }
    }
}

/// Does what adds to a project, and takes it back where the project would then hold more than it may
/// and more than before.
pub(super) fn within<T>(
    writing: &Writing<'_>,
    project: &str,
    add: impl FnOnce(&Writing<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Result<T, OverQuota>> {
    let before = usage(writing, project)?.map_or(0, |(used, _)| used);
    writing.execute_batch("SAVEPOINT quota")?;
    // Where it fails, the transaction's own savepoint goes, and this one with it.
    let added = add(writing)?;
    let over = match usage(writing, project)? {
        Some((needed, Some(limit))) if needed > limit && needed > before => {
            Some(OverQuota { project: project.to_owned(), needed, used: before, limit })
        }
        _ => None,
    };
    if over.is_some() {
        writing.execute_batch("ROLLBACK TO quota")?;
    }
    writing.execute_batch("RELEASE quota")?;
    Ok(over.map_or(Ok(added), Err))
}

/// What a project holds, and what it may.
fn usage(writing: &Writing<'_>, project: &str) -> rusqlite::Result<Option<(u64, Option<u64>)>> {
    let mut find = writing.prepare_cached("SELECT bytes, quota FROM project WHERE name = ?1")?;
    let found = |row: &rusqlite::Row<'_>| {
        let is_limited = row.get::<_, Option<i64>>(1)?.is_some();
        Ok((bytes(row, 0)?, is_limited.then(|| bytes(row, 1)).transpose()?))
    };
    find.query_row([project], found).optional()
}

impl Metadata {
    /// Says how many bytes a project may hold, `None` for any number; it is made where it is
    /// missing, as one that nobody made by name. What it holds already stays, whatever it is.
    pub fn set_quota(&self, project: &ProjectName, quota: Option<u64>) -> Result<(), StoreError> {
        let name = project.as_str().to_owned();
        self.database.write("set a quota in", move |writing| {
            let id = ensure_project(writing, &name)?;
            writing.changes(Key::Project(name.into()));
            let mut update = writing.prepare_cached("UPDATE project SET quota = ?2 WHERE id = ?1")?;
            update.execute(params![id, quota.map(from_bytes)]).map(drop)
        })
    }
}
