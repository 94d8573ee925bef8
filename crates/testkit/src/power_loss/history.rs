//! A trace, taken apart: what happened to each file's content and to each directory's names, and how
//! much of it syncs have made sure.

use std::collections::HashMap;
use std::ops::Range;

use super::trace::{Step, Target};

/// Suffix of the file that SQLite shares memory by. It is written through a mapping, and made anew.
pub(super) const SHARED_MEMORY: &str = "-shm";

/// The number of a file or directory in the order in which they were made; 0 is the watched directory.
pub(super) type Object = usize;

/// A name in a directory.
pub(super) type Place = (Object, String);

/// Everything up to a place of the trace.
#[derive(Debug, Default)]
pub(super) struct History {
    /// By number.
    pub(super) objects: Vec<Past>,
    /// In order.
    pub(super) namings: Vec<Naming>,
    names: HashMap<Place, Object>,
    inodes: HashMap<u64, Object>,
    syncs: HashMap<u64, Vec<Sure>>,
}

/// What happened to a file or directory.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    /// So many of a file's changes, or, for a directory, of all namings, are sure to be on the disk.
    pub(super) sure: usize,
}

/// A file with its changes in order, or a directory.
#[derive(Debug)]
pub(super) enum Kind {
    File(Vec<Change>),
    Directory,
}

/// A change of a file's content.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Bytes of the trace were written at an offset.
    Write { offset: u64, data: Range<usize> },
    /// The length was set.
    Length(u64),
    /// It has so many bytes at least.
    AtLeast(u64),
}

/// A change of names: a rename does both.
#[derive(Debug)]
pub(super) struct Naming {
    pub(super) adds: Option<(Place, Object)>,
    pub(super) removes: Option<Place>,
}

/// What a sync that began makes sure when it ends.
#[derive(Clone, Copy, Debug)]
struct Sure {
    object: Object,
    changes: usize,
}

impl History {
    pub(super) fn add(&mut self, step: &Step) {
        match step {
            Step::Started { root } => self.start(*root),
            Step::Created { path, inode, mode } => {
                self.make(path.as_deref(), *inode, *mode, Kind::File(Vec::new()));
            }
            Step::DirectoryMade { path, inode, mode } => {
                self.make(Some(path), *inode, *mode, Kind::Directory);
            }
            Step::Written { inode, offset, data } => {
                self.change(*inode, Change::Write { offset: *offset, data: data.clone() });
            }
            Step::Truncated { inode, length } => self.change(*inode, Change::Length(*length)),
            Step::Extended { inode, length } => self.change(*inode, Change::AtLeast(*length)),
            Step::Renamed { from, to } => self.rename(from, to),
            Step::Linked { path, inode } => {
                let object = self.inodes[inode];
                let place = self.place(path);
                self.name(Some((place, object)), None);
            }
            Step::Removed { path } => self.remove(path),
            Step::SyncBegan { target, number } => {
                let sure = self.made_sure(*target);
                self.syncs.insert(*number, sure);
            }
            Step::SyncEnded { number } => self.end_sync(*number),
        }
    }

    /// The path by which a file or directory is known now.
    pub(super) fn path_of(&self, inode: u64) -> Option<String> {
        let mut object = *self.inodes.get(&inode)?;
        let mut path = String::new();
        while object != 0 {
            let (directory, name) = self.names.iter().find(|(_, named)| **named == object)?.0;
            path = if path.is_empty() { name.clone() } else { format!("{name}/{path}") };
            object = *directory;
        }
        Some(path)
    }

    /// Another process goes on: what it finds is what the one before left, and its syncs have numbers of
    /// their own.
    fn start(&mut self, root: u64) {
        if self.objects.is_empty() {
            self.objects.push(Past { kind: Kind::Directory, mode: 0o755, sure: 0 });
        }
        self.inodes.insert(root, 0);
        self.syncs.clear();
    }

    fn make(&mut self, path: Option<&str>, inode: u64, mode: u32, kind: Kind) {
        let object = self.objects.len();
        self.objects.push(Past { kind, mode, sure: 0 });
        // The number of a file that is gone for good can come again.
        self.inodes.insert(inode, object);
        if let Some(path) = path {
            let place = self.place(path);
            self.name(Some((place, object)), None);
        }
    }

    /// Files that lie elsewhere on the same file system are unknown here.
    fn change(&mut self, inode: u64, change: Change) {
        if let Some(object) = self.inodes.get(&inode)
            && let Kind::File(changes) = &mut self.objects[*object].kind
        {
            changes.push(change);
        }
    }

    /// Two names of one file stay as they are (POSIX, rename).
    fn rename(&mut self, from: &str, to: &str) {
        let (old, new) = (self.place(from), self.place(to));
        let Some(object) = self.names.get(&old).copied() else { return };
        if self.names.get(&new) != Some(&object) {
            self.name(Some((new, object)), Some(old));
        }
    }

    /// A socket is made by no call that is watched, so its name is unknown here.
    fn remove(&mut self, path: &str) {
        let place = self.place(path);
        if self.names.contains_key(&place) {
            self.name(None, Some(place));
        }
    }

    fn name(&mut self, adds: Option<(Place, Object)>, removes: Option<Place>) {
        if let Some(place) = &removes {
            self.names.remove(place);
        }
        if let Some((place, object)) = &adds {
            self.names.insert(place.clone(), *object);
        }
        self.namings.push(Naming { adds, removes });
    }

    fn place(&self, path: &str) -> Place {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parts = above.split('/').filter(|part| !part.is_empty());
        let directory = parts.fold(0, |directory, part| {
            let found = self.names.get(&(directory, part.to_owned()));
            *found.unwrap_or_else(|| panic!("the trace names {path:?} in a directory that it never made"))
        });
        (directory, name.to_owned())
    }

    fn made_sure(&self, target: Target) -> Vec<Sure> {
        match target {
            Target::Inode(inode) => {
                self.inodes.get(&inode).map(|object| self.sure_now(*object)).into_iter().collect()
            }
            Target::Everything => (0..self.objects.len()).map(|object| self.sure_now(object)).collect(),
        }
    }

    fn sure_now(&self, object: Object) -> Sure {
        let changes = match &self.objects[object].kind {
            Kind::File(changes) => changes.len(),
            Kind::Directory => self.namings.len(),
        };
        Sure { object, changes }
    }

    fn end_sync(&mut self, number: u64) {
        for sure in self.syncs.remove(&number).unwrap_or_default() {
            let past = &mut self.objects[sure.object];
            past.sure = past.sure.max(sure.changes);
        }
    }
}
