//! Content on its way in: written and hashed at once, without a name until it is verified.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use portolan_oci::{Algorithm, Digest, Hasher};
use rustix::fs::{Advice, fadvise};

use super::durable;
use super::error::{Io, StoreError};
use super::room::Room;
use crate::names::UploadId;

/// Bytes read at once when a draft must be hashed a second time.
const REHASH_PIECE: usize = 256 * 1024;

/// Bytes after which what was written is on its way to the disk, so that syncing the whole at the
/// end has little left to wait for.
const PUSH: u64 = 4 * 1024 * 1024;

/// A file without a name. Dropping it removes what was written.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    file: Option<File>,
    algorithm: Algorithm,
    hasher: Hasher,
    written: u64,
    /// Bytes that the hasher has seen: all, or none where another process wrote them.
    hashed: u64,
    /// Bytes that are on their way to the disk.
    pushed: u64,
    room: Room,
    /// Set while a write is under way: where one failed, the file and the hash may differ.
    broken: bool,
    /// Set where the file is to outlive the draft.
    left: bool,
}

impl Draft {
    /// A draft in the directory `scratch`; the file is made with the first bytes.
    pub(super) fn new(scratch: &Path, algorithm: Algorithm, room: Room) -> Self {
        Self::named(scratch, &UploadId::random(), algorithm, room)
    }

    /// A draft whose file can be found again.
    pub(super) fn named(scratch: &Path, id: &UploadId, algorithm: Algorithm, room: Room) -> Self {
        Self {
            path: scratch.join(id.as_str()),
            file: None,
            algorithm,
            hasher: Hasher::new(algorithm),
            written: 0,
            hashed: 0,
            pushed: 0,
            room,
            broken: false,
            left: false,
        }
    }

    /// The draft that [`Self::leave`] left; `None` where its file does not have as many bytes.
    pub(super) fn take_up(
        scratch: &Path,
        id: &UploadId,
        algorithm: Algorithm,
        written: u64,
        room: Room,
    ) -> Result<Option<Self>, StoreError> {
        let mut draft = Self::named(scratch, id, algorithm, room);
        let length = match fs::metadata(&draft.path) {
            Ok(file) => file.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error).io("read", &draft.path),
        };
        (draft.written, draft.pushed) = (written, written);
        Ok((length == written).then_some(draft))
    }

    /// Brings the bytes so far to the disk.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        let path = self.path.clone();
        if self.written > 0 {
            self.opened()?.sync_all().io("sync", &path)?;
        }
        Ok(())
    }

    /// Leaves the file where it is.
    pub(super) fn leave(mut self) {
        self.left = true;
    }

    /// Where the bytes are, for errors.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hash function that was announced for it.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether a write failed, after which nothing can be appended.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Appends pieces in order. Where the disk is low, nothing is appended, and it can be tried again.
    pub fn append(&mut self, pieces: &[Bytes]) -> Result<(), StoreError> {
        // Asked at the start, and whenever what was written went on its way to the disk.
        if self.pushed == self.written {
            self.room.check()?;
        }
        self.broken = true;
        self.catch_up()?;
        let path = self.path.clone();
        let file = self.opened()?;
        for piece in pieces {
            file.write_all(piece).io("write", &path)?;
        }
        for piece in pieces {
            self.hasher.update(piece);
            self.written += piece.len() as u64;
        }
        self.hashed = self.written;
        self.push();
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
    pub fn digest(&mut self) -> Result<Digest, StoreError> {
        self.catch_up()?;
        Ok(self.hasher.clone().finish())
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
            return self.digest();
        }
        self.opened()?;
        let mut hasher = Hasher::new(algorithm);
        self.hash_into(&mut hasher)?;
        Ok(hasher.finish())
    }

    /// What another process wrote is hashed once it is needed.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        if self.hashed < self.written {
            let mut hasher = Hasher::new(self.algorithm);
            self.hash_into(&mut hasher)?;
            (self.hasher, self.hashed) = (hasher, self.written);
        }
        Ok(())
    }

    fn hash_into(&self, hasher: &mut Hasher) -> Result<(), StoreError> {
        let path = &self.path;
        let mut file = File::open(path).io("open", path)?;
        let mut piece = vec![0; REHASH_PIECE];
        loop {
            let count = file.read(&mut piece).io("read", path)?;
            if count == 0 {
                return Ok(());
            }
            hasher.update(&piece[..count]);
        }
    }

    /// Has the system begin to write what it holds of the file. That advice promises nothing: only
    /// the sync at the end does.
    fn push(&mut self) {
        let Some(length) = NonZeroU64::new(self.written - self.pushed).filter(|length| length.get() >= PUSH)
        else {
            return;
        };
        if let Some(file) = &self.file {
            // Written pages are dropped where that is possible; those still to be written stay.
            let advised = fadvise(file, self.pushed, Some(length), Advice::DontNeed);
            if let Err(error) = advised {
                tracing::debug!(%error, path = %self.path.display(), "cannot have the file written early");
            }
        }
        self.pushed = self.written;
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
        if !self.left {
            // Once it was named the path is gone, before the first bytes it never was.
            let _ = fs::remove_file(&self.path);
        }
    }
}
