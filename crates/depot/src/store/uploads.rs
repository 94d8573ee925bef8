//! Upload sessions: drafts that live from one request to the next.
//!
//! A request claims its session, which keeps any other request out of it, and gives it back when
//! it ends, however it ends. Sessions live in memory; a server that stops in good order parks them
//! for the next one (`parking`). Those of a process that was killed are gone, and a client then
//! starts anew.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portolan_oci::{Algorithm, Repository};

use super::database::Database;
use super::draft::Draft;
use super::durable;
use super::error::StoreError;
use super::room::Room;
use crate::names::UploadId;

/// Most sessions at once; each costs a hash state and a name, and no descriptor while it waits.
const MOST_SESSIONS: usize = 4096;

/// A session that nobody touched for so long is given up.
pub const SESSION_EXPIRY: Duration = Duration::from_hours(24);

/// All sessions of a depot.
#[derive(Debug, Clone)]
pub struct Uploads {
    pub(super) scratch: PathBuf,
    pub(super) database: Database,
    pub(super) table: Arc<Table>,
    pub(super) room: Room,
}

/// The sessions, and who waits for claims to come back.
#[derive(Debug, Default)]
pub(super) struct Table {
    sessions: Mutex<HashMap<UploadId, Session>>,
    pub(super) returned: Condvar,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) repository: Repository,
    /// `None` while a request has claimed it.
    pub(super) draft: Option<Draft>,
    /// Bytes when it was last given back.
    pub(super) written: u64,
    pub(super) touched: Instant,
}

/// Why a session cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// No such session in that repository, or no more.
    #[error("upload session {id} is unknown: start a new one")]
    Unknown {
        /// The id as given.
        id: UploadId,
    },
    /// Another request is writing to it.
    #[error("upload session {id} is in use by another request")]
    Busy {
        /// The id as given.
        id: UploadId,
    },
    /// Too many sessions are open.
    #[error("{MOST_SESSIONS} upload sessions are open: finish or cancel some")]
    TooMany,
}

impl Uploads {
    pub(super) fn new(scratch: &Path, database: Database, room: Room) -> Self {
        Self { scratch: scratch.to_owned(), database, table: Arc::default(), room }
    }

    /// Starts a session of that repository.
    pub fn start(&self, repository: &Repository, algorithm: Algorithm) -> Result<UploadId, ClaimError> {
        let mut sessions = self.lock();
        if sessions.len() >= MOST_SESSIONS {
            return Err(ClaimError::TooMany);
        }
        let id = UploadId::random();
        let draft = Some(Draft::named(&self.scratch, &id, algorithm, self.room.clone()));
        let session = Session { repository: repository.clone(), draft, written: 0, touched: Instant::now() };
        sessions.insert(id.clone(), session);
        Ok(id)
    }

    /// Gives up the sessions that nobody touched for that long, with their files; says how many.
    pub fn sweep(&self, idle: Duration) -> usize {
        let mut sessions = self.lock();
        let old =
            sessions.extract_if(|_, session| session.draft.is_some() && session.touched.elapsed() >= idle);
        let old: Vec<_> = old.collect();
        drop(sessions);
        // Their files go here, while nobody waits for the table.
        old.len()
    }

    /// How many sessions there are.
    pub fn open(&self) -> usize {
        self.lock().len()
    }

    /// Bytes that a session has; while a request writes to it, those before that request.
    pub fn written(&self, repository: &Repository, id: &UploadId) -> Result<u64, ClaimError> {
        let sessions = self.lock();
        let session = sessions.get(id).filter(|session| session.repository == *repository);
        session.map(|session| session.written).ok_or_else(|| ClaimError::Unknown { id: id.clone() })
    }

    /// Takes a session for one request.
    pub fn claim(&self, repository: &Repository, id: &UploadId) -> Result<Claim, ClaimError> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(id).filter(|session| session.repository == *repository);
        let session = session.ok_or_else(|| ClaimError::Unknown { id: id.clone() })?;
        let draft = session.draft.take().ok_or_else(|| ClaimError::Busy { id: id.clone() })?;
        Ok(Claim { uploads: self.clone(), id: id.clone(), draft: Some(draft) })
    }

    /// A content that somebody laid here; `None` where there is none of that name.
    pub(super) fn laid(&self, id: &UploadId, algorithm: Algorithm) -> Result<Option<Draft>, StoreError> {
        match durable::length(&self.scratch.join(id.as_str()))? {
            Some(length) => Draft::take_up(&self.scratch, id, algorithm, length, self.room.clone()),
            None => Ok(None),
        }
    }

    fn give_back(&self, id: &UploadId, mut draft: Draft) {
        draft.rest();
        let mut sessions = self.lock();
        if draft.is_broken() {
            sessions.remove(id);
        } else if let Some(session) = sessions.get_mut(id) {
            session.written = draft.written();
            session.touched = Instant::now();
            session.draft = Some(draft);
        }
        self.table.returned.notify_all();
    }

    /// The table is whole whenever the lock is free, also after a panic elsewhere.
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<UploadId, Session>> {
        self.table.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session while one request has it. Dropping it gives it back; a session whose file could not
/// be written is ended instead.
#[derive(Debug)]
pub struct Claim {
    uploads: Uploads,
    id: UploadId,
    draft: Option<Draft>,
}

impl Claim {
    /// The session's id.
    pub fn id(&self) -> &UploadId {
        &self.id
    }

    /// The content so far.
    pub fn draft(&mut self) -> &mut Draft {
        self.draft.as_mut().expect("because only `end` takes the draft, and takes the claim with it")
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.draft.as_ref().map_or(0, Draft::written)
    }

    /// Ends the session and hands its content over; dropping that removes it.
    pub fn end(mut self) -> Draft {
        self.uploads.lock().remove(&self.id);
        self.uploads.table.returned.notify_all();
        self.draft.take().expect("because only `end` takes the draft, and takes the claim with it")
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(draft) = self.draft.take() {
            self.uploads.give_back(&self.id, draft);
        }
    }
}
