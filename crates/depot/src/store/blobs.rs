//! Contents by digest: every one once, whoever refers to it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use portolan_oci::{Algorithm, Digest};

use super::draft::Draft;
use super::durable;
use super::error::{Io, StoreError};

/// The directory `blobs/`.
#[derive(Debug)]
pub struct Blobs {
    dir: PathBuf,
    scratch: PathBuf,
}

impl Blobs {
    pub(super) fn open(dir: &Path, scratch: &Path) -> Result<Self, StoreError> {
        durable::create_dirs(dir)?;
        Ok(Self { dir: dir.to_owned(), scratch: scratch.to_owned() })
    }

    /// Where content of that digest is, or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.dir.join(digest.algorithm().as_str()).join(&hex[..2]).join(hex)
    }

    /// A file for content that comes in pieces.
    pub fn draft(&self, algorithm: Algorithm) -> Draft {
        Draft::new(&self.scratch, algorithm)
    }

    /// Keeps a draft under its digest, if that is what it has; gives its length.
    ///
    /// Content that is there already is replaced by the same content, which heals a damaged file.
    pub fn admit(&self, draft: Draft, expected: &Digest) -> Result<u64, StoreError> {
        draft.admit(expected, &self.path(expected))
    }

    /// Keeps bytes that are in memory.
    pub fn put(&self, content: &Bytes, digest: &Digest) -> Result<(), StoreError> {
        let mut draft = self.draft(digest.algorithm());
        draft.append(std::slice::from_ref(content))?;
        self.admit(draft, digest).map(drop)
    }

    /// A content for reading, with its length.
    pub fn open_blob(&self, digest: &Digest) -> Result<Option<(File, u64)>, StoreError> {
        let path = self.path(digest);
        let Some(file) = durable::open(&path)? else {
            return Ok(None);
        };
        let length = file.metadata().io("read", &path)?.len();
        Ok(Some((file, length)))
    }

    /// A small content (a manifest, a provenance file) as a whole; longer than `limit` is damage.
    pub fn read(&self, digest: &Digest, limit: u64) -> Result<Option<Bytes>, StoreError> {
        let Some((file, length)) = self.open_blob(digest)? else {
            return Ok(None);
        };
        let path = self.path(digest);
        if length > limit {
            return Err(StoreError::Damaged { path, reason: format!("{length} bytes, more than {limit}") });
        }
        let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(limit).read_to_end(&mut content).io("read", &path)?;
        Ok(Some(content.into()))
    }

    /// Whether content of that digest is there.
    pub fn holds(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }
}
