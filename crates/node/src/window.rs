//! Pieces of layers that some nodes have taken and others have not yet: read once, held until the last one
//! took them, within a bound.
//!
//! Whoever comes to a piece first reads it for all that want it. Where the window is full, the reader waits
//! for those who owe its oldest piece, for as long as their patience lasts; then that piece goes, and who
//! comes for it later reads the package by itself. So a node that is slow, or gone, holds up nobody for
//! long, and what is held never grows.
//!
//! A blob that goes by can't be read by whoever wants it: its pieces are put into the window as they come,
//! and a node for which a piece went by has missed the blob.
//!
//! Blocking: it is called from threads that read. What changes under the lock is in `state`.

mod blob;
mod fed;
mod patience;
mod source;
mod state;

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use portolan_registry::BlobSource;

pub(crate) use self::blob::{Claim, SharedBlob};
use crate::feed::PIECE;
pub(crate) use fed::has_missed;
use patience::Patience;
pub(crate) use patience::Tolerance;
use source::{Cursor, Source, WindowBlob};

/// How many bytes wait for nodes that have not taken them yet.
pub(crate) const CAPACITY: usize = 16 << 20;

/// Less patience than this is none: what comes back in the moment that it takes to look.
const TRIFLE: Duration = Duration::from_millis(10);

/// How long a wait lasts at most before it is looked again.
const GLANCE: Duration = Duration::from_millis(100);

/// A node, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeIndex(pub(crate) usize);

/// A blob, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlobIndex(usize);

/// A reader of a node's own, and the piece that it reads next.
pub(crate) struct Private(Cursor);

/// The window.
pub(crate) struct Window {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

struct State {
    blobs: Vec<WindowBlob>,
    /// Pieces that are held or being read, oldest first; some of them may be gone.
    order: VecDeque<(BlobIndex, u64)>,
    /// Bytes of those pieces.
    held: usize,
    patience: Vec<Patience>,
    /// Bytes that were read from the package.
    read: u64,
}

/// What a node that asks for a piece has to do.
enum Step {
    Take(Bytes),
    /// Somebody reads it.
    Wait,
    /// There is no room for it.
    MakeRoom,
    /// To read it for all.
    Read(Option<Cursor>),
    /// It went by, and can be read again.
    ReadAlone,
    /// It can't be had.
    Lost(io::Error),
}

impl Window {
    /// A window for so many nodes, which holds so many bytes.
    pub(crate) fn new(nodes: usize, capacity: usize, tolerance: Tolerance) -> Self {
        let patience = vec![Patience::new(tolerance, Instant::now()); nodes];
        let state = State { blobs: Vec::new(), order: VecDeque::new(), held: 0, patience, read: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity }
    }

    /// Adds a blob that can be read at any time.
    pub(crate) fn add(&self, source: &Arc<dyn BlobSource>, size: u64) -> BlobIndex {
        self.lock().add(Source::Opened(Arc::clone(source)), size)
    }

    /// Says that a node is going to read a blob.
    pub(crate) fn wants(&self, node: NodeIndex, blob: BlobIndex) {
        self.lock().blob(blob).next.entry(node).or_insert(0);
    }

    /// Says that a node reads a blob from its start.
    pub(crate) fn begins(&self, node: NodeIndex, blob: BlobIndex) {
        self.lock().begins(node, blob);
    }

    /// Says that a node wants nothing more of a blob.
    pub(crate) fn ends(&self, node: NodeIndex, blob: BlobIndex) {
        self.lock().forget(node, blob);
        self.changed.notify_all();
    }

    /// Says that a node wants nothing more.
    pub(crate) fn leave(&self, node: NodeIndex) {
        let mut state = self.lock();
        for blob in 0..state.blobs.len() {
            state.forget(node, BlobIndex(blob));
        }
        drop(state);
        self.changed.notify_all();
    }

    /// What a blob is called in errors.
    pub(crate) fn describe(&self, blob: BlobIndex) -> String {
        self.lock().blob(blob).source.describe()
    }

    /// A piece of a blob, for a node that took those before it.
    pub(crate) fn piece(
        &self,
        node: NodeIndex,
        blob: BlobIndex,
        number: u64,
        private: &mut Option<Private>,
    ) -> io::Result<Bytes> {
        let mut state = self.lock();
        loop {
            match state.step(node, blob, number, self.capacity) {
                Step::Take(bytes) => {
                    drop(state);
                    self.changed.notify_all();
                    return Ok(bytes);
                }
                Step::Wait => state = self.wait(state, GLANCE),
                Step::MakeRoom => state = self.make_room(state),
                Step::Read(cursor) => {
                    drop(state);
                    return self.read(blob, number, cursor);
                }
                Step::ReadAlone => {
                    drop(state);
                    return self.read_alone(blob, number, private);
                }
                Step::Lost(error) => return Err(error),
            }
        }
    }

    /// Bytes that were read from the package so far.
    #[cfg(test)]
    fn bytes_read(&self) -> u64 {
        self.lock().read
    }

    /// Reads the next piece for all.
    fn read(&self, blob: BlobIndex, number: u64, cursor: Option<Cursor>) -> io::Result<Bytes> {
        let read = cursor.map_or_else(|| self.open(blob), Ok).and_then(|mut cursor| {
            let bytes = cursor.read()?;
            Ok((cursor, bytes))
        });
        let mut state = self.lock();
        let done = state.came(blob, number, read);
        drop(state);
        self.changed.notify_all();
        done
    }

    /// Reads a piece that went by.
    fn read_alone(&self, blob: BlobIndex, number: u64, private: &mut Option<Private>) -> io::Result<Bytes> {
        let mut cursor = match private.take() {
            Some(Private(cursor)) => cursor,
            None => self.open(blob)?,
        };
        let before = number - cursor.next;
        let skipped = io::copy(&mut (&mut cursor.reader).take(before * PIECE as u64), &mut io::sink())?;
        cursor.next = number;
        let bytes = cursor.read()?;
        *private = Some(Private(cursor));
        self.lock().read += skipped + bytes.len() as u64;
        Ok(bytes)
    }

    fn open(&self, blob: BlobIndex) -> io::Result<Cursor> {
        let source = self.lock().blob(blob).source.opened()?;
        Ok(Cursor { reader: source.open()?, next: 0 })
    }

    /// Waits for those who owe the oldest piece; once their patience is at its end, it goes.
    fn make_room<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let Some(oldest) = state.oldest() else { return self.wait(state, GLANCE) };
        let since = Instant::now();
        let left = state.patience_for(oldest, since);
        if left < TRIFLE {
            state.give_up(oldest);
            return state;
        }
        let mut state = self.wait(state, left.min(GLANCE));
        let now = Instant::now();
        state.charge(oldest, since, now);
        state
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const _: () = assert!(CAPACITY >= 4 * PIECE, "the window must hold what is being read");

#[cfg(test)]
mod tests;
