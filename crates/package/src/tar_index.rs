//! The index of a tar: where each file lies, found by reading headers only.
//!
//! One read of 512 bytes for each entry, whatever its size; a file's data is never touched. A tar inside a
//! tar is indexed the same way, over the stretch it takes of the outer one. GNU, pax and ustar headers are
//! understood; the `tar` crate takes the fields of a header apart, while the walk is ours for three
//! reasons: its iterator takes an archive that was cut off for a complete one when seeking, reads long
//! names and pax records without a limit, and loses pax records behind a value with a line end in it.

mod header;
mod name;
mod pax;
mod walk;

use std::collections::BTreeMap;

use crate::source::{ReadError, Stretch};

use walk::InPlace;

pub(crate) use header::BLOCK;
pub(crate) use walk::{HeaderBytes, Walk};

/// How many entries one archive may have.
pub const ENTRY_LIMIT: usize = 200_000;

/// How many bytes the names of one archive may take in all.
pub const NAMES_LIMIT: usize = 32 << 20;

/// How large a long name or a pax header may be, in bytes.
pub const EXTENSION_LIMIT: u64 = 1 << 20;

/// Why an archive could not be indexed.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The file below could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The archive is not what a tar may be.
    #[error("{archive}: {place}: {fault}")]
    Faulty {
        /// File and entries, outermost first.
        archive: String,
        /// The entry, or the offset of the header.
        place: Place,
        /// What is wrong there.
        fault: Fault,
    },
}

/// Where in an archive something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the header with this offset in the archive.
    Header(u64),
    /// At the entry of this name.
    Entry(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(offset) => write!(f, "header at offset {offset}"),
            Self::Entry(name) => write!(f, "entry `{}`", name.escape_debug()),
        }
    }
}

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The first block is no tar header.
    #[error("this is no tar archive")]
    NoTar,
    /// A later block is no tar header.
    #[error("the checksum is wrong: the archive is corrupt; copy it again and compare its checksum file")]
    Checksum,
    /// The size field is neither octal nor base-256.
    #[error("the size is no number")]
    SizeField,
    /// The data would end behind the archive.
    #[error(
        "has {size} bytes by its header, but only {left} are left in the archive: it was cut off or is \
         corrupt; copy it again"
    )]
    BeyondEnd {
        /// The size by the header.
        size: u64,
        /// What is left.
        left: u64,
    },
    /// The archive ends where a header or the end mark should stand.
    #[error("the archive ends here without its end mark: it was cut off; copy it again")]
    CutOff,
    /// Long names or pax headers describe an entry that never comes.
    #[error("a long name or pax header is followed by no entry")]
    Dangling,
    /// A long name or pax header is too large.
    #[error("the long name or pax header has {size} bytes, more than the {limit} that are read")]
    ExtensionTooLarge {
        /// The size by the header.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A pax record is malformed.
    #[error("the pax header has a malformed record")]
    PaxRecord,
    /// A global pax header sets what only one entry can have.
    #[error("a global pax header sets names or sizes, which are refused")]
    PaxGlobal,
    /// A sparse file.
    #[error("is a sparse file, which packages may not hold: write the archive without `--sparse`")]
    Sparse,
    /// A device or pipe.
    #[error("is a device or a pipe, which packages may not hold")]
    Device,
    /// A kind that nobody knows.
    #[error("is of unknown kind {flag:?}")]
    UnknownKind {
        /// The type flag.
        flag: char,
    },
    /// An absolute name.
    #[error("has an absolute name, which is refused")]
    AbsoluteName,
    /// A name with `..`.
    #[error("has a name with `..`, which is refused")]
    NameGoesUp,
    /// A name that is no UTF-8.
    #[error("has a name that is no UTF-8 text, which is refused")]
    NameNotText,
    /// A file without a name.
    #[error("has no name")]
    NoName,
    /// A name that is too long.
    #[error("has a name of {length} bytes, more than {limit}")]
    NameTooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// A link that leaves the archive.
    #[error("links to `{target}`, outside the archive, which is refused")]
    LinkLeaves {
        /// Where it points.
        target: String,
    },
    /// Too many entries, or too long names in all.
    #[error(
        "the archive has more entries than {ENTRY_LIMIT}, or their names take more than {NAMES_LIMIT} bytes"
    )]
    TooMany,
}

/// What lies under a name in an archive.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A file and where its bytes are.
    File(Stretch),
    /// A link to the entry of that name, symbolic or hard.
    Link(String),
    /// A folder.
    Folder,
}

/// The entries of one tar by name, in the order of names. Of entries with the same name the last counts, as
/// when unpacking.
#[derive(Debug)]
pub struct TarIndex {
    archive: Stretch,
    entries: BTreeMap<String, Entry>,
}

impl TarIndex {
    /// Reads the headers of the tar that takes all of `archive`.
    pub fn read(archive: &Stretch) -> Result<Self, TarError> {
        let mut walk = Walk::new(archive.clone());
        let mut entries = BTreeMap::new();
        while let Some((name, entry)) = walk.next(&mut InPlace)? {
            entries.insert(name, entry);
        }
        Ok(Self { archive: archive.clone(), entries })
    }

    /// The stretch that the archive takes.
    pub fn archive(&self) -> &Stretch {
        &self.archive
    }

    /// All entries, by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The file of that name; links are followed inside the archive.
    pub fn file(&self, name: &str) -> Option<&Stretch> {
        // Chains of links are short in every writer; the bound ends circles.
        let mut name = name;
        for _ in 0..16 {
            match self.entries.get(name)? {
                Entry::File(stretch) => return Some(stretch),
                Entry::Link(target) => name = target,
                Entry::Folder => return None,
            }
        }
        None
    }
}

/// Whether a tar may begin with this block: with a header, or with the end mark of one without entries.
pub(crate) fn begins_tar(block: &[u8; BLOCK as usize]) -> bool {
    header::is_zero(block) || header::checksum_fits(block)
}

#[cfg(test)]
mod tests;
