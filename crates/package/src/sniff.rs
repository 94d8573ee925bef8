//! What a stretch is, by its first bytes: names of files and entries prove nothing.

use crate::source::{ReadError, Stretch};
use crate::tar_index::{self, BLOCK};

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

/// Looks at the first 512 bytes.
pub(crate) fn kind(stretch: &Stretch) -> Result<Kind, ReadError> {
    let mut block = [0; BLOCK as usize];
    let filled = stretch.peek(0, &mut block)?;
    let magic = MAGICS.iter().find(|(magic, _)| block[..filled].starts_with(magic));
    Ok(match magic {
        Some((_, kind)) => *kind,
        None if filled == block.len() && tar_index::begins_tar(&block) => Kind::Tar,
        None => Kind::Other,
    })
}
