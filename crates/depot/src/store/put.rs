//! Putting a manifest: what is checked and written in one transaction.

use portolan_oci::{Descriptor, Digest, Locator, ManifestContent, MediaType, Repository, Tag};
use rusqlite::{Connection, params};

use super::blobs::Arrival;
use super::database::{Key, Writing, from_bytes, now};
use super::manifests::{NewManifest, PutError};
use super::metadata::{Precondition, ensure_repository, linked, media_type, tagged};
use super::quota::{self, OverQuota};

/// Layers that a registry need not have: their licence forbids passing them on, and they are
/// fetched from the addresses in their descriptors (OCI image specification, "Non-Distributable
/// Layers").
const FOREIGN: [&str; 2] = [
    "application/vnd.docker.image.rootfs.foreign.diff.",
    "application/vnd.oci.image.layer.nondistributable.",
];

/// A manifest on its way into the database, with all that decides on it.
pub(super) struct Put {
    pub(super) repository: Repository,
    pub(super) new: NewManifest,
    pub(super) tags: Vec<Tag>,
    pub(super) precondition: Precondition,
    /// Parts without a file, which count as missing whatever the database says.
    pub(super) lost: Vec<Digest>,
}

impl Put {
    /// Why it must not be done.
    pub(super) fn refusal(&self, connection: &Connection) -> rusqlite::Result<Option<PutError>> {
        let digests = self.missing(connection)?;
        if !digests.is_empty() {
            return Ok(Some(PutError::Missing { repository: self.repository.clone(), digests }));
        }
        let changed = self.changed(connection)?;
        Ok(changed.map(|reference| PutError::Changed { reference }))
    }

    /// The first thing for which the precondition does not hold.
    fn changed(&self, connection: &Connection) -> rusqlite::Result<Option<Locator>> {
        for tag in &self.tags {
            let found = tagged(connection, &self.repository, tag)?;
            if !self.precondition.holds(found.as_ref()) {
                return Ok(Some(Locator::Tag(tag.clone())));
            }
        }
        let own = &self.new.digest;
        if self.tags.is_empty() && self.precondition != Precondition::None {
            let there = media_type(connection, &self.repository, own)?.is_some();
            if !self.precondition.holds(there.then_some(own)) {
                return Ok(Some(Locator::Digest(own.clone())));
            }
        }
        Ok(None)
    }

    fn missing(&self, connection: &Connection) -> rusqlite::Result<Vec<Digest>> {
        let mut missing = Vec::new();
        for part in self.new.required() {
            let digest = &part.digest;
            let there = !self.lost.contains(digest) && has_part(connection, &self.repository, digest)?;
            if !there && !missing.contains(digest) {
                missing.push(digest.clone());
            }
        }
        Ok(missing)
    }

    /// Writes all rows of the manifest, where its project may hold that much.
    pub(super) fn record_within(
        &self,
        writing: &Writing<'_>,
        arrival: &Arrival,
    ) -> rusqlite::Result<Result<(), OverQuota>> {
        quota::within(writing, self.repository.project(), |writing| self.record(writing, arrival))
    }

    fn record(&self, writing: &Writing<'_>, arrival: &Arrival) -> rusqlite::Result<()> {
        let blob = arrival.record(writing)?;
        let repository = ensure_repository(writing, &self.repository)?;
        list_repository(writing, repository)?;
        let manifest = record_manifest(writing, repository, blob, &self.new)?;
        record_parts(writing, repository, manifest, &self.new)?;
        writing.changes(Key::Manifest(self.repository.clone(), self.new.digest.clone()));
        for tag in &self.tags {
            writing.changes(Key::Tag(self.repository.clone(), tag.clone()));
            set_tag(writing, repository, tag, manifest)?;
        }
        Ok(())
    }
}

/// Brings a repository into the catalog.
pub(super) fn list_repository(writing: &Writing<'_>, repository: i64) -> rusqlite::Result<()> {
    let mut update =
        writing.prepare_cached("UPDATE repository SET listed = 1 WHERE id = ?1 AND listed = 0")?;
    update.execute([repository]).map(drop)
}

/// Points a tag to a manifest, both by their ids.
pub(super) fn set_tag(
    writing: &Writing<'_>,
    repository: i64,
    tag: &Tag,
    manifest: i64,
) -> rusqlite::Result<()> {
    let mut set = writing.prepare_cached(
        "INSERT INTO tag (repository, name, manifest, moved) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET manifest = ?3, moved = ?4",
    )?;
    set.execute(params![repository, tag.as_str(), manifest, now()]).map(drop)
}

/// Writes a manifest's own row and gives its id.
pub(super) fn record_manifest(
    writing: &Writing<'_>,
    repository: i64,
    blob: i64,
    new: &NewManifest,
) -> rusqlite::Result<i64> {
    let (subject, referrer) = (new.subject(), new.as_referrer());
    let descriptor = subject
        .map(|_| serde_json::to_string(&referrer).expect("because a descriptor is plain text and numbers"));
    let mut insert = writing.prepare_cached(
        "INSERT INTO manifest
             (repository, blob, digest, media_type, pushed, subject, artifact_type, descriptor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (repository, digest) DO UPDATE SET
             media_type = ?4, pushed = ?5, subject = ?6, artifact_type = ?7, descriptor = ?8
         RETURNING id",
    )?;
    let values = params![
        repository,
        blob,
        new.digest.to_string(),
        new.manifest.media_type().as_str(),
        now(),
        subject.map(Digest::to_string),
        referrer.artifact_type.as_ref().map(MediaType::as_str),
        descriptor,
    ];
    insert.query_row(values, |row| row.get(0))
}

/// Writes what a manifest is made of. The same bytes under another media type can have other
/// parts, so those of before go.
pub(super) fn record_parts(
    writing: &Writing<'_>,
    repository: i64,
    manifest: i64,
    new: &NewManifest,
) -> rusqlite::Result<()> {
    writing.prepare_cached("DELETE FROM part WHERE manifest = ?1")?.execute([manifest])?;
    // An image may have one layer twice.
    let mut insert = writing.prepare_cached(
        "INSERT INTO part (repository, digest, manifest, size) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO NOTHING",
    )?;
    for part in parts(new.manifest.content()) {
        insert.execute(params![repository, part.digest.to_string(), manifest, from_bytes(part.size)])?;
    }
    Ok(())
}

/// Whether a repository has a content, as a blob or as a manifest, and not damaged.
fn has_part(connection: &Connection, repository: &Repository, digest: &Digest) -> rusqlite::Result<bool> {
    Ok(linked(connection, repository, digest)?.is_some()
        || media_type(connection, repository, digest)?.is_some())
}

/// Everything that must be there before the manifest is.
pub(super) fn required(content: &ManifestContent) -> impl Iterator<Item = &Descriptor> {
    parts(content).into_iter().filter(|part| !is_foreign(part))
}

/// Everything that a manifest is made of.
fn parts(content: &ManifestContent) -> Vec<&Descriptor> {
    match content {
        ManifestContent::Image(image) => std::iter::once(&image.config).chain(&image.layers).collect(),
        ManifestContent::Index(index) => index.manifests.iter().collect(),
    }
}

fn is_foreign(part: &Descriptor) -> bool {
    FOREIGN.iter().any(|prefix| part.media_type.as_str().starts_with(prefix))
}
