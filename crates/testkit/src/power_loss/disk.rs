//! What is on a disk: directories and files.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::history::SHARED_MEMORY;

/// The content of a directory, in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    pub(super) root: BTreeMap<String, Node>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Directory { mode: u32, entries: BTreeMap<String, Node> },
    File { mode: u32, content: Vec<u8> },
}

impl Disk {
    /// Writes it into an empty directory.
    ///
    /// # Panics
    /// Where that fails.
    pub fn write_to(&self, folder: &Path) {
        write_entries(&self.root, folder);
    }

    /// What is in a directory, but for sockets, and for what the trace leaves out.
    ///
    /// # Panics
    /// Where it cannot be read.
    pub fn read_from(folder: &Path) -> Self {
        Self { root: read_entries(folder) }
    }

    /// The content of a file.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        match self.node(path)? {
            Node::File { content, .. } => Some(content),
            Node::Directory { .. } => None,
        }
    }

    /// Whether there is a file or directory of that name.
    pub fn has(&self, path: &str) -> bool {
        self.node(path).is_some()
    }

    /// Where two disks differ: each path that one lacks, or that has another content. Modes, which can be
    /// changed by calls that no trace has, are left out.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (own, others) = (self.listed(), other.listed());
        let paths: std::collections::BTreeSet<_> = own.keys().chain(others.keys()).collect();
        paths.into_iter().filter(|path| own.get(*path) != others.get(*path)).cloned().collect()
    }

    fn node(&self, path: &str) -> Option<&Node> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut entries = &self.root;
        for part in above.split('/').filter(|part| !part.is_empty()) {
            let Node::Directory { entries: inner, .. } = entries.get(part)? else { return None };
            entries = inner;
        }
        entries.get(name)
    }

    /// Every path with a file's content, or none for a directory.
    fn listed(&self) -> BTreeMap<String, Option<&[u8]>> {
        let mut found = BTreeMap::new();
        list(&self.root, "", &mut found);
        found
    }
}

fn list<'a>(
    entries: &'a BTreeMap<String, Node>,
    above: &str,
    found: &mut BTreeMap<String, Option<&'a [u8]>>,
) {
    for (name, node) in entries {
        let path = format!("{above}{name}");
        match node {
            Node::File { content, .. } => drop(found.insert(path, Some(content))),
            Node::Directory { entries, .. } => {
                list(entries, &format!("{path}/"), found);
                found.insert(path, None);
            }
        }
    }
}

fn write_entries(entries: &BTreeMap<String, Node>, folder: &Path) {
    for (name, node) in entries {
        let path = folder.join(name);
        let (written, mode) = match node {
            Node::File { mode, content } => (fs::write(&path, content), *mode),
            Node::Directory { mode, .. } => (fs::create_dir(&path), *mode),
        };
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("what was just made can be changed");
        if let Node::Directory { entries, .. } = node {
            write_entries(entries, &path);
        }
    }
}

fn read_entries(folder: &Path) -> BTreeMap<String, Node> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let entries = listing.map(|entry| entry.expect("an entry can be read"));
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().expect("names of tests are UTF-8");
            let data = entry.metadata().expect("an entry can be asked about");
            let mode = data.permissions().mode() & 0o7777;
            let node = if data.is_dir() {
                Node::Directory { mode, entries: read_entries(&entry.path()) }
            } else if data.is_file() && !name.ends_with(SHARED_MEMORY) {
                Node::File { mode, content: fs::read(entry.path()).expect("a file can be read") }
            } else {
                return None;
            };
            Some((name, node))
        })
        .collect()
}
