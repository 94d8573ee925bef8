//! One tar header: checksum, kind, size. The fields themselves are taken apart by the `tar` crate.

use tar::{EntryType, Header};

use super::Fault;

/// The size of a header and the unit that entries are padded to, in bytes.
pub(crate) const BLOCK: u64 = 512;

/// A header as it lies in the archive.
pub(super) type Block = [u8; BLOCK as usize];

/// What an entry is, as far as an index of files cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file with data.
    File,
    /// A folder; holds no data whatever its size field says.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A hard link.
    Hardlink,
    /// GNU: the data is the name of the next entry.
    LongName,
    /// GNU: the data is the link target of the next entry.
    LongLink,
    /// Pax: the data describes the next entry.
    Pax,
    /// Pax: the data describes all that follow.
    PaxGlobal,
}

/// Whether the block is one of those that end an archive.
pub(super) fn is_zero(block: &Block) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// Whether the sum over the header, its checksum field counted as spaces, is what that field says.
///
/// Old writers summed signed bytes; both are taken, as GNU tar does.
pub(super) fn checksum_fits(block: &Block) -> bool {
    let Ok(stated) = Header::from_byte_slice(block).cksum() else { return false };
    let counted = || block[..148].iter().chain(&block[156..]);
    let unsigned: u32 = counted().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    let signed: i64 = counted().map(|byte| i64::from(byte.cast_signed())).sum::<i64>() + 8 * 32;
    stated == unsigned || i64::from(stated) == signed
}

/// What kind of entry the header opens; kinds that no package needs are refused by name.
pub(super) fn kind(header: &Header) -> Result<Kind, Fault> {
    let folder_by_slash = || header.path_bytes().ends_with(b"/");
    match header.entry_type() {
        // Before POSIX a folder was a file whose name ends in a slash.
        EntryType::Regular if folder_by_slash() => Ok(Kind::Folder),
        EntryType::Regular | EntryType::Continuous => Ok(Kind::File),
        EntryType::Directory => Ok(Kind::Folder),
        EntryType::Symlink => Ok(Kind::Symlink),
        EntryType::Link => Ok(Kind::Hardlink),
        EntryType::GNULongName => Ok(Kind::LongName),
        EntryType::GNULongLink => Ok(Kind::LongLink),
        EntryType::XHeader => Ok(Kind::Pax),
        EntryType::XGlobalHeader => Ok(Kind::PaxGlobal),
        EntryType::GNUSparse => Err(Fault::Sparse),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Err(Fault::Device),
        other => Err(Fault::UnknownKind { flag: char::from(other.as_byte()) }),
    }
}

/// How many bytes of data follow the header, octal or base-256.
pub(super) fn data_size(header: &Header, kind: Kind) -> Result<u64, Fault> {
    match kind {
        // Some writers give a link the size of what it names, though no data follows.
        Kind::Folder | Kind::Symlink | Kind::Hardlink => Ok(0),
        _ => header.entry_size().map_err(|_| Fault::SizeField),
    }
}
