//! What changes in a window, always under its lock: who wants what, and which pieces are held for whom.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::source::{Cursor, Piece, Source, WindowBlob};
use super::{BlobIndex, NodeIndex, PIECE, State, Step};

impl State {
    pub(super) fn add(&mut self, source: Source, size: u64) -> BlobIndex {
        self.blobs.push(WindowBlob {
            source,
            size,
            next: BTreeMap::new(),
            cursor: None,
            is_begun: false,
            pieces: BTreeMap::new(),
        });
        BlobIndex(self.blobs.len() - 1)
    }

    pub(super) fn blob(&mut self, blob: BlobIndex) -> &mut WindowBlob {
        &mut self.blobs[blob.0]
    }

    pub(super) fn begins(&mut self, node: NodeIndex, blob: BlobIndex) {
        let shared = self.blob(blob);
        // One that goes by begins for everybody at once, and for nobody again.
        if matches!(shared.source, Source::Opened(_)) {
            shared.next.insert(node, 0);
        }
    }

    pub(super) fn step(&mut self, node: NodeIndex, blob: BlobIndex, number: u64, capacity: usize) -> Step {
        let is_full = self.held + PIECE > capacity;
        let shared = self.blob(blob);
        if let Some(step) = shared.fed_step(node, number) {
            return step;
        }
        shared.next.insert(node, number);
        match shared.pieces.get(&number) {
            Some(Piece { bytes: Some(bytes), .. }) => {
                let bytes = bytes.clone();
                self.took(node, blob, number);
                return Step::Take(bytes);
            }
            Some(Piece { bytes: None, .. }) => return Step::Wait,
            None => {}
        }
        if !shared.is_next(number) {
            return Step::ReadAlone;
        }
        let owed: BTreeSet<NodeIndex> = shared.others_up_to(node, number);
        if is_full && !owed.is_empty() {
            return Step::MakeRoom;
        }
        let cursor = shared.cursor.take();
        shared.is_begun = true;
        shared.next.insert(node, number + 1);
        let is_owed = !owed.is_empty();
        shared.pieces.insert(number, Piece { bytes: None, room: PIECE, owed });
        self.held += PIECE;
        if is_owed {
            self.order.push_back((blob, number));
        }
        Step::Read(cursor)
    }

    /// Takes note of a piece that was read, or could not be.
    pub(super) fn came(
        &mut self,
        blob: BlobIndex,
        number: u64,
        read: io::Result<(Cursor, Bytes)>,
    ) -> io::Result<Bytes> {
        let (cursor, bytes) = match read {
            Ok(read) => read,
            Err(error) => {
                // Who else wants it tries, and fails, by itself.
                self.remove((blob, number));
                return Err(error);
            }
        };
        self.read += bytes.len() as u64;
        let shared = self.blob(blob);
        shared.cursor = Some(cursor);
        let is_owed = shared.pieces.get_mut(&number).is_some_and(|piece| {
            piece.bytes = Some(bytes.clone());
            !piece.owed.is_empty()
        });
        if !is_owed {
            self.remove((blob, number));
        }
        Ok(bytes)
    }

    fn took(&mut self, node: NodeIndex, blob: BlobIndex, number: u64) {
        let shared = self.blob(blob);
        shared.next.insert(node, number + 1);
        let Some(piece) = shared.pieces.get_mut(&number) else { return };
        piece.owed.remove(&node);
        if piece.owed.is_empty() {
            self.remove((blob, number));
        }
    }

    pub(super) fn forget(&mut self, node: NodeIndex, blob: BlobIndex) {
        let shared = self.blob(blob);
        shared.next.remove(&node);
        let mut gone = Vec::new();
        for (number, piece) in &mut shared.pieces {
            piece.owed.remove(&node);
            if piece.owed.is_empty() && piece.bytes.is_some() {
                gone.push(*number);
            }
        }
        if shared.next.is_empty() {
            // Nobody is left: the file is closed, and whoever comes again begins again.
            shared.cursor = None;
            shared.is_begun = shared.pieces.values().any(|piece| piece.bytes.is_none());
        }
        gone.into_iter().for_each(|number| self.remove((blob, number)));
    }

    pub(super) fn remove(&mut self, (blob, number): (BlobIndex, u64)) {
        if let Some(piece) = self.blob(blob).pieces.remove(&number) {
            self.held -= piece.room;
        }
    }

    /// Has a piece go whose debtors nobody waits for any more.
    pub(super) fn give_up(&mut self, (blob, number): (BlobIndex, u64)) {
        match self.blob(blob).source {
            Source::Opened(_) => self.remove((blob, number)),
            // There is no other way to it: they have missed the whole blob.
            Source::Fed(_) => {
                let missed = self.owed((blob, number));
                missed.into_iter().for_each(|node| self.forget(node, blob));
            }
        }
    }

    /// The oldest piece that can go: one that is there.
    pub(super) fn oldest(&mut self) -> Option<(BlobIndex, u64)> {
        while let Some((blob, number)) = self.order.front().copied() {
            if self.blob(blob).pieces.contains_key(&number) {
                break;
            }
            self.order.pop_front();
        }
        let is_there = |(blob, number): &&(BlobIndex, u64)| {
            self.blobs[blob.0].pieces.get(number).is_some_and(|piece| piece.bytes.is_some())
        };
        self.order.iter().find(is_there).copied()
    }

    /// The longest patience among those who owe a piece.
    pub(super) fn patience_for(&mut self, (blob, number): (BlobIndex, u64), now: Instant) -> Duration {
        let owed = self.owed((blob, number));
        owed.into_iter().map(|node| self.patience[node.0].left(now)).max().unwrap_or_default()
    }

    pub(super) fn charge(&mut self, piece: (BlobIndex, u64), since: Instant, now: Instant) {
        for node in self.owed(piece) {
            self.patience[node.0].wait(since, now);
        }
    }

    fn owed(&mut self, (blob, number): (BlobIndex, u64)) -> Vec<NodeIndex> {
        let piece = self.blob(blob).pieces.get(&number);
        piece.map(|piece| piece.owed.iter().copied().collect()).unwrap_or_default()
    }
}
