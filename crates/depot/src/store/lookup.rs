//! What pulls ask. Each question comes in two forms: `cached_…` answers from memory alone and
//! never waits, `find_…` may block, and its answer is in memory the next time.
//!
//! Whatever an answer tells of as there is leased ([`Leases`]).

use bytes::Bytes;
use portolan_oci::{Digest, Locator, MANIFEST_LIMIT, MediaType, Repository};
use rusqlite::Connection;

use super::Store;
use super::database::{Asked, Key, Value};
use super::error::StoreError;
use super::manifests::digest_as;
use super::metadata::{linked, media_type};

/// A repository's manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundManifest {
    /// The digest it was put under.
    pub digest: Digest,
    /// The media type it was put with.
    pub media_type: MediaType,
    /// The manifest itself.
    pub bytes: Bytes,
}

impl Store {
    /// A manifest that was asked for lately; `None` says nothing.
    pub fn cached_manifest(&self, repository: &Repository, locator: &Locator) -> Option<FoundManifest> {
        let digest = match locator {
            Locator::Digest(digest) => digest.clone(),
            Locator::Tag(tag) => match self.cached(&Key::Tag(repository.clone(), tag.clone()))? {
                Value::Tag(digest) => digest,
                _ => return None,
            },
        };
        if !self.leases.touch(repository, &digest) {
            return None;
        }
        match self.cached(&Key::Manifest(repository.clone(), digest.clone()))? {
            Value::Manifest(media_type, bytes) => Some(FoundManifest { digest, media_type, bytes }),
            _ => None,
        }
    }

    /// A repository's manifest by tag or digest. Blocks.
    ///
    /// One whose content is not what its digest says counts as absent, so that it is pushed again.
    pub fn find_manifest(
        &self,
        repository: &Repository,
        locator: &Locator,
    ) -> Result<Option<FoundManifest>, StoreError> {
        let asked = self.metadata.database.cache().asking();
        let Some(digest) = self.resolve(repository, locator)? else {
            return Ok(None);
        };
        if !self.leases.touch(repository, &digest) {
            return Ok(None);
        }
        let found = self.read_manifest(repository, digest.clone())?;
        match &found {
            Some(found) => self.keep_manifest(asked, repository, locator, found),
            None => self.leases.release(repository, &digest),
        }
        Ok(found)
    }

    /// The length of a blob that was asked for lately; `None` says nothing.
    pub fn cached_blob(&self, repository: &Repository, digest: &Digest) -> Option<u64> {
        if !self.leases.touch(repository, digest) {
            return None;
        }
        match self.cached(&Key::Blob(repository.clone(), digest.clone()))? {
            Value::Blob(length) => Some(length),
            _ => None,
        }
    }

    /// The length of a repository's blob; `None` where it has none, or the blob is damaged or its
    /// file lost. Blocks.
    pub fn find_blob(&self, repository: &Repository, digest: &Digest) -> Result<Option<u64>, StoreError> {
        let asked = self.metadata.database.cache().asking();
        if !self.leases.touch(repository, digest) {
            return Ok(None);
        }
        let question = |connection: &Connection| linked(connection, repository, digest);
        let length = self.metadata.database.read("look for a blob in", question)?;
        let length = length.filter(|&length| self.blobs.has_file_of(digest, length));
        match length {
            Some(length) => {
                let key = Key::Blob(repository.clone(), digest.clone());
                self.metadata.database.cache().keep(asked, key, Value::Blob(length));
            }
            None => self.leases.release(repository, digest),
        }
        Ok(length)
    }

    /// Forgets a blob whose file could not be opened though it should be there.
    pub fn forget_blob(&self, repository: &Repository, digest: &Digest) {
        self.metadata.database.cache().forget(&Key::Blob(repository.clone(), digest.clone()));
    }

    fn cached(&self, key: &Key) -> Option<Value> {
        self.metadata.database.cache().get(key)
    }

    fn read_manifest(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Option<FoundManifest>, StoreError> {
        let question = |connection: &Connection| media_type(connection, repository, &digest);
        let Some(media_type) = self.metadata.database.read("look for a manifest in", question)? else {
            return Ok(None);
        };
        let Some(bytes) = self.blobs.read(&digest, MANIFEST_LIMIT)? else {
            tracing::error!(%digest, "a manifest's file is lost: it counts as absent");
            return Ok(None);
        };
        if digest_as(&bytes, digest.algorithm()) != digest {
            tracing::error!(%digest, "a manifest's file is damaged: it counts as absent");
            return Ok(None);
        }
        Ok(Some(FoundManifest { digest, media_type, bytes }))
    }

    fn keep_manifest(&self, asked: Asked, repository: &Repository, locator: &Locator, found: &FoundManifest) {
        let cache = self.metadata.database.cache();
        if let Locator::Tag(tag) = locator {
            cache.keep(asked, Key::Tag(repository.clone(), tag.clone()), Value::Tag(found.digest.clone()));
        }
        let value = Value::Manifest(found.media_type.clone(), found.bytes.clone());
        cache.keep(asked, Key::Manifest(repository.clone(), found.digest.clone()), value);
    }
}
