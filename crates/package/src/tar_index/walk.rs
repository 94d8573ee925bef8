//! The walk from header to header: what makes a [`super::TarIndex`], and what reads a tar that only passes.

use tar::Header;

use super::header::{self, BLOCK, Block, Kind};
use super::name;
use super::pax::Pax;
use super::{ENTRY_LIMIT, EXTENSION_LIMIT, Entry, Fault, NAMES_LIMIT, Place, TarError};
use crate::source::{ReadError, Stretch};

/// What long names and pax headers said about the entry that comes next.
#[derive(Default)]
struct Pending {
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    pax: Pax,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.long_name.is_none() && self.long_link.is_none() && self.pax.is_empty()
    }

    /// The raw name; pax wins over GNU, and both over the header's field.
    fn name(&mut self, header: &Header) -> Vec<u8> {
        let long = self.pax.path.take().or_else(|| self.long_name.take());
        long.unwrap_or_else(|| header.path_bytes().into_owned())
    }

    /// The raw target of a link, by the same order.
    fn link(&mut self, header: &Header) -> Vec<u8> {
        let long = self.pax.link.take().or_else(|| self.long_link.take());
        long.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned())
    }
}

/// Gives the walk the bytes that it reads of an archive: headers, long names and pax records.
pub(crate) trait HeaderBytes {
    /// Fills as much of `buffer` as the archive holds from `at` on and says how much that was. Each call has
    /// an offset behind what the one before it read.
    fn peek(&mut self, archive: &Stretch, at: u64, buffer: &mut [u8]) -> Result<usize, ReadError>;
}

/// Reads where the archive lies.
pub(super) struct InPlace;

impl HeaderBytes for InPlace {
    fn peek(&mut self, archive: &Stretch, at: u64, buffer: &mut [u8]) -> Result<usize, ReadError> {
        archive.peek(at, buffer)
    }
}

/// The state between two headers.
pub(crate) struct Walk {
    archive: Stretch,
    position: u64,
    pending: Pending,
    seen: usize,
    names_size: usize,
}

impl Walk {
    /// Before the first header of the tar that takes all of `archive`.
    pub(crate) fn new(archive: Stretch) -> Self {
        Self { archive, position: 0, pending: Pending::default(), seen: 0, names_size: 0 }
    }

    /// The tar that is walked through.
    pub(crate) fn archive(&self) -> &Stretch {
        &self.archive
    }

    /// The next entry and its name; nothing at the end mark.
    pub(crate) fn next(&mut self, bytes: &mut impl HeaderBytes) -> Result<Option<(String, Entry)>, TarError> {
        while let Some(block) = self.next_header(bytes)? {
            if let Some(entry) = self.entry(bytes, Header::from_byte_slice(&block))? {
                return Ok(Some(entry));
            }
        }
        match self.pending.is_empty() {
            true => Ok(None),
            false => Err(self.here(Fault::Dangling)),
        }
    }

    /// The next header, checked; nothing at the end mark.
    fn next_header(&mut self, bytes: &mut impl HeaderBytes) -> Result<Option<Block>, TarError> {
        let mut block = [0; BLOCK as usize];
        if bytes.peek(&self.archive, self.position, &mut block)? < block.len() {
            let fault = if self.position == 0 { Fault::NoTar } else { Fault::CutOff };
            return Err(self.here(fault));
        }
        if header::is_zero(&block) {
            return Ok(None);
        }
        if !header::checksum_fits(&block) {
            let fault = if self.position == 0 { Fault::NoTar } else { Fault::Checksum };
            return Err(self.here(fault));
        }
        self.count_header()?;
        Ok(Some(block))
    }

    /// Takes one header in and moves behind its data; gives the entry where it opens one.
    fn entry(
        &mut self,
        bytes: &mut impl HeaderBytes,
        header: &Header,
    ) -> Result<Option<(String, Entry)>, TarError> {
        let raw_name = || String::from_utf8_lossy(&header.path_bytes()).into_owned();
        let kind = header::kind(header).map_err(|fault| self.at(&raw_name(), fault))?;
        let size = header::data_size(header, kind).map_err(|fault| self.at(&raw_name(), fault))?;
        match kind {
            Kind::LongName => self.pending.long_name = Some(trim_nul(self.extension(bytes, size)?)),
            Kind::LongLink => self.pending.long_link = Some(trim_nul(self.extension(bytes, size)?)),
            Kind::Pax => self.pending.pax = self.pax(bytes, size)?,
            Kind::PaxGlobal => self.global(bytes, size)?,
            Kind::File | Kind::Folder | Kind::Symlink | Kind::Hardlink => {
                return self.member(header, kind, size).map(Some);
            }
        }
        Ok(None)
    }

