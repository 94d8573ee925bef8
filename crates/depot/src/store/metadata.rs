//! Repositories: which blobs and manifests they have and what their tags point to.

use portolan_oci::{Digest, MediaType, ReferenceError, Repository, Tag};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::blobs::sound;
use super::database::{Database, Key, Writing, bytes, digest, now, unreadable};
use super::error::StoreError;
use super::projects::ensure_project;

/// What points to contents: repositories and projects.
#[derive(Debug)]
pub struct Metadata {
    pub(super) database: Database,
}

/// What a tag must be for it to be set, or a manifest without one for it to be put (`If-Match`,
/// `If-None-Match: *`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Anything.
    None,
    /// It points to that manifest.
    Is(Digest),
    /// It points to any.
    Exists,
    /// It does not exist.
    Absent,
}

impl Precondition {
    pub(super) fn holds(&self, found: Option<&Digest>) -> bool {
        match self {
            Self::None => true,
            Self::Is(digest) => found == Some(digest),
            Self::Exists => found.is_some(),
            Self::Absent => found.is_none(),
        }
    }
}

impl Metadata {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Takes a blob out of a repository; `false` where it was not in it.
    pub fn unlink_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, StoreError> {
        let (name, digest) = (repository.clone(), digest.clone());
        self.database.write("take a blob out of a repository in", move |writing| {
            let mut remove = writing.prepare_cached(
                "DELETE FROM repository_blob
                 WHERE repository = (SELECT id FROM repository WHERE name = ?1)
                   AND blob = (SELECT id FROM blob WHERE digest = ?2)",
            )?;
            let removed = remove.execute([name.as_str(), &digest.to_string()])? > 0;
            writing.changes(Key::Blob(name, digest));
            Ok(removed)
        })
    }

    /// Whether a repository has a blob that is not damaged.
    pub fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, StoreError> {
        self.database
            .read("look for a blob in", |connection| Ok(linked(connection, repository, digest)?.is_some()))
    }

    /// The media type of a repository's manifest, `None` where it has no such manifest or that one
    /// is damaged.
    pub fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<MediaType>, StoreError> {
        self.database.read("look for a manifest in", |connection| media_type(connection, repository, digest))
    }

    /// What a tag points to.
    pub fn tag(&self, repository: &Repository, tag: &Tag) -> Result<Option<Digest>, StoreError> {
        self.database.read("look up a tag in", |connection| tagged(connection, repository, tag))
    }

    /// Removes a tag; `false` where there was none.
    pub fn remove_tag(&self, repository: &Repository, tag: &Tag) -> Result<bool, StoreError> {
        let (name, tag) = (repository.clone(), tag.clone());
        self.database.write("remove a tag from", move |writing| {
            let mut remove = writing.prepare_cached(
                "DELETE FROM tag
                 WHERE repository = (SELECT id FROM repository WHERE name = ?1) AND name = ?2",
            )?;
            let removed = remove.execute([name.as_str(), tag.as_str()])? > 0;
            writing.changes(Key::Tag(name, tag));
            Ok(removed)
        })
    }

    /// Takes a manifest out of a repository, and with it every tag that points to it and its place
    /// among the referrers; `false` where it was not in it.
    pub fn remove_manifest(&self, repository: &Repository, digest: &Digest) -> Result<bool, StoreError> {
        let (name, digest) = (repository.clone(), digest.clone());
        self.database.write("remove a manifest from", move |writing| {
            for tag in tags_of(writing, &name, &digest)? {
                writing.changes(Key::Tag(name.clone(), tag));
            }
            let mut remove = writing.prepare_cached(
                "DELETE FROM manifest
                 WHERE repository = (SELECT id FROM repository WHERE name = ?1) AND digest = ?2",
            )?;
            let removed = remove.execute([name.as_str(), &digest.to_string()])? > 0;
            writing.changes(Key::Manifest(name, digest));
            Ok(removed)
        })
    }

    /// A repository's tags in the order of their bytes; `None` where there is no such repository.
    pub fn tags(&self, repository: &Repository) -> Result<Option<Vec<String>>, StoreError> {
        self.database.read("list the tags of", |connection| {
            let Some(id) = listed(connection, repository)? else {
                return Ok(None);
            };
            let mut list =
                connection.prepare_cached("SELECT name FROM tag WHERE repository = ?1 ORDER BY name")?;
            list.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>().map(Some)
        })
    }

    /// Whether a manifest was ever put into that repository.
    pub fn has_repository(&self, repository: &Repository) -> Result<bool, StoreError> {
        self.database
            .read("look for a repository in", |connection| Ok(listed(connection, repository)?.is_some()))
    }

