//! What a stretch is, by its first bytes: names of files and entries prove nothing.

use crate::source::{ReadError, Stretch};
use crate::tar_index::{self, BLOCK};

/// How many bytes show what a file is.
pub(crate) const HEAD: usize = BLOCK as usize;

/// What the first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A tar; also one without entries.
    Tar,
    /// A gzip stream.
    Gzip,
    /// A Zstandard frame.
    Zstd,
    /// Another compression, by name.
    Foreign(&'static str),
    /// None of these.
    Other,
}

/// The magic numbers, as the formats' specifications have them.
const MAGICS: [(&[u8], Kind); 4] = [
    (&[0x1f, 0x8b, 0x08], Kind::Gzip),
    (&[0x28, 0xb5, 0x2f, 0xfd], Kind::Zstd),
    (b"BZh", Kind::Foreign("bzip2")),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], Kind::Foreign("xz")),
];

/// Looks at the first 512 bytes; of what went by in a stream, says what they were.
pub(crate) fn kind(stretch: &Stretch) -> Result<Kind, ReadError> {
    if let Some(passed) = stretch.passed() {
        return Ok(passed.kind);
    }
    let mut block = [0; HEAD];
    let filled = stretch.peek(0, &mut block)?;
    Ok(kind_of(&block[..filled]))
}

/// What begins with these bytes, at most [`HEAD`] of them.
pub(crate) fn kind_of(head: &[u8]) -> Kind {
    let magic = MAGICS.iter().find(|(magic, _)| head.starts_with(magic));
    match (magic, head.first_chunk()) {
        (Some((_, kind)), _) => *kind,
        (None, Some(block)) if tar_index::begins_tar(block) => Kind::Tar,
        _ => Kind::Other,
    }
}
