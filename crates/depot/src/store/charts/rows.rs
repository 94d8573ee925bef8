//! The rows of charts and provenance files.

use portolan_oci::Digest;
use rusqlite::{Connection, OptionalExtension, params};

use super::entry::{ChartEntry, Place};
use crate::names::{ChartStem, Tenant};
use crate::store::blobs::sound;
use crate::store::database::{Writing, digest};
use crate::store::projects::ensure_project;

/// A kind of file that stands in a chart repository under `NAME-VERSION`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shelfmark {
    find: &'static str,
    remove: &'static str,
}

/// Archives; what is damaged is not there.
pub(super) const CHART: Shelfmark = Shelfmark {
    find: "SELECT blob.digest
        FROM project JOIN chart ON chart.project = project.id JOIN blob ON blob.id = chart.blob
        WHERE project.name = ?1 AND chart.stem = ?2 AND blob.damaged IS NULL",
    remove: "DELETE FROM chart WHERE project = (SELECT id FROM project WHERE name = ?1) AND stem = ?2",
};

/// Provenance files.
pub(super) const PROVENANCE: Shelfmark = Shelfmark {
    find: "SELECT blob.digest
        FROM project JOIN provenance ON provenance.project = project.id JOIN blob ON blob.id = provenance.blob
        WHERE project.name = ?1 AND provenance.stem = ?2 AND blob.damaged IS NULL",
    remove: "DELETE FROM provenance WHERE project = (SELECT id FROM project WHERE name = ?1) AND stem = ?2",
};

/// The project that stands for a tenant; no project that has a name stands for the root.
pub(super) fn project(tenant: &Tenant) -> &str {
    match tenant {
        Tenant::Root => "",
        Tenant::Project(project) => project.as_str(),
    }
}

/// The digest of the file of that name.
pub(super) fn find(
    connection: &Connection,
    kind: Shelfmark,
    tenant: &Tenant,
    stem: &ChartStem,
) -> rusqlite::Result<Option<Digest>> {
    let mut find = connection.prepare_cached(kind.find)?;
    find.query_row([project(tenant), stem.as_str()], |row| digest(row, 0)).optional()
}

/// Removes the row of that file name; `false` where there was none.
pub(super) fn remove(
    writing: &Writing<'_>,
    kind: Shelfmark,
    tenant: &Tenant,
    stem: &ChartStem,
) -> rusqlite::Result<bool> {
    Ok(writing.prepare_cached(kind.remove)?.execute([project(tenant), stem.as_str()])? > 0)
}

/// The id of a content that was admitted a moment ago.
pub(super) fn present(writing: &Writing<'_>, digest: &Digest) -> rusqlite::Result<i64> {
    sound(writing, digest)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Writes a chart's row.
pub(in crate::store) fn record(
    writing: &Writing<'_>,
    tenant: &Tenant,
    stem: &ChartStem,
    entry: &ChartEntry,
    blob: i64,
) -> rusqlite::Result<()> {
    let project = ensure_project(writing, project(tenant))?;
    let Place { name, among_versions } = entry.place();
    let mut insert = writing.prepare_cached(
        "INSERT INTO chart (project, stem, name, version, place, blob, damaged, entry)
         SELECT ?1, ?2, ?3, ?4, ?5, id, damaged, ?7 FROM blob WHERE id = ?6",
    )?;
    let version = entry.version.as_str();
    insert.execute(params![project, stem.as_str(), name, version, among_versions, blob, entry.json()])?;
    Ok(())
}

/// Writes a provenance file's row.
pub(in crate::store) fn record_provenance(
    writing: &Writing<'_>,
    tenant: &Tenant,
    stem: &ChartStem,
    blob: i64,
) -> rusqlite::Result<()> {
    let project = ensure_project(writing, project(tenant))?;
    let mut insert =
        writing.prepare_cached("INSERT INTO provenance (project, stem, blob) VALUES (?1, ?2, ?3)")?;
    insert.execute(params![project, stem.as_str(), blob])?;
    Ok(())
}
