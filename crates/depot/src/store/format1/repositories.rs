//! Repositories of format 1: links, manifests and tags.

use std::fs;
use std::path::Path;

use portolan_oci::{Digest, MANIFEST_LIMIT, Manifest, MediaType, Repository, Tag};
use rusqlite::{OptionalExtension, params};

use super::contents::{ALGORITHMS, content};
use super::{CHUNK, left_out, line};
use crate::store::blobs::Blobs;
use crate::store::database::{Database, Writing, now};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::manifests::NewManifest;
use crate::store::metadata::{ensure_repository, link_content};
use crate::store::put::{list_repository, record_manifest, record_parts, set_tag};
use crate::store::room::Room;

/// A manifest as it was found: parsed, or too damaged for that.
struct Found {
    digest: Digest,
    media_type: MediaType,
    sound: Option<NewManifest>,
}

/// Reads `repositories/` into the database.
pub(super) fn take_over(data: &Path, database: &Database) -> Result<(), StoreError> {
    let blobs = Blobs::open(&data.join("blobs"), &data.join("uploads"), database.clone(), Room::new(data))?;
    let dir = data.join("repositories");
    let mut names = Vec::new();
    collect(&dir, "", &mut names)?;
    for name in names {
        let Ok(repository) = name.parse::<Repository>() else {
            continue;
        };
        let dir = dir.join(&name);
        take_links(&dir, &repository, database)?;
        take_manifests(&dir, &repository, &blobs, database)?;
        take_tags(&dir.join("_tags"), &repository, database)?;
    }
    Ok(())
}

/// The names below a folder; those that format 1 made for itself begin with `_`.
fn collect(dir: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), StoreError> {
    for name in durable::names(dir)? {
        let path = dir.join(&name);
        if name.starts_with('_') || !fs::metadata(&path).is_ok_and(|data| data.is_dir()) {
            continue;
        }
        let full = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        collect(&path, &full, found)?;
        found.push(full);
    }
    Ok(())
}

/// The digests that a folder has files for.
fn digests(dir: &Path) -> Result<Vec<Digest>, StoreError> {
    let mut found = Vec::new();
    for algorithm in ALGORITHMS {
        let names = durable::names(&dir.join(algorithm.as_str()))?;
        found.extend(names.iter().filter_map(|name| Digest::from_hex(algorithm, name).ok()));
    }
    Ok(found)
}

fn take_links(dir: &Path, repository: &Repository, database: &Database) -> Result<(), StoreError> {
    for chunk in digests(&dir.join("_blobs"))?.chunks(CHUNK) {
        let (repository, chunk) = (repository.clone(), chunk.to_vec());
        database.write("take links over into", move |writing| {
            let repository = ensure_repository(writing, &repository)?;
            chunk.iter().try_for_each(|digest| link_content(writing, repository, content(writing, digest)?))
        })?;
    }
    Ok(())
}

fn take_manifests(
    dir: &Path,
    repository: &Repository,
    blobs: &Blobs,
    database: &Database,
) -> Result<(), StoreError> {
    let dir = dir.join("_manifests");
    if dir.is_dir() {
        let repository = repository.clone();
        database.write("take a repository over into", move |writing| {
            list_repository(writing, ensure_repository(writing, &repository)?)
        })?;
    }
    // A chunk's manifests are in memory together, and each may have 4 MiB.
    for chunk in digests(&dir)?.chunks(CHUNK / 50) {
        let found = chunk.iter().filter_map(|digest| find(&dir, digest, blobs).transpose());
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let repository = repository.clone();
        database.write("take manifests over into", move |writing| {
            let repository = ensure_repository(writing, &repository)?;
            found.iter().try_for_each(|found| record(writing, repository, found))
        })?;
    }
    Ok(())
}

fn find(dir: &Path, digest: &Digest, blobs: &Blobs) -> Result<Option<Found>, StoreError> {
    let path = dir.join(digest.algorithm().as_str()).join(digest.hex());
    let Some(media_type) = line(&path)?.map(MediaType::from) else {
        return Ok(None);
    };
    let sound = parse(digest, &media_type, blobs);
    if sound.is_none() {
        tracing::warn!(%digest, "a manifest is damaged: it counts as absent until it is pushed again");
    }
    Ok(Some(Found { digest: digest.clone(), media_type, sound }))
}

fn parse(digest: &Digest, media_type: &MediaType, blobs: &Blobs) -> Option<NewManifest> {
    let bytes = blobs.read(digest, MANIFEST_LIMIT).ok()??;
    let manifest = Manifest::parse(bytes, Some(media_type)).ok()?;
    NewManifest::with_digest(manifest, digest).ok()
}

fn record(writing: &Writing<'_>, repository: i64, found: &Found) -> rusqlite::Result<()> {
    let blob = content(writing, &found.digest)?;
    if let Some(new) = &found.sound {
        let manifest = record_manifest(writing, repository, blob, new)?;
        return record_parts(writing, repository, manifest, new);
    }
    let mut insert = writing.prepare_cached(
        "INSERT INTO manifest (repository, blob, digest, media_type, pushed) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let (digest, media_type) = (found.digest.to_string(), found.media_type.as_str());
    insert.execute(params![repository, blob, digest, media_type, now()])?;
    writing.prepare_cached("UPDATE blob SET damaged = ?2 WHERE id = ?1")?.execute([blob, now()])?;
    Ok(())
}

fn take_tags(dir: &Path, repository: &Repository, database: &Database) -> Result<(), StoreError> {
    let mut tags = Vec::new();
    for name in durable::names(dir)? {
        let path = dir.join(&name);
        let (Ok(tag), Some(line)) = (name.parse::<Tag>(), line(&path)?) else {
            continue;
        };
        match line.parse::<Digest>() {
            Ok(digest) => tags.push((tag, digest.to_string())),
            Err(error) => left_out(&path, &error),
        }
    }
    for chunk in tags.chunks(CHUNK) {
        let (repository, chunk) = (repository.clone(), chunk.to_vec());
        database.write("take tags over into", move |writing| {
            let repository = ensure_repository(writing, &repository)?;
            chunk.iter().try_for_each(|(tag, digest)| take_tag(writing, repository, tag, digest))
        })?;
    }
    Ok(())
}

fn take_tag(writing: &Writing<'_>, repository: i64, tag: &Tag, digest: &str) -> rusqlite::Result<()> {
    let mut find = writing.prepare_cached("SELECT id FROM manifest WHERE repository = ?1 AND digest = ?2")?;
    match find.query_row(params![repository, digest], |row| row.get(0)).optional()? {
        Some(manifest) => set_tag(writing, repository, tag, manifest),
        None => {
            tracing::warn!(%tag, digest, "left out: the tag points to a manifest that is not there");
            Ok(())
        }
    }
}
