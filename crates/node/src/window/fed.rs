//! Blobs that go by: their pieces are put into the window by whoever reads the package.

use std::fmt;
use std::io;

use bytes::Bytes;

use super::source::{Piece, Source, WindowBlob};
use super::{BlobIndex, NodeIndex, PIECE, State, Step, Window};

/// A blob that goes by.
pub(super) struct Fed {
    /// File and entry, for errors.
    pub(super) entry: String,
    /// How many pieces went by.
    count: u64,
    /// Why no more come, where that is an error.
    broken: Option<(io::ErrorKind, String)>,
}

/// The error of whoever comes for a piece that went by, and can't be had again.
#[derive(Debug)]
pub(crate) struct Missed;

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("went by while this node was behind")
    }
}

impl std::error::Error for Missed {}

/// Whether somebody was too late for a piece.
pub(crate) fn has_missed(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Missed>)
}

impl Window {
    /// Adds a blob that goes by now, for these nodes.
    pub(crate) fn pass(&self, entry: String, size: u64, nodes: &[NodeIndex]) -> BlobIndex {
        let mut state = self.lock();
        let blob = state.add(Source::Fed(Fed { entry, count: 0, broken: None }), size);
        state.blob(blob).next.extend(nodes.iter().map(|node| (*node, 0)));
        blob
    }

    /// Puts the next piece of a blob in, once there is room; gives whether anybody wants it. Blocking.
    pub(crate) fn put(&self, blob: BlobIndex, bytes: &Bytes) -> bool {
        let mut state = self.lock();
        loop {
            if state.blob(blob).next.is_empty() {
                return false;
            }
            if state.held + PIECE <= self.capacity {
                state.put(blob, bytes.clone());
                drop(state);
                self.changed.notify_all();
                return true;
            }
            state = self.make_room(state);
        }
    }

    /// Says that no more of a blob can be had.
    pub(crate) fn break_off(&self, blob: BlobIndex, error: &io::Error) {
        if let Source::Fed(fed) = &mut self.lock().blob(blob).source {
            fed.broken = Some((error.kind(), error.to_string()));
        }
        self.changed.notify_all();
    }
}

impl State {
    fn put(&mut self, blob: BlobIndex, bytes: Bytes) {
        self.held += bytes.len();
        self.read += bytes.len() as u64;
        let number = self.blob(blob).put(bytes);
        self.order.push_back((blob, number));
    }
}

impl WindowBlob {
    fn put(&mut self, bytes: Bytes) -> u64 {
        let Source::Fed(fed) = &mut self.source else { return 0 };
        let number = fed.count;
        fed.count += 1;
        let owed = self.next.keys().copied().collect();
        self.pieces.insert(number, Piece { room: bytes.len(), bytes: Some(bytes), owed });
        number
    }

    /// What a node has to do that wants a piece of a blob that goes by and is not there; nothing for others.
    pub(super) fn fed_step(&mut self, node: NodeIndex, number: u64) -> Option<Step> {
        let Source::Fed(fed) = &self.source else { return None };
        if self.pieces.get(&number).is_some_and(|piece| piece.owed.contains(&node)) {
            return None;
        }
        Some(match (&fed.broken, self.next.contains_key(&node) && number >= fed.count) {
            (_, false) => Step::Lost(io::Error::other(Missed)),
            (Some((kind, text)), true) => Step::Lost(io::Error::new(*kind, text.clone())),
            (None, true) => Step::Wait,
        })
    }
}
