//! A blob of a window: where its pieces come from, and which of them are held for whom.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use portolan_registry::BlobSource;

use super::NodeIndex;
use super::fed::{Fed, Missed};
use crate::feed::{PIECE, full_piece};

pub(super) struct WindowBlob {
    pub(super) source: Source,
    pub(super) size: u64,
    /// The next piece of every node that wants it.
    pub(super) next: BTreeMap<NodeIndex, u64>,
    /// The reader that reads for all; nothing while somebody reads, or after an error.
    pub(super) cursor: Option<Cursor>,
    pub(super) is_begun: bool,
    pub(super) pieces: BTreeMap<u64, Piece>,
}

/// Where a blob's pieces come from.
pub(super) enum Source {
    /// Whoever comes first reads them.
    Opened(Arc<dyn BlobSource>),
    /// They are put in as they go by.
    Fed(Fed),
}

pub(super) struct Cursor {
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) next: u64,
}

pub(super) struct Piece {
    /// Nothing while it is being read.
    pub(super) bytes: Option<Bytes>,
    /// How much of the window it takes.
    pub(super) room: usize,
    pub(super) owed: BTreeSet<NodeIndex>,
}

impl Source {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Opened(source) => source.describe(),
            Self::Fed(fed) => fed.entry.clone(),
        }
    }

    pub(super) fn opened(&self) -> io::Result<Arc<dyn BlobSource>> {
        match self {
            Self::Opened(source) => Ok(Arc::clone(source)),
            Self::Fed(_) => Err(io::Error::other(Missed)),
        }
    }
}

impl WindowBlob {
    /// Whether the reader for all comes to that piece next.
    pub(super) fn is_next(&self, number: u64) -> bool {
        match &self.cursor {
            Some(cursor) => cursor.next == number,
            None => !self.is_begun && number == 0,
        }
    }

    /// The other nodes that have not come further than that piece. None for the last bytes' successor.
    pub(super) fn others_up_to(&self, node: NodeIndex, number: u64) -> BTreeSet<NodeIndex> {
        let is_past_the_end = number * PIECE as u64 >= self.size;
        let others = self.next.iter().filter(|(other, next)| **other != node && **next <= number);
        others.filter(|_| !is_past_the_end).map(|(other, _)| *other).collect()
    }
}

impl Cursor {
    /// A full piece; less only at the end.
    pub(super) fn read(&mut self) -> io::Result<Bytes> {
        let bytes = full_piece(&mut self.reader)?;
        self.next += 1;
        Ok(bytes)
    }
}
