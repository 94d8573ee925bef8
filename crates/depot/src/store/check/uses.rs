//! What needs a content.

use portolan_oci::{Digest, ReferenceError, Repository};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use crate::store::database::{Database, unreadable};
use crate::store::error::StoreError;

/// Names of each kind that are given at most: a layer may be in thousands of images.
const MOST: u32 = 100;

/// What needs a content; of each kind the first hundred by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Uses {
    /// Repositories that have it as a blob.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blob_of: Vec<Repository>,
    /// Repositories that have it as a manifest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub manifest_of: Vec<Repository>,
    /// Tags whose image it is a part of: `REPOSITORY:TAG`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Charts: `PROJECT/NAME-VERSION`, and at the root `NAME-VERSION`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<String>,
    /// Provenance files, as charts are named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub provenance: Vec<String>,
}

const BLOB_OF: &str = "
    SELECT repository.name
    FROM blob JOIN repository_blob ON repository_blob.blob = blob.id
    JOIN repository ON repository.id = repository_blob.repository
    WHERE blob.digest = ?1 ORDER BY repository.name LIMIT ?2";

const MANIFEST_OF: &str = "
    SELECT repository.name
    FROM blob JOIN manifest ON manifest.blob = blob.id
    JOIN repository ON repository.id = manifest.repository
    WHERE blob.digest = ?1 ORDER BY repository.name LIMIT ?2";

/// From the content up to the tags, in each repository that has it.
const TAGS: &str = "
    WITH RECURSIVE
    holder (repository) AS (
        SELECT repository_blob.repository FROM blob JOIN repository_blob ON repository_blob.blob = blob.id
        WHERE blob.digest = ?1
        UNION SELECT manifest.repository FROM blob JOIN manifest ON manifest.blob = blob.id
        WHERE blob.digest = ?1
    ),
    needing (repository, digest) AS (
        SELECT repository, ?1 FROM holder
        UNION SELECT manifest.repository, manifest.digest
        FROM needing JOIN part ON part.repository = needing.repository AND part.digest = needing.digest
        JOIN manifest ON manifest.id = part.manifest
    )
    SELECT repository.name || ':' || tag.name
    FROM needing JOIN manifest ON manifest.repository = needing.repository AND manifest.digest = needing.digest
    JOIN tag ON tag.manifest = manifest.id JOIN repository ON repository.id = manifest.repository
    ORDER BY 1 LIMIT ?2";

const CHARTS: &str = "
    SELECT CASE project.name WHEN '' THEN '' ELSE project.name || '/' END || chart.stem
    FROM blob JOIN chart ON chart.blob = blob.id JOIN project ON project.id = chart.project
    WHERE blob.digest = ?1 ORDER BY 1 LIMIT ?2";

const PROVENANCE: &str = "
    SELECT CASE project.name WHEN '' THEN '' ELSE project.name || '/' END || provenance.stem
    FROM blob JOIN provenance ON provenance.blob = blob.id JOIN project ON project.id = provenance.project
    WHERE blob.digest = ?1 ORDER BY 1 LIMIT ?2";

impl Uses {
    pub(super) fn of(database: &Database, digest: &Digest) -> Result<Self, StoreError> {
        database.read("look for what needs a content in", |connection| {
            let ask = |question| texts(connection, question, digest);
            Ok(Self {
                blob_of: repositories(connection, BLOB_OF, digest)?,
                manifest_of: repositories(connection, MANIFEST_OF, digest)?,
                tags: ask(TAGS)?,
                charts: ask(CHARTS)?,
                provenance: ask(PROVENANCE)?,
            })
        })
    }

    /// Whether nothing does.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn texts(connection: &Connection, question: &'static str, digest: &Digest) -> rusqlite::Result<Vec<String>> {
    let mut list = connection.prepare_cached(question)?;
    list.query_map(params![digest.to_string(), MOST], |row| row.get(0))?.collect()
}

fn repositories(
    connection: &Connection,
    question: &'static str,
    digest: &Digest,
) -> rusqlite::Result<Vec<Repository>> {
    let mut list = connection.prepare_cached(question)?;
    let parse = |row: &Row<'_>| {
        row.get_ref(0)?.as_str()?.parse().map_err(|error: ReferenceError| unreadable(0, error))
    };
    list.query_map(params![digest.to_string(), MOST], parse)?.collect()
}
