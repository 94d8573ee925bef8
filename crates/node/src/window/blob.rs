//! A blob in a window, as one node reads it.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use portolan_registry::{BlobSource, SharedPieces};

use super::{BlobIndex, NodeIndex, Private, Window};
use crate::feed::Joined;

/// A blob that one node may read.
pub(crate) struct SharedBlob {
    window: Arc<Window>,
    node: NodeIndex,
    blob: BlobIndex,
    size: u64,
}

impl SharedBlob {
    /// This node's view of a blob of so many bytes.
    pub(crate) fn new(window: &Arc<Window>, node: NodeIndex, blob: BlobIndex, size: u64) -> Self {
        Self { window: Arc::clone(window), node, blob, size }
    }

    fn pieces(&self) -> Pieces {
        self.window.begins(self.node, self.blob);
        Pieces {
            window: Arc::clone(&self.window),
            node: self.node,
            blob: self.blob,
            left: self.size,
            next: 0,
            private: None,
        }
    }
}

impl BlobSource for SharedBlob {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Joined::new(Box::new(self.pieces()))))
    }

    fn open_pieces(&self) -> io::Result<Option<SharedPieces>> {
        Ok(Some(Box::new(self.pieces())))
    }

    fn describe(&self) -> String {
        self.window.describe(self.blob)
    }
}

/// A blob that one node reads.
struct Pieces {
    window: Arc<Window>,
    node: NodeIndex,
    blob: BlobIndex,
    /// Bytes that were not handed out.
    left: u64,
    next: u64,
    private: Option<Private>,
}

impl Iterator for Pieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.left == 0 {
            return None;
        }
        let piece = self.window.piece(self.node, self.blob, self.next, &mut self.private);
        self.next += 1;
        self.left = match &piece {
            Ok(bytes) if !bytes.is_empty() => self.left.saturating_sub(bytes.len() as u64),
            _ => 0,
        };
        piece.as_ref().map_or(true, |bytes| !bytes.is_empty()).then_some(piece)
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.window.ends(self.node, self.blob);
    }
}

/// A node's claim on a blob that goes by. Dropped, it wants no more of it.
pub(crate) struct Claim {
    window: Arc<Window>,
    node: NodeIndex,
    blob: BlobIndex,
}

impl Claim {
    pub(crate) fn new(window: &Arc<Window>, node: NodeIndex, blob: BlobIndex) -> Self {
        Self { window: Arc::clone(window), node, blob }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.window.ends(self.node, self.blob);
    }
}
