//! A blob on its way out of the package: cut into chunks, hashed as it comes, and held against what its name says
//! before the last chunk is handed on.

use std::io::{self, Read};

use bytes::Bytes;
use portolan_oci::{Digest, Hasher, SizedDigest};
use portolan_registry::RegistryError;

use super::{
    room::{CHUNK, SEGMENT, Segment},
    source::algorithm,
};

/// A part of a blob.
pub(super) enum Piece {
    /// A chunk, in segments, that others follow.
    Onward(Vec<Bytes>),
    /// The last one, and what the blob is that it completes.
    Last(Vec<Bytes>, SizedDigest),
    /// The rest can't be read, or the blob is another than its name says.
    Broken(RegistryError),
}

/// A blob that is read.
pub(super) struct Pour<'a> {
    input: &'a mut dyn Read,
    /// How many bytes are still to come, where that is known.
    left: Option<u64>,
    expected: Option<Digest>,
    entry: String,
    hasher: Hasher,
    size: u64,
}

impl<'a> Pour<'a> {
    /// `size` and `digest` are what it has to be, where that is known; `entry` is where it comes from, for errors.
    pub(super) fn new(
        input: &'a mut dyn Read,
        size: Option<u64>,
        digest: Option<Digest>,
        entry: String,
    ) -> Self {
        let hasher = Hasher::new(algorithm(digest.as_ref()));
        Self { input, left: size, expected: digest, entry, hasher, size: 0 }
    }

    /// The next chunk, in segments that `segment` gives.
    ///
    /// # Errors
    /// That of `segment`.
    pub(super) fn chunk<E>(&mut self, segment: impl Fn() -> Result<Segment, E>) -> Result<Piece, E> {
        let (mut chunk, mut size) = (Vec::new(), 0);
        while size < CHUNK {
            match self.take(segment()?) {
                Ok((bytes, whole)) => {
                    size += bytes.len();
                    chunk.push(bytes);
                    if let Some(blob) = whole {
                        return Ok(Piece::Last(chunk, blob));
                    }
                }
                Err(error) => return Ok(Piece::Broken(error)),
            }
        }
        Ok(Piece::Onward(chunk))
    }

    /// The bytes of the next segment; with those of the last one, what the blob is.
    fn take(&mut self, mut segment: Segment) -> Result<(Bytes, Option<SizedDigest>), RegistryError> {
        let filled = self.fill(&mut segment);
        let is_last =
            filled.map_err(|source| RegistryError::Source { subject: self.entry.clone(), source })?;
        let bytes = segment.into_bytes();
        self.hasher.update(&bytes);
        self.size += bytes.len() as u64;
        let whole = if is_last { Some(self.whole()?) } else { None };
        Ok((bytes, whole))
    }

    /// Fills a segment, and says whether it is the last one: then the blob was read to its end, where it is held
    /// against what its name says.
    fn fill(&mut self, segment: &mut Segment) -> io::Result<bool> {
        let most = self.left.unwrap_or(u64::MAX).min(SEGMENT as u64);
        let filled = segment.fill(self.input, most)? as u64;
        let ended = filled < most;
        let is_last = match &mut self.left {
            Some(_) if ended => return Err(io::ErrorKind::UnexpectedEof.into()),
            Some(left) => {
                *left -= filled;
                *left == 0
            }
            None => ended,
        };
        if is_last && self.input.read(&mut [0; 1])? > 0 {
            return Err(io::Error::other("the blob goes on where it should end"));
        }
        Ok(is_last)
    }

    fn whole(&self) -> Result<SizedDigest, RegistryError> {
        let actual = self.hasher.clone().finish();
        match &self.expected {
            Some(expected) if *expected != actual => Err(RegistryError::DigestMismatch {
                subject: self.entry.clone(),
                expected: expected.clone(),
                actual,
            }),
            _ => Ok(SizedDigest { digest: actual, size: self.size }),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::import::room::Room;

    /// The sizes of the chunks, and how it ended.
    fn pour(
        bytes: &[u8],
        size: Option<u64>,
        digest: Option<Digest>,
    ) -> (Vec<usize>, Result<SizedDigest, String>) {
        let (room, mut input) = (Room::new(), bytes);
        let mut pour = Pour::new(&mut input, size, digest, "box.tar: layer".to_owned());
        let mut sizes = Vec::new();
        let measure = |chunk: &[Bytes]| chunk.iter().map(Bytes::len).sum();
        loop {
            let segment = || room.segment().now_or_never().ok_or("chunks were dropped");
            match pour.chunk(segment).unwrap() {
                Piece::Onward(chunk) => sizes.push(measure(&chunk)),
                Piece::Last(chunk, blob) => {
                    sizes.push(measure(&chunk));
                    return (sizes, Ok(blob));
                }
                Piece::Broken(error) => return (sizes, Err(crate::failure::one_line(&error))),
            }
        }
    }

    #[test]
    fn chunks_are_whole_but_for_the_last() {
        #[track_caller]
        fn check(size: usize, expected: &[usize]) {
            let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
            let (digest, size) = (Digest::sha256(&bytes), size as u64);
            let blob = SizedDigest { digest: digest.clone(), size };
            assert_eq!(pour(&bytes, Some(size), Some(digest)), (expected.to_vec(), Ok(blob)));
        }
        check(0, &[0]);
        check(1, &[1]);
        check(SEGMENT, &[SEGMENT]);
        check(SEGMENT + 1, &[SEGMENT + 1]);
        check(CHUNK, &[CHUNK]);
        check(2 * CHUNK + 1, &[CHUNK, CHUNK, 1]);
    }

    #[test]
    fn a_blob_of_unknown_size_is_read_to_its_end() {
        for (size, expected) in
            [(0, vec![0]), (3, vec![3]), (SEGMENT, vec![SEGMENT]), (CHUNK, vec![CHUNK, 0])]
        {
            let bytes = vec![7; size];
            let blob = SizedDigest { digest: Digest::sha256(&bytes), size: size as u64 };
            assert_eq!(pour(&bytes, None, None), (expected, Ok(blob)));
        }
    }

    #[test]
    fn another_blob_than_expected_has_no_last_chunk() {
        let (bytes, digest) = (vec![7; CHUNK + 10], Digest::sha256(b"another"));
        let size = Some(bytes.len() as u64);
        let (sizes, ended) = pour(&bytes, size, Some(digest));
        assert_eq!(sizes, [CHUNK]);
        assert!(ended.unwrap_err().contains("box.tar: layer has the digest sha256:"));
        let (_, ended) = pour(&bytes, Some(10), None);
        assert!(ended.unwrap_err().contains("goes on where it should end"));
        let (_, ended) = pour(&bytes, Some(CHUNK as u64 + 11), None);
        assert!(ended.unwrap_err().contains("box.tar: layer"));
    }
}
