//! Every content's file: read by a few threads, in the order in which they arrived.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use portolan_oci::Digest;
use rusqlite::{Row, params};

use super::reading::{Found, Pace, look};
use super::uses::Uses;
use super::{Amount, BATCH, Check, CheckStep, Checking, Damage, Step};
use crate::store::database::{bytes, digest};
use crate::store::error::StoreError;

/// Threads that read: one waits for the disk while another hashes.
const READERS: usize = 2;

/// How often it is told how far the reading is.
const BEAT: Duration = Duration::from_millis(250);

/// A content as its row has it.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) id: i64,
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) is_marked: bool,
}

/// What was found of one of a batch; `None` where the reading was stopped.
type Outcome = (usize, Result<Option<Found>, StoreError>);

impl Checking<'_> {
    pub(super) fn contents(&mut self, check: Check) -> Step {
        let held = self.store.contents()?;
        if self.tell(CheckStep::Contents(Amount { contents: held.count, bytes: held.bytes })).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let pace = Pace::new(check.rate);
        let mut last = 0;
        loop {
            let batch = self.after(last)?;
            let Some(end) = batch.last() else { return Ok(ControlFlow::Continue(())) };
            last = end.id;
            if self.batch(&batch, &pace)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// Reads those contents, several at once.
    fn batch(&mut self, batch: &[Content], pace: &Pace) -> Step {
        let next = AtomicUsize::new(0);
        let (sender, outcomes) = sync_channel(READERS);
        thread::scope(|scope| {
            for _ in 0..READERS {
                let (sender, next, store) = (sender.clone(), &next, self.store);
                scope.spawn(move || {
                    read_on(batch, next, &sender, |content| {
                        look(&store.blobs.path(&content.digest), content.digest.algorithm(), pace)
                    });
                });
            }
            drop(sender);
            let ended = self.take(batch, &outcomes, pace);
            // Whoever still reads need not go on where this ended early.
            if !matches!(ended, Ok(ControlFlow::Continue(()))) {
                pace.stop();
            }
            drop(outcomes);
            ended
        })
    }

    /// Draws the conclusions as the readers come to them.
    fn take(&mut self, batch: &[Content], outcomes: &Receiver<Outcome>, pace: &Pace) -> Step {
        loop {
            match outcomes.recv_timeout(BEAT) {
                Ok((index, found)) => {
                    let Some(found) = found? else { return Ok(ControlFlow::Break(())) };
                    self.done.read.contents += 1;
                    if self.conclude(&batch[index], &found)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(ControlFlow::Continue(())),
            }
            self.done.read.bytes = pace.read();
            if self.tell(CheckStep::Read(self.done.read)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    fn conclude(&mut self, content: &Content, found: &Found) -> Step {
        match found {
            Found::Content { actual, length } if *actual == content.digest => {
                if (content.is_marked || content.size != *length) && self.clear(content, *length)? {
                    self.done.sound_again += 1;
                    return Ok(self.tell(CheckStep::Sound(content.digest.clone())));
                }
                Ok(ControlFlow::Continue(()))
            }
            _ => self.confirm(content),
        }
    }

    /// Looks once more, now that nobody can replace or remove the file: what was read may have been
    /// the file before that.
    fn confirm(&mut self, content: &Content) -> Step {
        let Content { digest, size, is_marked, .. } = content;
        let blobs = &self.store.blobs;
        let held = blobs.hold(std::iter::once(digest));
        let found = look(&blobs.path(digest), digest.algorithm(), &Pace::new(None))?;
        let Some(harm) = found.and_then(|found| found.harm(digest)) else {
            return Ok(ControlFlow::Continue(()));
        };
        let is_there = self.mark(digest)?;
        drop(held);
        if !is_there {
            return Ok(ControlFlow::Continue(()));
        }
        self.done.damaged += 1;
        let uses = Uses::of(&self.store.metadata.database, digest)?;
        let damage = Damage { digest: digest.clone(), size: *size, harm, known: *is_marked, uses };
        Ok(self.tell(CheckStep::Damaged(damage)))
    }

    fn after(&self, last: i64) -> Result<Vec<Content>, StoreError> {
        self.store.metadata.database.read("list the contents of", |connection| {
            let mut list = connection.prepare_cached(
                "SELECT id, digest, size, damaged IS NOT NULL FROM blob WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let content = |row: &Row<'_>| {
                Ok(Content {
                    id: row.get(0)?,
                    digest: digest(row, 1)?,
                    size: bytes(row, 2)?,
                    is_marked: row.get(3)?,
                })
            };
            list.query_map(params![last, BATCH], content)?.collect()
        })
    }
}

/// Takes one content after the other until none is left, or nobody wants to know.
fn read_on(
    batch: &[Content],
    next: &AtomicUsize,
    sender: &SyncSender<Outcome>,
    read: impl Fn(&Content) -> Result<Option<Found>, StoreError>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(content) = batch.get(index) else { return };
        if sender.send((index, read(content))).is_err() {
            return;
        }
    }
}
