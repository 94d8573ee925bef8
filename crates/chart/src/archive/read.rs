//! Reading a gzip-compressed tar of a chart. Names and types are checked before contents are read, and
//! no size written in a header is believed before the bytes came.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use super::{ArchiveError, CHART_LIMIT, FILE_LIMIT, path::split_folder};

/// The longest extended header (long names, pax records), in bytes.
pub(super) const HEADER_LIMIT: u64 = 64 * 1024;

/// How many bytes may still be unpacked. Shared by a chart and the archives nested in it, so that
/// nesting doesn't multiply the limit.
#[derive(Debug)]
pub(crate) struct Budget(u64);

impl Budget {
    /// The budget of one chart.
    pub(crate) fn of_chart() -> Self {
        Self(CHART_LIMIT)
    }

    /// Takes `size` bytes away.
    ///
    /// # Errors
    /// [`ArchiveError::TooLarge`] where so much isn't left.
    pub(crate) fn spend(&mut self, size: u64) -> Result<(), ArchiveError> {
        self.0 = self.0.checked_sub(size).ok_or(ArchiveError::TooLarge)?;
        Ok(())
    }
}

/// All files of the archive, without the name of its top folder. Of equal names the last stands, as
/// `tar` has it.
///
/// # Errors
/// [`ArchiveError`], see there.
pub(crate) fn read(reader: impl Read, budget: &mut Budget) -> Result<BTreeMap<String, Bytes>, ArchiveError> {
    let limited = Limited { inner: MultiGzDecoder::new(reader), left: budget.0 };
    let mut archive = Archive::new(limited);
    let mut files = BTreeMap::new();
    let mut folder = None;
    let mut long_name = None;
    let mut count = 0;
    let failed = |entries, source| read_error(entries, source);
    for entry in archive.entries().map_err(|source| failed(0, source))?.raw(true) {
        let mut entry = entry.map_err(|source| failed(count, source))?;
        count += 1;
        let own_name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::GNULongName => long_name = Some(gnu_name(&mut entry, &own_name)?),
            EntryType::XHeader => long_name = pax_name(&mut entry, &own_name)?.or(long_name),
            EntryType::XGlobalHeader => {}
            EntryType::Directory => long_name = None,
            EntryType::Regular | EntryType::Continuous => {
                let name = long_name.take().unwrap_or(own_name);
                let (top, path) =
                    split_folder(&name).map_err(|fault| ArchiveError::Path { entry: name.clone(), fault })?;
                check_folder(&mut folder, top)?;
                let data = contents(&mut entry, name, count)?;
                budget.spend(data.len() as u64)?;
                files.insert(path, data);
            }
            other => {
                let entry = long_name.unwrap_or(own_name);
                return Err(ArchiveError::Kind { entry, kind: kind_name(other) });
            }
        }
    }
    // The checksum of the gzip stream stands behind the last entry.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|source| failed(count, source))?;
    Ok(files)
}

/// Helm takes any top folder for the chart's, and two charts in one archive for one.
fn check_folder(known: &mut Option<String>, found: String) -> Result<(), ArchiveError> {
    match known {
        Some(first) if *first != found => Err(ArchiveError::Folders { first: first.clone(), second: found }),
        _ => {
            *known = Some(found);
            Ok(())
        }
    }
}

fn contents<R: Read>(entry: &mut Entry<'_, R>, name: String, count: usize) -> Result<Bytes, ArchiveError> {
    let size = entry.header().size().map_err(|source| read_error(count, source))?;
    if size > FILE_LIMIT {
        return Err(ArchiveError::FileTooLarge { entry: name });
    }
    let mut data = Vec::new();
    entry.read_to_end(&mut data).map_err(|source| read_error(count, source))?;
    if data.len() as u64 != size {
        return Err(read_error(count, io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(data.into())
}

/// A file name longer than a header takes, GNU's way: an entry of its own before the file.
fn gnu_name<R: Read>(entry: &mut Entry<'_, R>, name: &str) -> Result<String, ArchiveError> {
    let data = extended(entry, name)?;
    let text = data.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8(text.to_vec()).map_err(|_| damaged(name))
}

/// A file name in a pax header, where it has one. A sparse file or a size of its own is refused: no
/// file of a chart needs them.
fn pax_name<R: Read>(entry: &mut Entry<'_, R>, name: &str) -> Result<Option<String>, ArchiveError> {
    let data = extended(entry, name)?;
    let mut path = None;
    for record in tar::PaxExtensions::new(&data) {
        let record = record.map_err(|_| damaged(name))?;
        match record.key_bytes() {
            b"path" => path = Some(record.value().map_err(|_| damaged(name))?.to_owned()),
            b"size" => return Err(damaged(name)),
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(ArchiveError::Kind { entry: name.to_owned(), kind: "sparse file" });
            }
            _ => {}
        }
    }
    Ok(path)
}

fn extended<R: Read>(entry: &mut Entry<'_, R>, name: &str) -> Result<Vec<u8>, ArchiveError> {
    let mut data = Vec::new();
    entry.take(HEADER_LIMIT + 1).read_to_end(&mut data).map_err(|_| damaged(name))?;
    if data.len() as u64 > HEADER_LIMIT {
        return Err(damaged(name));
    }
    Ok(data)
}

fn damaged(name: &str) -> ArchiveError {
    ArchiveError::Header { entry: name.to_owned() }
}

fn kind_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => "hard link",
        EntryType::Symlink => "symbolic link",
        EntryType::Char | EntryType::Block => "device",
        EntryType::Fifo => "pipe",
        EntryType::GNUSparse => "sparse file",
        _ => "special entry",
    }
}

/// The tar crate wraps errors of the reader below in texts of its own, so the text has to tell.
fn read_error(entries: usize, source: io::Error) -> ArchiveError {
    match source.to_string().contains(OVER_LIMIT) {
        true => ArchiveError::TooLarge,
        false => ArchiveError::Read { entries, source },
    }
}

const OVER_LIMIT: &str = "more than a chart may hold";

/// Ends with an error once more came out than is allowed, tar headers and padding included.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| io::Error::other(OVER_LIMIT))?;
        Ok(read)
    }
}
