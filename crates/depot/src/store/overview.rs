//! What a depot holds in all: for people, and for whoever watches it.

use std::path::Path;

use rusqlite::{Connection, Row, params};

use super::Store;
use super::database::bytes;
use super::error::{Io, StoreError};

/// What a project holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// Its name; empty for the root of the chart repository.
    pub project: String,
    /// Repositories with a manifest.
    pub repositories: u64,
    /// Tags of all of them.
    pub tags: u64,
    /// Versions of all charts.
    pub charts: u64,
    /// Bytes of all contents, each counted once.
    pub bytes: u64,
}

/// A name in a list, and how much is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name of a repository or a chart.
    pub name: String,
    /// Its tags or versions.
    pub count: u64,
}

/// Contents of the whole depot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them are damaged.
    pub damaged: u64,
}

/// The file system that a depot lies on, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What is left for the depot.
    pub free: u64,
    /// What there is in all.
    pub size: u64,
}

impl Store {
    /// What each project holds, by name; those that hold nothing are left out.
    pub fn holdings(&self) -> Result<Vec<Holdings>, StoreError> {
        self.metadata.database.read("look over the projects of", |connection| {
            let mut list = connection.prepare_cached(
                "SELECT name,
                   (SELECT count(*) FROM repository WHERE project = project.id AND listed = 1),
                   (SELECT count(*) FROM repository JOIN tag ON tag.repository = repository.id
                    WHERE project = project.id),
                   (SELECT count(*) FROM chart WHERE project = project.id),
                   bytes
                 FROM project ORDER BY name",
            )?;
            let all: Vec<Holdings> = list.query_map([], holdings)?.collect::<Result<_, _>>()?;
            Ok(all.into_iter().filter(|held| held.repositories + held.charts + held.bytes > 0).collect())
        })
    }

    /// The first `limit` repositories of a project, by name, each with how many tags it has.
    pub fn repositories_of(&self, project: &str, limit: u32) -> Result<Vec<Named>, StoreError> {
        self.metadata.database.read("list the repositories of", |connection| {
            let ask =
                "SELECT name, (SELECT count(*) FROM tag WHERE repository = repository.id) FROM repository
                       WHERE project = (SELECT id FROM project WHERE name = ?1) AND listed = 1
                       ORDER BY name LIMIT ?2";
            named(connection, ask, project, limit)
        })
    }

    /// The first `limit` charts of a project, by name, each with how many versions it has.
    pub fn charts_of(&self, project: &str, limit: u32) -> Result<Vec<Named>, StoreError> {
        self.metadata.database.read("list the charts of", |connection| {
            let ask = "SELECT name, count(*) FROM chart
                       WHERE project = (SELECT id FROM project WHERE name = ?1)
                       GROUP BY name ORDER BY name LIMIT ?2";
            named(connection, ask, project, limit)
        })
    }

    /// All contents.
    pub fn contents(&self) -> Result<Contents, StoreError> {
        self.metadata.database.read("count the contents of", |connection| {
            let mut count = connection
                .prepare_cached("SELECT count(*), coalesce(sum(size), 0), count(damaged) FROM blob")?;
            count.query_row([], |row| {
                Ok(Contents { count: bytes(row, 0)?, bytes: bytes(row, 1)?, damaged: bytes(row, 2)? })
            })
        })
    }

    /// Whether the database answers.
    pub fn ping(&self) -> Result<(), StoreError> {
        let ask = |connection: &Connection| connection.query_row("SELECT 1 FROM project", [], |_| Ok(()));
        self.metadata.database.read("ask", |connection| match ask(connection) {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
            answered => answered,
        })
    }

    /// The file system that contents go to.
    pub fn space(&self) -> Result<Space, StoreError> {
        self.blobs.space()
    }
}

impl Space {
    pub(super) fn of(dir: &Path) -> Result<Self, StoreError> {
        let found = rustix::fs::statvfs(dir).map_err(std::io::Error::from).io("measure", dir)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Self { free: bytes(found.f_bavail), size: bytes(found.f_blocks) })
    }
}

fn holdings(row: &Row<'_>) -> rusqlite::Result<Holdings> {
    Ok(Holdings {
        project: row.get(0)?,
        repositories: bytes(row, 1)?,
        tags: bytes(row, 2)?,
        charts: bytes(row, 3)?,
        bytes: bytes(row, 4)?,
    })
}

fn named(
    connection: &Connection,
    ask: &'static str,
    project: &str,
    limit: u32,
) -> rusqlite::Result<Vec<Named>> {
    let mut list = connection.prepare_cached(ask)?;
    let row = |row: &Row<'_>| Ok(Named { name: row.get(0)?, count: bytes(row, 1)? });
    list.query_map(params![project, limit], row)?.collect()
}
