//! Repositories: which blobs and manifests they have and what their tags point to.
//!
//! Everything that points to something lives behind [`Metadata`]: it holds no content, so that
//! the small files it is made of today can become a database without touching anything else.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portolan_oci::{Digest, MediaType, Repository, Tag};

use super::durable;
use super::error::StoreError;

/// Tags are compared and set under one of so many locks: those of two repositories seldom wait
/// for each other's syncing.
const STRIPES: usize = 64;

/// Repositories and projects on disk.
#[derive(Debug)]
pub struct Metadata {
    repositories: PathBuf,
    pub(super) projects: PathBuf,
    pub(super) scratch: PathBuf,
    stripes: Vec<Mutex<()>>,
}

/// What a tag must be for it to be set (`If-Match`, `If-None-Match: *`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Anything.
    None,
    /// It points to that manifest.
    Is(Digest),
    /// It does not exist.
    Absent,
}

impl Precondition {
    fn holds(&self, found: Option<&Digest>) -> bool {
        match self {
            Self::None => true,
            Self::Is(digest) => found == Some(digest),
            Self::Absent => found.is_none(),
        }
    }
}

impl Metadata {
    pub(super) fn open(data: &Path, scratch: &Path) -> Result<Self, StoreError> {
        let (repositories, projects) = (data.join("repositories"), data.join("projects"));
        durable::create_dirs(&repositories)?;
        durable::create_dirs(&projects)?;
        let stripes = std::iter::repeat_with(|| Mutex::new(())).take(STRIPES).collect();
        Ok(Self { repositories, projects, scratch: scratch.to_owned(), stripes })
    }

    /// Makes a blob visible in a repository. The blob itself must be in the store.
    pub fn link_blob(&self, repository: &Repository, digest: &Digest) -> Result<(), StoreError> {
        durable::mark(&self.link(repository, "_blobs", digest))
    }

    /// Takes a blob out of a repository; `false` where it was not in it.
    pub fn unlink_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, StoreError> {
        durable::remove(&self.link(repository, "_blobs", digest))
    }

    /// Whether a repository has a blob.
    pub fn has_blob(&self, repository: &Repository, digest: &Digest) -> bool {
        self.link(repository, "_blobs", digest).is_file()
    }

    /// Makes a manifest visible in a repository, under the media type it was put with.
    pub fn add_manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
        media_type: &MediaType,
    ) -> Result<(), StoreError> {
        let path = self.link(repository, "_manifests", digest);
        durable::replace(&self.scratch, &path, format!("{media_type}\n").as_bytes())
    }

    /// Takes a manifest out of a repository; `false` where it was not in it.
    pub fn remove_manifest(&self, repository: &Repository, digest: &Digest) -> Result<bool, StoreError> {
        durable::remove(&self.link(repository, "_manifests", digest))
    }

    /// The media type of a repository's manifest, `None` where it has no such manifest.
    pub fn manifest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Option<MediaType>, StoreError> {
        let line = durable::read_line(&self.link(repository, "_manifests", digest))?;
        Ok(line.map(MediaType::from))
    }

    /// What a tag points to.
    pub fn tag(&self, repository: &Repository, tag: &Tag) -> Result<Option<Digest>, StoreError> {
        let path = self.tag_path(repository, tag.as_str());
        durable::read_line(&path)?.map(|line| parse_digest(&path, &line)).transpose()
    }

    /// Points a tag to a manifest, unless `precondition` does not hold: then `false`. Of two
    /// requests at once one is first, and the other one's condition sees its work.
    pub fn set_tag(
        &self,
        repository: &Repository,
        tag: &Tag,
        digest: &Digest,
        precondition: &Precondition,
    ) -> Result<bool, StoreError> {
        let _held = self.hold(repository);
        if !precondition.holds(self.tag(repository, tag)?.as_ref()) {
            return Ok(false);
        }
        let path = self.tag_path(repository, tag.as_str());
        durable::replace(&self.scratch, &path, format!("{digest}\n").as_bytes())?;
        Ok(true)
    }

    /// Removes a tag; `false` where there was none.
    pub fn remove_tag(&self, repository: &Repository, tag: &Tag) -> Result<bool, StoreError> {
        let _held = self.hold(repository);
        durable::remove(&self.tag_path(repository, tag.as_str()))
    }

    /// Removes every tag that points to a manifest.
    pub fn remove_tags_of(&self, repository: &Repository, digest: &Digest) -> Result<(), StoreError> {
        let _held = self.hold(repository);
        let wanted = digest.to_string();
        for name in durable::names(&self.dir(repository).join("_tags"))? {
            let path = self.tag_path(repository, &name);
            if durable::read_line(&path)?.as_ref() == Some(&wanted) {
                durable::remove(&path)?;
            }
        }
        Ok(())
    }

    /// A repository's tags in the order of their bytes; `None` where there is no such repository.
    pub fn tags(&self, repository: &Repository) -> Result<Option<Vec<String>>, StoreError> {
        if !self.has_repository(repository) {
            return Ok(None);
        }
        durable::names(&self.dir(repository).join("_tags")).map(Some)
    }

    /// Whether a manifest was ever put into that repository.
    pub fn has_repository(&self, repository: &Repository) -> bool {
        self.dir(repository).join("_manifests").is_dir()
    }

    /// The names of all repositories, in the order of their bytes.
    pub fn repositories(&self) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        collect(&self.repositories, "", &mut found)?;
        found.sort_unstable();
        Ok(found)
    }

    pub(super) fn dir(&self, repository: &Repository) -> PathBuf {
        self.repositories.join(repository.as_str())
    }

    fn link(&self, repository: &Repository, kind: &str, digest: &Digest) -> PathBuf {
        self.dir(repository).join(kind).join(digest.algorithm().as_str()).join(digest.hex())
    }

    fn tag_path(&self, repository: &Repository, tag: &str) -> PathBuf {
        self.dir(repository).join("_tags").join(tag)
    }

    fn hold(&self, repository: &Repository) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        repository.hash(&mut hasher);
        let stripe = usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or_default();
        self.stripes[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A digest that the store itself wrote into a file.
pub(super) fn parse_digest(path: &Path, line: &str) -> Result<Digest, StoreError> {
    line.parse()
        .map_err(|_| StoreError::Damaged { path: path.to_owned(), reason: format!("{line:?} is no digest") })
}

/// Walks the folders of names; those of the store's own begin with `_`.
fn collect(dir: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), StoreError> {
    for name in durable::names(dir)? {
        let path = dir.join(&name);
        if name.starts_with('_') || !fs::metadata(&path).is_ok_and(|data| data.is_dir()) {
            continue;
        }
        let full = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if path.join("_manifests").is_dir() {
            found.push(full.clone());
        }
        collect(&path, &full, found)?;
    }
    Ok(())
}
