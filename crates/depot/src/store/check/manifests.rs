//! Manifests: whether they can be read, and name only what their repository has.

use std::collections::HashSet;
use std::error::Error;
use std::iter;
use std::ops::ControlFlow;

use portolan_oci::{Digest, MANIFEST_LIMIT, Manifest, ManifestError, MediaType, ReferenceError, Repository};
use rusqlite::{Connection, Row, params};

use super::{BATCH, Checking, Finding, Step};
use crate::store::database::{digest, unreadable};
use crate::store::error::StoreError;
use crate::store::put::required;

/// A manifest as its row has it.
struct Kept {
    id: i64,
    repository: Repository,
    digest: Digest,
    media_type: MediaType,
    /// What it refers to, where its repository does not have that.
    dangling: Option<Digest>,
}

impl Checking<'_> {
    pub(super) fn manifests(&mut self) -> Step {
        let mut last = 0;
        loop {
            let batch = self.manifests_after(last)?;
            let Some(end) = batch.last() else { return Ok(ControlFlow::Continue(())) };
            last = end.id;
            for kept in batch {
                if self.manifest(kept)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }

    fn manifest(&mut self, kept: Kept) -> Step {
        for finding in self.findings(kept)? {
            if self.find(finding).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn findings(&self, kept: Kept) -> Result<Vec<Finding>, StoreError> {
        let Kept { id, repository, digest, media_type, dangling } = kept;
        let mut findings = Vec::new();
        match self.parse(&digest, &media_type)? {
            // It went meanwhile.
            None => return Ok(findings),
            Some(Err(reason)) => findings.push(Finding::Manifest {
                repository: repository.clone(),
                digest: digest.clone(),
                reason,
            }),
            Some(Ok(manifest)) => {
                let required = required(manifest.content()).map(|part| part.digest.clone()).collect();
                let missing = self.missing(id, &required)?;
                if !missing.is_empty() {
                    let (repository, digest) = (repository.clone(), digest.clone());
                    let tags = self.tags(id)?;
                    findings.push(Finding::Incomplete { repository, digest, tags, missing });
                }
            }
        }
        findings.extend(dangling.map(|subject| Finding::Dangling { repository, digest, subject }));
        Ok(findings)
    }

    fn parse(
        &self,
        digest: &Digest,
        media_type: &MediaType,
    ) -> Result<Option<Result<Manifest, String>>, StoreError> {
        match self.store.blobs.read(digest, MANIFEST_LIMIT) {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => {
                let parsed = Manifest::parse(bytes, Some(media_type));
                Ok(Some(parsed.map_err(|error| in_full(&error))))
            }
            Err(StoreError::Damaged { reason, .. }) => Ok(Some(Err(reason))),
            Err(error) => Err(error),
        }
    }

    /// What its repository does not have of a manifest's required parts.
    fn missing(&self, manifest: i64, required: &HashSet<Digest>) -> Result<Vec<Digest>, StoreError> {
        let question = |connection: &Connection| absent_parts(connection, manifest);
        let mut absent =
            self.store.metadata.database.read("look for the parts of a manifest in", question)?;
        absent.retain(|digest| required.contains(digest));
        Ok(absent)
    }

    /// The tags that point to a manifest.
    fn tags(&self, manifest: i64) -> Result<Vec<String>, StoreError> {
        self.store.metadata.database.read("list the tags of a manifest in", |connection| {
            let mut list =
                connection.prepare_cached("SELECT name FROM tag WHERE manifest = ?1 ORDER BY name")?;
            list.query_map([manifest], |row| row.get(0))?.collect()
        })
    }

    fn manifests_after(&self, last: i64) -> Result<Vec<Kept>, StoreError> {
        self.store.metadata.database.read("list the manifests of", |connection| {
            let mut list = connection.prepare_cached(
                "SELECT manifest.id, repository.name, manifest.digest, manifest.media_type,
                   CASE WHEN NOT EXISTS (SELECT 1 FROM manifest AS subject
                     WHERE subject.repository = manifest.repository AND subject.digest = manifest.subject)
                   THEN manifest.subject END
                 FROM manifest JOIN repository ON repository.id = manifest.repository
                 JOIN blob ON blob.id = manifest.blob
                 WHERE manifest.id > ?1 AND blob.damaged IS NULL
                 ORDER BY manifest.id LIMIT ?2",
            )?;
            list.query_map(params![last, BATCH], kept)?.collect()
        })
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let repository = row.get_ref(1)?.as_str()?.parse();
    let subject = row.get::<_, Option<String>>(4)?.map(|_| digest(row, 4));
    Ok(Kept {
        id: row.get(0)?,
        repository: repository.map_err(|error: ReferenceError| unreadable(1, error))?,
        digest: digest(row, 2)?,
        media_type: MediaType::from(row.get::<_, String>(3)?),
        dangling: subject.transpose()?,
    })
}

/// An error with its causes, on one line.
fn in_full(error: &ManifestError) -> String {
    let causes = iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Parts that the manifest's repository has neither as blobs nor as manifests. Damaged ones are there.
fn absent_parts(connection: &Connection, manifest: i64) -> rusqlite::Result<Vec<Digest>> {
    let mut list = connection.prepare_cached(
        "SELECT digest FROM part WHERE manifest = ?1
           AND NOT EXISTS (SELECT 1 FROM blob JOIN repository_blob ON repository_blob.blob = blob.id
             WHERE blob.digest = part.digest AND repository_blob.repository = part.repository)
           AND NOT EXISTS (SELECT 1 FROM manifest AS child
             WHERE child.repository = part.repository AND child.digest = part.digest)
         ORDER BY digest",
    )?;
    list.query_map([manifest], |row| digest(row, 0))?.collect()
}
