//! Content on its way in: written and hashed at once, without a name until it is verified.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use portolan_oci::{Algorithm, Digest, Hasher};

use super::durable;
use super::error::{Io, StoreError};
use crate::names::UploadId;

/// Bytes read at once when a draft must be hashed a second time.
const REHASH_PIECE: usize = 256 * 1024;

/// A file without a name. Dropping it removes what was written.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    file: Option<File>,
    algorithm: Algorithm,
    hasher: Hasher,
    written: u64,
    /// Set while a write is under way: where one failed, the file and the hash may differ.
    broken: bool,
}

impl Draft {
    /// A draft in the directory `scratch`; the file is made with the first bytes.
    pub fn new(scratch: &Path, algorithm: Algorithm) -> Self {
        let path = scratch.join(UploadId::random().as_str());
        Self { path, file: None, algorithm, hasher: Hasher::new(algorithm), written: 0, broken: false }
    }

    /// Where the bytes are, for errors.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether a write failed, after which nothing can be appended.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Appends pieces in order.
    pub fn append(&mut self, pieces: &[Bytes]) -> Result<(), StoreError> {
        self.broken = true;
        let path = self.path.clone();
        let file = self.opened()?;
        for piece in pieces {
            file.write_all(piece).io("write", &path)?;
        }
        for piece in pieces {
            self.hasher.update(piece);
            self.written += piece.len() as u64;
        }
        self.broken = false;
        Ok(())
    }

    /// Closes the file until the next bytes come, so that waiting sessions hold no descriptor.
    pub fn rest(&mut self) {
        self.file = None;
    }

    /// The bytes so far, from the start; for looking into an archive before it is kept.
    pub fn reopen(&self) -> Result<File, StoreError> {
        File::open(&self.path).io("open", &self.path)
    }

    /// The digest of the bytes so far, under the draft's own algorithm.
    pub fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    /// Derives the digest and syncs the content, which then can get its name.
    pub(super) fn verify(mut self, expected: &Digest) -> Result<Verified, StoreError> {
        let actual = self.digest_as(expected.algorithm())?;
        if actual != *expected {
            return Err(StoreError::DigestMismatch { expected: expected.clone(), actual });
        }
        let path = self.path.clone();
        self.opened()?.sync_all().io("sync", &path)?;
        Ok(Verified(self))
    }

    /// A client that names another algorithm at the end than at the start costs a second reading.
    fn digest_as(&mut self, algorithm: Algorithm) -> Result<Digest, StoreError> {
        if algorithm == self.algorithm {
            return Ok(self.digest());
        }
        self.opened()?;
        hash_file(&self.path, algorithm)
    }

    fn opened(&mut self) -> Result<&mut File, StoreError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => self.open_at_end()?,
        };
        Ok(self.file.insert(file))
    }

    fn open_at_end(&self) -> Result<File, StoreError> {
        let mut file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&self.path)
            .io("create", &self.path)?;
        file.seek(SeekFrom::Start(self.written)).io("seek in", &self.path)?;
        Ok(file)
    }
}

/// A draft that has the digest it should have and is on the disk. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Verified(Draft);

impl Verified {
    /// Its length in bytes.
    pub(super) fn written(&self) -> u64 {
        self.0.written
    }

    /// Gives the content its name, the directory synced.
    pub(super) fn name(self, target: &Path) -> Result<(), StoreError> {
        durable::name(&self.0.path, target)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Once it was named the path is gone, before the first bytes it never was.
        let _ = fs::remove_file(&self.path);
    }
}

fn hash_file(path: &Path, algorithm: Algorithm) -> Result<Digest, StoreError> {
    use std::io::Read;
    let mut file = File::open(path).io("open", path)?;
    let mut hasher = Hasher::new(algorithm);
    let mut piece = vec![0; REHASH_PIECE];
    loop {
        let count = file.read(&mut piece).io("read", path)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&piece[..count]);
    }
}