    /// All repositories, also those that no manifest was put into.
    pub(super) fn all_repositories(&self) -> Result<Vec<Repository>, StoreError> {
        self.database.read("list the repositories of", |connection| {
            let mut list = connection.prepare_cached("SELECT name FROM repository ORDER BY name")?;
            let parse = |row: &Row<'_>| {
                row.get_ref(0)?.as_str()?.parse().map_err(|error: ReferenceError| unreadable(0, error))
            };
            list.query_map([], parse)?.collect()
        })
    }

    /// The names of all repositories, in the order of their bytes.
    pub fn repositories(&self) -> Result<Vec<String>, StoreError> {
        self.database.read("list the repositories of", |connection| {
            let mut list =
                connection.prepare_cached("SELECT name FROM repository WHERE listed = 1 ORDER BY name")?;
            list.query_map([], |row| row.get(0))?.collect()
        })
    }
}

/// The length of a blob of that repository which is not damaged.
pub(super) fn linked(
    connection: &Connection,
    repository: &Repository,
    digest: &Digest,
) -> rusqlite::Result<Option<u64>> {
    let mut find = connection.prepare_cached(
        "SELECT blob.size
         FROM repository JOIN blob JOIN repository_blob
           ON repository_blob.repository = repository.id AND repository_blob.blob = blob.id
         WHERE repository.name = ?1 AND blob.digest = ?2 AND blob.damaged IS NULL",
    )?;
    find.query_row([repository.as_str(), &digest.to_string()], |row| bytes(row, 0)).optional()
}

/// The media type of a manifest of that repository which is not damaged.
pub(super) fn media_type(
    connection: &Connection,
    repository: &Repository,
    digest: &Digest,
) -> rusqlite::Result<Option<MediaType>> {
    let mut find = connection.prepare_cached(
        "SELECT manifest.media_type
         FROM repository JOIN manifest ON manifest.repository = repository.id
         JOIN blob ON blob.id = manifest.blob
         WHERE repository.name = ?1 AND manifest.digest = ?2 AND blob.damaged IS NULL",
    )?;
    let found = find.query_row([repository.as_str(), &digest.to_string()], |row| row.get(0));
    Ok(found.optional()?.map(|text: String| MediaType::from(text)))
}

/// What a tag points to.
pub(super) fn tagged(
    connection: &Connection,
    repository: &Repository,
    tag: &Tag,
) -> rusqlite::Result<Option<Digest>> {
    let mut find = connection.prepare_cached(
        "SELECT manifest.digest
         FROM repository JOIN tag ON tag.repository = repository.id
         JOIN manifest ON manifest.id = tag.manifest
         WHERE repository.name = ?1 AND tag.name = ?2",
    )?;
    find.query_row([repository.as_str(), tag.as_str()], |row| digest(row, 0)).optional()
}

/// The tags that point to a manifest.
fn tags_of(connection: &Connection, repository: &Repository, digest: &Digest) -> rusqlite::Result<Vec<Tag>> {
    let mut list = connection.prepare_cached(
        "SELECT tag.name
         FROM repository JOIN manifest ON manifest.repository = repository.id
         JOIN tag ON tag.manifest = manifest.id
         WHERE repository.name = ?1 AND manifest.digest = ?2",
    )?;
    let parse = |row: &Row<'_>| {
        row.get_ref(0)?.as_str()?.parse().map_err(|error: ReferenceError| unreadable(0, error))
    };
    list.query_map([repository.as_str(), &digest.to_string()], parse)?.collect()
}

/// Makes a content visible in a repository; `false` where it is not there or damaged.
pub(super) fn link(
    writing: &Writing<'_>,
    repository: &Repository,
    digest: &Digest,
) -> rusqlite::Result<bool> {
    let Some(blob) = sound(writing, digest)? else {
        return Ok(false);
    };
    link_content(writing, ensure_repository(writing, repository)?, blob)?;
    Ok(true)
}

/// Makes a content visible in a repository, both by their ids.
pub(super) fn link_content(writing: &Writing<'_>, repository: i64, blob: i64) -> rusqlite::Result<()> {
    let mut insert = writing.prepare_cached(
        "INSERT INTO repository_blob (repository, blob, linked) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET linked = ?3",
    )?;
    insert.execute(params![repository, blob, now()]).map(drop)
}

/// A repository's id; it is made where it is missing, and its project too.
pub(super) fn ensure_repository(writing: &Writing<'_>, repository: &Repository) -> rusqlite::Result<i64> {
    let mut find = writing.prepare_cached("SELECT id FROM repository WHERE name = ?1")?;
    if let Some(id) = find.query_row([repository.as_str()], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let project = ensure_project(writing, repository.project())?;
    let mut insert = writing.prepare_cached("INSERT INTO repository (name, project) VALUES (?1, ?2)")?;
    insert.insert(params![repository.as_str(), project])
}

/// The id of a repository that a manifest was ever put into.
fn listed(connection: &Connection, repository: &Repository) -> rusqlite::Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT id FROM repository WHERE name = ?1 AND listed = 1")?;
    find.query_row([repository.as_str()], |row| row.get(0)).optional()
}