    /// An entry that has a name of its own.
    fn member(&mut self, header: &Header, kind: Kind, size: u64) -> Result<(String, Entry), TarError> {
        let mut pending = std::mem::take(&mut self.pending);
        let raw = pending.name(header);
        let shown = String::from_utf8_lossy(&raw).into_owned();
        if pending.pax.sparse {
            return Err(self.at(&shown, Fault::Sparse));
        }
        let name = name::entry_name(&raw).map_err(|fault| self.at(&shown, fault))?;
        let link = pending.link(header);
        let entry = match kind {
            Kind::Symlink => name::symlink_target(&name, &link).map(Entry::Link),
            Kind::Hardlink => name::hardlink_target(&link).map(Entry::Link),
            Kind::Folder => Ok(Entry::Folder),
            _ => self.file(&name, pending.pax.size.unwrap_or(size)),
        };
        let entry = entry.map_err(|fault| self.at(&shown, fault))?;
        if matches!(entry, Entry::File(_)) && name.is_empty() {
            return Err(self.at(&shown, Fault::NoName));
        }
        self.advance(if let Entry::File(stretch) = &entry { stretch.size() } else { 0 });
        self.count_name(&name)?;
        Ok((name, entry))
    }

    /// The stretch behind the current header.
    fn file(&self, name: &str, size: u64) -> Result<Entry, Fault> {
        let stretch = self.archive.part(self.position + BLOCK, size, name);
        stretch.map(Entry::File).ok_or_else(|| self.beyond_end(size))
    }

    /// The data behind the current header, where it is small; moves behind it.
    fn extension(&mut self, bytes: &mut impl HeaderBytes, size: u64) -> Result<Vec<u8>, TarError> {
        if size > EXTENSION_LIMIT {
            return Err(self.here(Fault::ExtensionTooLarge { size, limit: EXTENSION_LIMIT }));
        }
        if self.archive.size() - self.position - BLOCK < size {
            return Err(self.here(self.beyond_end(size)));
        }
        // Bounded by the limit above.
        let mut data = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        if bytes.peek(&self.archive, self.position + BLOCK, &mut data)? < data.len() {
            return Err(self.here(Fault::CutOff));
        }
        self.advance(size);
        Ok(data)
    }

    fn pax(&mut self, bytes: &mut impl HeaderBytes, size: u64) -> Result<Pax, TarError> {
        let data = self.extension(bytes, size)?;
        Pax::parse(&data).map_err(|fault| self.here(fault))
    }

    /// Global headers carry comments (git writes one); what would change every name or size is refused.
    fn global(&mut self, bytes: &mut impl HeaderBytes, size: u64) -> Result<(), TarError> {
        match self.pax(bytes, size)?.is_empty() {
            true => Ok(()),
            false => Err(self.here(Fault::PaxGlobal)),
        }
    }

    /// Moves behind the current header and `size` bytes of data, which were found to be there.
    fn advance(&mut self, size: u64) {
        self.position += BLOCK + size.next_multiple_of(BLOCK);
    }

    /// Holds the time that an archive can take below a limit.
    fn count_header(&mut self) -> Result<(), TarError> {
        self.seen += 1;
        match self.seen > ENTRY_LIMIT {
            true => Err(self.here(Fault::TooMany)),
            false => Ok(()),
        }
    }

    /// Holds the memory that an index can take below a limit.
    fn count_name(&mut self, name: &str) -> Result<(), TarError> {
        self.names_size += name.len();
        match self.names_size > NAMES_LIMIT {
            true => Err(self.here(Fault::TooMany)),
            false => Ok(()),
        }
    }

    fn beyond_end(&self, size: u64) -> Fault {
        Fault::BeyondEnd { size, left: self.archive.size() - self.position - BLOCK }
    }

    fn here(&self, fault: Fault) -> TarError {
        self.faulty(Place::Header(self.position), fault)
    }

    fn at(&self, name: &str, fault: Fault) -> TarError {
        self.faulty(Place::Entry(name.to_owned()), fault)
    }

    fn faulty(&self, place: Place, fault: Fault) -> TarError {
        TarError::Faulty { archive: self.archive.to_string(), place, fault }
    }
}

/// GNU writes the names with a NUL behind them.
fn trim_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}
