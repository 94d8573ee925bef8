//! Upload sessions from one process to the next.
//!
//! A server that stops writes them down and leaves their files; the next one takes both up. Rows
//! are taken out as they are read: after a crash they would speak of files that have changed.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use portolan_oci::{Algorithm, Repository};
use rusqlite::{Row, params};

use super::database::{Database, Writing, bytes, from_bytes, now, unreadable};
use super::draft::Draft;
use super::durable;
use super::error::StoreError;
use super::uploads::{SESSION_EXPIRY, Session, Uploads};
use crate::names::{NameError, UploadId};

/// A session as a row has it.
#[derive(Debug, Clone)]
struct Parked {
    id: UploadId,
    repository: Repository,
    algorithm: Algorithm,
    written: u64,
    /// Seconds since 1970.
    touched: i64,
}

impl Uploads {
    /// Ends all sessions so that the next process can go on with them; says how many. Requests
    /// that still have one are waited for, at most for `patience`; what they have then is lost.
    pub fn park(&self, patience: Duration) -> Result<usize, StoreError> {
        let is_claimed =
            |sessions: &mut HashMap<_, Session>| sessions.values().any(|session| session.draft.is_none());
        let waited = self.table.returned.wait_timeout_while(self.lock(), patience, is_claimed);
        let (mut sessions, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut taken: Vec<_> = sessions.drain().filter_map(taken_down).collect();
        drop(sessions);
        // Of a row without all its bytes a client would be told in the end that its content is another.
        taken.retain_mut(|(draft, _)| is_settled(draft));
        durable::sync_dir(&self.scratch)?;
        let (drafts, parked): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        self.database.write("park the upload sessions in", move |writing| {
            parked.iter().try_for_each(|parked| parked.record(writing))
        })?;
        let count = drafts.len();
        drafts.into_iter().for_each(Draft::leave);
        Ok(count)
    }

    /// Goes on with the sessions that an earlier process parked; says how many. Those that are too
    /// old, or whose files are not what they were, are given up.
    pub fn take_up(&self) -> Result<usize, StoreError> {
        let parked = self.database.write("take up the upload sessions in", |writing| {
            let all = parked(writing)?;
            writing.execute("DELETE FROM session", [])?;
            Ok(all)
        })?;
        let mut count = 0;
        for parked in parked {
            let draft = Draft::take_up(
                &self.scratch,
                &parked.id,
                parked.algorithm,
                parked.written,
                self.room.clone(),
            )?;
            let touched = parked.last_touched();
            if let (Some(draft), Some(touched)) = (draft, touched) {
                let Parked { id, repository, written, .. } = parked;
                self.lock().insert(id, Session { repository, draft: Some(draft), written, touched });
                count += 1;
            }
        }
        Ok(count)
    }
}

impl Parked {
    fn record(&self, writing: &Writing<'_>) -> rusqlite::Result<()> {
        let mut insert = writing.prepare_cached(
            "INSERT INTO session (id, repository, algorithm, written, touched) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let (id, repository) = (self.id.as_str(), self.repository.as_str());
        let written = from_bytes(self.written);
        insert.execute(params![id, repository, self.algorithm.as_str(), written, self.touched]).map(drop)
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let id = row.get_ref(0)?.as_str()?.parse().map_err(|error: NameError| unreadable(0, error))?;
        let repository = row.get_ref(1)?.as_str()?.parse().map_err(|error| unreadable(1, error))?;
        // The schema knows these two alone.
        let algorithm = match row.get_ref(2)?.as_str()? {
            "sha512" => Algorithm::Sha512,
            _ => Algorithm::Sha256,
        };
        Ok(Self { id, repository, algorithm, written: bytes(row, 3)?, touched: row.get(4)? })
    }

    /// When it was touched, on the clock of this process; `None` where that is too long ago. A
    /// wall clock that went back counts as standing.
    fn last_touched(&self) -> Option<Instant> {
        let idle = Duration::from_secs(u64::try_from(now() - self.touched).unwrap_or_default());
        let touched = Instant::now().checked_sub(idle).unwrap_or_else(Instant::now);
        (idle < SESSION_EXPIRY).then_some(touched)
    }
}

/// The ids of parked sessions, whose files must stay.
pub(super) fn parked_ids(database: &Database) -> Result<Vec<UploadId>, StoreError> {
    let parked = database.read("list the upload sessions in", parked)?;
    Ok(parked.into_iter().map(|parked| parked.id).collect())
}

fn parked(connection: &rusqlite::Connection) -> rusqlite::Result<Vec<Parked>> {
    let mut list =
        connection.prepare_cached("SELECT id, repository, algorithm, written, touched FROM session")?;
    list.query_map([], Parked::from_row)?.collect()
}

/// Whether what a session has is on the disk now; where not, the session is given up.
fn is_settled(draft: &mut Draft) -> bool {
    let settled = draft.settle();
    if let Err(error) = &settled {
        tracing::warn!(%error, path = %draft.path().display(), "an upload session is given up");
    }
    settled.is_ok()
}

/// A session that no request has, as its draft and its row.
fn taken_down((id, session): (UploadId, Session)) -> Option<(Draft, Parked)> {
    let Session { repository, draft, written, touched } = session;
    let draft = draft?;
    let idle = i64::try_from(touched.elapsed().as_secs()).unwrap_or(i64::MAX);
    let touched = now().saturating_sub(idle);
    let algorithm = draft.algorithm();
    Some((draft, Parked { id, repository, algorithm, written, touched }))
}
