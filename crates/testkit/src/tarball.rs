//! Tars in memory: plain ones, and ones that no honest program writes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

/// A tar that is being written, in the order of the calls, with fixed times and owners.
pub struct Tarball(tar::Builder<Vec<u8>>);

impl Default for Tarball {
    fn default() -> Self {
        Self::new()
    }
}

impl Tarball {
    /// An empty tar.
    pub fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    /// Adds a file, mode 0644. Names beyond 100 bytes get GNU's long-name entry.
    #[must_use]
    pub fn file(self, path: &str, data: &[u8]) -> Self {
        self.entry(path, EntryType::Regular, 0o644, data)
    }

    /// Adds a program, mode 0755.
    #[must_use]
    pub fn program(self, path: &str, data: &[u8]) -> Self {
        self.entry(path, EntryType::Regular, 0o755, data)
    }

    /// Adds a folder.
    #[must_use]
    pub fn folder(self, path: &str) -> Self {
        self.entry(path, EntryType::Directory, 0o755, &[])
    }

    /// Adds a symbolic link, wherever it leads.
    #[must_use]
    pub fn symlink(mut self, path: &str, target: &str) -> Self {
        let mut header = entry_header(EntryType::Symlink, 0o777, 0);
        self.0.append_link(&mut header, path, target).expect("memory takes a link");
        self
    }

    /// Adds a file whose name is written as it is, be it absolute or with `..` (at most 100 bytes).
    #[must_use]
    pub fn raw_name(self, path: &[u8], data: &[u8]) -> Self {
        self.raw(path, data, data.len() as u64)
    }

    /// Adds a file whose header claims another size than the data that follow.
    #[must_use]
    pub fn claims(self, path: &str, claimed: u64, data: &[u8]) -> Self {
        self.raw(path.as_bytes(), data, claimed)
    }

    fn raw(mut self, path: &[u8], data: &[u8], claimed: u64) -> Self {
        let mut header = header(claimed);
        header.as_mut_bytes()[..path.len()].copy_from_slice(path);
        header.set_cksum();
        self.0.append(&header, data).expect("memory takes an entry");
        self
    }

    fn entry(mut self, path: &str, kind: EntryType, mode: u32, data: &[u8]) -> Self {
        let mut header = entry_header(kind, mode, data.len() as u64);
        self.0.append_data(&mut header, path, data).expect("memory takes an entry");
        self
    }

    /// The finished tar.
    pub fn finish(self) -> Vec<u8> {
        self.0.into_inner().expect("memory takes the end of a tar")
    }
}

/// The header of a file of `size` bytes: mode 0644, no owner, no time.
pub fn header(size: u64) -> Header {
    entry_header(EntryType::Regular, 0o644, size)
}

fn entry_header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header
}

/// The bytes as a gzip stream, without name or time; packed quickly.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    gzip_at(Compression::fast(), data)
}

/// The same at the level that builders of images use. Bytes that can't be made smaller are stored as they are
/// there, while the quick way gives them codes that are longer than they.
pub fn gzip_as_built(data: &[u8]) -> Vec<u8> {
    gzip_at(Compression::default(), data)
}

fn gzip_at(level: Compression, data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(data).expect("memory takes bytes");
    encoder.finish().expect("memory takes bytes")
}
