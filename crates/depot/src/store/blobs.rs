//! Contents by digest: every one once, whoever refers to it.
//!
//! The file of a content is synced before its row is committed, and its row is gone before its
//! file is. So a file without a row is at worst one that nobody needs, and a row without a file
//! is damage.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;

use bytes::Bytes;
use portolan_oci::{Algorithm, Digest};
use rusqlite::{Connection, OptionalExtension, params};

use super::database::{Database, Writing, from_bytes, now};
use super::draft::Draft;
use super::durable;
use super::error::{Io, StoreError};
use super::overview::Space;
use super::room::Room;
use super::shelves::Shelves;
use super::stripes::Stripes;

/// The directory `blobs/`.
#[derive(Debug)]
pub struct Blobs {
    shelves: Shelves,
    scratch: PathBuf,
    database: Database,
    stripes: Stripes,
    room: Room,
}

/// A content whose file has its name, and which waits for its row.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    digest: Digest,
    size: u64,
}

impl Arrival {
    /// Writes the row, or mends it where it says that the content is damaged; gives its id.
    pub(super) fn record(&self, writing: &Writing<'_>) -> rusqlite::Result<i64> {
        let mut insert = writing.prepare_cached(
            "INSERT INTO blob (digest, size, created) VALUES (?1, ?2, ?3)
             ON CONFLICT (digest) DO UPDATE SET size = ?2, created = ?3, damaged = NULL
             RETURNING id",
        )?;
        insert.query_row(params![self.digest.to_string(), from_bytes(self.size), now()], |row| row.get(0))
    }
}

impl Blobs {
    pub(super) fn open(
        dir: &Path,
        scratch: &Path,
        database: Database,
        room: Room,
    ) -> Result<Self, StoreError> {
        let shelves = Shelves::open(dir)?;
        Ok(Self { shelves, scratch: scratch.to_owned(), database, stripes: Stripes::new(), room })
    }

    /// The file system that contents lie on.
    pub(super) fn space(&self) -> Result<Space, StoreError> {
        Space::of(self.shelves.dir())
    }

    /// Where content of that digest is, or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.shelves.path(digest)
    }

    /// A file for content that comes in pieces.
    pub fn draft(&self, algorithm: Algorithm) -> Draft {
        Draft::new(&self.scratch, algorithm, self.room.clone())
    }

    /// Keeps a draft under its digest, if that is what it has; gives its length.
    ///
    /// Content that is there already is replaced by the same content, which heals a damaged file.
    pub fn admit(&self, draft: Draft, expected: &Digest) -> Result<u64, StoreError> {
        let written = draft.written();
        let Ok(_) = self.admit_with(draft, expected, |writing, arrival| {
            arrival.record(writing).map(Ok::<_, Infallible>)
        })?;
        Ok(written)
    }

    /// Keeps bytes that are in memory.
    pub fn put(&self, content: &Bytes, digest: &Digest) -> Result<(), StoreError> {
        self.admit(self.draft_of(content, digest.algorithm())?, digest).map(drop)
    }

    /// A draft of bytes that are in memory.
    pub(super) fn draft_of(&self, content: &Bytes, algorithm: Algorithm) -> Result<Draft, StoreError> {
        let mut draft = self.draft(algorithm);
        draft.append(std::slice::from_ref(content))?;
        Ok(draft)
    }

    /// Gives a draft its name and runs `job`, which records the arrival and what is to point to it
    /// in one transaction. Where the job refuses or fails, nothing of the draft stays.
    pub(super) fn admit_with<T: Send + 'static, R: Send + 'static>(
        &self,
        draft: Draft,
        expected: &Digest,
        job: impl FnOnce(&Writing<'_>, &Arrival) -> rusqlite::Result<Result<T, R>> + Send + 'static,
    ) -> Result<Result<T, R>, StoreError> {
        let drafts = vec![(draft, expected.clone())];
        self.admit_all(drafts, move |writing, arrivals| {
            job(writing, arrivals.first().expect("because one was admitted"))
        })
    }

    /// The same for several contents, whose arrivals come in the order of their drafts.
    pub(super) fn admit_all<T: Send + 'static, R: Send + 'static>(
        &self,
        drafts: Vec<(Draft, Digest)>,
        job: impl FnOnce(&Writing<'_>, &[Arrival]) -> rusqlite::Result<Result<T, R>> + Send + 'static,
    ) -> Result<Result<T, R>, StoreError> {
        let (mut verified, mut arrivals) = (Vec::new(), Vec::new());
        for (draft, digest) in drafts {
            let draft = draft.verify(&digest)?;
            arrivals.push(Arrival { digest, size: draft.written() });
            verified.push(draft);
        }
        let digests: Vec<Digest> = arrivals.iter().map(|arrival| arrival.digest.clone()).collect();
        let _held = self.stripes.hold_all(digests.iter());
        for (draft, digest) in verified.into_iter().zip(&digests) {
            self.shelves.prepare(digest)?;
            draft.name(&self.path(digest))?;
        }
        let done = self.database.write("add a content to", move |writing| job(writing, &arrivals));
        // What failed in its commit may be found committed after a crash, and then needs its file.
        if matches!(&done, Ok(Err(_)) | Err(StoreError::Database { .. })) {
            digests.iter().try_for_each(|digest| self.forget(digest))?;
        }
        done
    }

    /// Removes the file of a content that has no row.
    fn forget(&self, digest: &Digest) -> Result<(), StoreError> {
        if !self.has_row(digest)? {
            durable::remove(&self.path(digest))?;
        }
        Ok(())
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

    /// Whether the file of that content is there, whatever is known of it.
    pub fn has_file(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Whether the file of that content is there and as long as it should be.
    pub(super) fn has_file_of(&self, digest: &Digest, length: u64) -> bool {
        fs::metadata(self.path(digest)).is_ok_and(|file| file.is_file() && file.len() == length)
    }

    /// Whether content of that digest is there and not damaged.
    pub fn holds(&self, digest: &Digest) -> Result<bool, StoreError> {
        let found = self.database.read("look for a content in", |connection| sound(connection, digest))?;
        Ok(found.is_some() && self.has_file(digest))
    }

    /// Keeps contents from arriving and from being removed by others.
    pub(super) fn hold<'a>(&self, digests: impl Iterator<Item = &'a Digest>) -> Vec<MutexGuard<'_, ()>> {
        self.stripes.hold_all(digests)
    }

    /// Every directory that contents lie in, one after the other.
    pub(super) fn each_shelf(
        &self,
        visit: impl FnMut(Algorithm, &Path) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.shelves.each(visit)
    }

    /// Whether the database knows of that content, sound or not.
    pub(super) fn has_row(&self, digest: &Digest) -> Result<bool, StoreError> {
        self.database.read("look for a content in", |connection| {
            let mut find = connection.prepare_cached("SELECT 1 FROM blob WHERE digest = ?1")?;
            find.exists([digest.to_string()])
        })
    }
}

/// The id of a content that is there and not damaged, as far as the database knows.
pub(super) fn sound(connection: &Connection, digest: &Digest) -> rusqlite::Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT id FROM blob WHERE digest = ?1 AND damaged IS NULL")?;
    find.query_row([digest.to_string()], |row| row.get(0)).optional()
}
