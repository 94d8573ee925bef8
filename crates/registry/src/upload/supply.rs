//! Where the pieces of an upload come from: read into buffers of the pool, or cut out of what is in memory anyway.

use std::{
    io::{self, Read},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    BlobSource, SharedPieces,
    pieces::{Allowance, PIECE_SIZE},
};

/// A source, opened.
pub(super) enum Supply {
    /// Read into pieces that the allowance gives.
    Read { source: Box<dyn Read + Send>, allowance: Arc<Allowance> },
    /// In pieces already, which are cut where they are too large. `rest` is what is left of the last one.
    Shared { pieces: SharedPieces, rest: Bytes },
}

impl Supply {
    pub(super) fn open(source: &dyn BlobSource, allowance: &Arc<Allowance>) -> io::Result<Self> {
        Ok(match source.open_pieces()? {
            Some(pieces) => Self::Shared { pieces, rest: Bytes::new() },
            None => Self::Read { source: source.open()?, allowance: Arc::clone(allowance) },
        })
    }

    /// The next piece, of `most` bytes at the most; an empty one at the end. `None` where nobody wants any.
    pub(super) fn next(&mut self, most: u64) -> io::Result<Option<Bytes>> {
        match self {
            Self::Read { source, allowance } => {
                let Some(mut piece) = allowance.take() else { return Ok(None) };
                piece.fill(source.as_mut(), most)?;
                Ok(Some(piece.into_bytes()))
            }
            Self::Shared { pieces, rest } => {
                refill(rest, pieces)?;
                let most = usize::try_from(most).unwrap_or(PIECE_SIZE);
                Ok(Some(rest.split_to(most.min(PIECE_SIZE).min(rest.len()))))
            }
        }
    }

    /// Whether it goes on where it should end: 1 or 0 bytes.
    pub(super) fn extra(&mut self) -> io::Result<u64> {
        match self {
            Self::Read { source, .. } => extra(source.as_mut()),
            Self::Shared { pieces, rest } => {
                refill(rest, pieces)?;
                Ok(rest.len().min(1) as u64)
            }
        }
    }
}

/// Takes the next piece where nothing is left of the last one.
fn refill(rest: &mut Bytes, pieces: &mut SharedPieces) -> io::Result<()> {
    if rest.is_empty() {
        *rest = pieces.next().transpose()?.unwrap_or_default();
    }
    Ok(())
}

fn extra(source: &mut dyn Read) -> io::Result<u64> {
    let mut probe = [0; 1];
    loop {
        match source.read(&mut probe) {
            Ok(count) => return Ok(count as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::InMemory;

    #[test]
    fn what_is_in_memory_is_cut_and_not_copied() {
        let bytes = Bytes::from(vec![7; PIECE_SIZE + 10]);
        let source = InMemory::new(vec![bytes.clone(), Bytes::from_static(b"end")], "memory");
        let mut supply = Supply::open(&source, &Allowance::new(Arc::default())).unwrap();
        let first = supply.next(u64::MAX).unwrap().unwrap();
        assert_eq!((first.len(), first.as_ptr()), (PIECE_SIZE, bytes.as_ptr()));
        assert_eq!(supply.next(4).unwrap().unwrap().len(), 4);
        assert_eq!(supply.next(u64::MAX).unwrap().unwrap().len(), 6);
        assert_eq!(supply.extra().unwrap(), 1);
        assert_eq!(supply.next(u64::MAX).unwrap().unwrap(), "end");
        assert_eq!((supply.next(u64::MAX).unwrap().unwrap().len(), supply.extra().unwrap()), (0, 0));
    }
}
