//! The walk from header to header that makes a [`super::TarIndex`].

use std::collections::BTreeMap;

use tar::Header;

use super::header::{self, BLOCK, Block, Kind};
use super::name;
use super::pax::Pax;
use super::{ENTRY_LIMIT, EXTENSION_LIMIT, Entry, Fault, NAMES_LIMIT, Place, TarError};
use crate::source::Stretch;

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

/// The state between two headers.
pub(super) struct Walk<'a> {
    archive: &'a Stretch,
    position: u64,
    pending: Pending,
    entries: BTreeMap<String, Entry>,
    seen: usize,
    names_size: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(archive: &'a Stretch) -> Self {
        Self {
            archive,
            position: 0,
            pending: Pending::default(),
            entries: BTreeMap::new(),
            seen: 0,
            names_size: 0,
        }
    }

    /// Walks to the end mark.
    pub(super) fn run(mut self) -> Result<BTreeMap<String, Entry>, TarError> {
        while let Some(block) = self.next_header()? {
            self.entry(Header::from_byte_slice(&block))?;
        }
        match self.pending.is_empty() {
            true => Ok(self.entries),
            false => Err(self.here(Fault::Dangling)),
        }
    }

    /// The next header, checked; nothing at the end mark.
    fn next_header(&mut self) -> Result<Option<Block>, TarError> {
        let mut block = [0; BLOCK as usize];
        if self.archive.peek(self.position, &mut block)? < block.len() {
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

    /// Takes one header in and moves behind its data.
    fn entry(&mut self, header: &Header) -> Result<(), TarError> {
        let raw_name = || String::from_utf8_lossy(&header.path_bytes()).into_owned();
        let kind = header::kind(header).map_err(|fault| self.at(&raw_name(), fault))?;
        let size = header::data_size(header, kind).map_err(|fault| self.at(&raw_name(), fault))?;
        match kind {
            Kind::LongName => self.pending.long_name = Some(trim_nul(self.extension(size)?)),
            Kind::LongLink => self.pending.long_link = Some(trim_nul(self.extension(size)?)),
            Kind::Pax => self.pending.pax = self.pax(size)?,
            Kind::PaxGlobal => self.global(size)?,
            Kind::File | Kind::Folder | Kind::Symlink | Kind::Hardlink => self.member(header, kind, size)?,
        }
        Ok(())
    }

    /// An entry that stays in the index.
    fn member(&mut self, header: &Header, kind: Kind, size: u64) -> Result<(), TarError> {
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
        self.keep(name, entry)
    }

    /// The stretch behind the current header.
    fn file(&self, name: &str, size: u64) -> Result<Entry, Fault> {
        let stretch = self.archive.part(self.position + BLOCK, size, name);
        stretch.map(Entry::File).ok_or_else(|| self.beyond_end(size))
    }

    /// The data behind the current header, where it is small; moves behind it.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        if size > EXTENSION_LIMIT {
            return Err(self.here(Fault::ExtensionTooLarge { size, limit: EXTENSION_LIMIT }));
        }
        let part = self.archive.part(self.position + BLOCK, size, "long name or pax header");
        let bytes = part.ok_or_else(|| self.here(self.beyond_end(size)))?.read_small(EXTENSION_LIMIT)?;
        self.advance(size);
        Ok(bytes.into())
    }

    fn pax(&mut self, size: u64) -> Result<Pax, TarError> {
        let bytes = self.extension(size)?;
        Pax::parse(&bytes).map_err(|fault| self.here(fault))
    }

    /// Global headers carry comments (git writes one); what would change every name or size is refused.
    fn global(&mut self, size: u64) -> Result<(), TarError> {
        match self.pax(size)?.is_empty() {
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
    fn keep(&mut self, name: String, entry: Entry) -> Result<(), TarError> {
        self.names_size += name.len();
        if self.names_size > NAMES_LIMIT {
            return Err(self.here(Fault::TooMany));
        }
        self.entries.insert(name, entry);
        Ok(())
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
