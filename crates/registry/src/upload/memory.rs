//! Bytes that are in memory, as the source of an upload.

use std::{
    io::{self, Read},
    sync::Arc,
};

use bytes::{Buf, Bytes};

use super::{BlobSource, SharedPieces};

/// A blob, or a part of one, in memory. Clones share its bytes.
#[derive(Clone, Debug)]
pub struct InMemory {
    pieces: Vec<Bytes>,
    entry: Arc<str>,
}

impl InMemory {
    /// These pieces, one behind the other. `entry` is where they come from, for errors.
    pub fn new(pieces: Vec<Bytes>, entry: impl Into<Arc<str>>) -> Self {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        Self { pieces, entry: entry.into() }
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }

    /// What comes after the first `count` bytes.
    pub(super) fn after(&self, mut count: u64) -> Self {
        let mut rest = self.pieces.clone();
        for piece in &mut rest {
            let here = usize::try_from(count).unwrap_or(usize::MAX).min(piece.len());
            *piece = piece.slice(here..);
            count -= here as u64;
        }
        Self::new(rest, Arc::clone(&self.entry))
    }
}

impl BlobSource for InMemory {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        let empty: Box<dyn Read + Send> = Box::new(io::empty());
        Ok(self.pieces.iter().rev().fold(empty, |rest, piece| Box::new(piece.clone().reader().chain(rest))))
    }

    fn open_pieces(&self) -> io::Result<Option<SharedPieces>> {
        Ok(Some(Box::new(self.pieces.clone().into_iter().map(Ok))))
    }

    fn describe(&self) -> String {
        self.entry.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&'static str]) -> InMemory {
        InMemory::new(pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect(), "memory")
    }

    fn text(source: &InMemory) -> String {
        io::read_to_string(source.open().unwrap()).unwrap()
    }

    #[test]
    fn pieces_are_one_behind_the_other_and_none_is_empty() {
        let source = of(&["ab", "", "cde"]);
        assert_eq!(source.size(), 5);
        assert_eq!(text(&source), "abcde");
        let pieces: Vec<Bytes> = source.open_pieces().unwrap().unwrap().map(Result::unwrap).collect();
        assert_eq!(pieces, ["ab", "cde"]);
        assert_eq!((of(&[]).size(), text(&of(&[""]))), (0, String::new()));
    }

    #[test]
    fn it_goes_on_anywhere() {
        for at in 0..=6 {
            let rest = of(&["ab", "cde"]).after(at);
            assert_eq!(text(&rest), "abcde"[(at as usize).min(5)..]);
        }
    }
}
