//! From what happened, and what became of it, to what is on the disk.

use std::collections::{BTreeMap, HashMap};

use super::disk::{Disk, Node};
use super::history::{Change, History, Kind, Object, Past, Place, SHARED_MEMORY};
use super::loss::{ContentFate, Fates};
use crate::random::Random;

/// Smallest pieces of a write that reach a disk one without the other: its sectors.
const SECTOR: u64 = 512;

impl Fates {
    /// The disk; `bytes` are those of the trace.
    pub(super) fn disk(&self, history: &History, bytes: &[u8]) -> Disk {
        let mut names: HashMap<Object, BTreeMap<String, Object>> = HashMap::new();
        for ((directory, name), object) in self.names(history) {
            if !name.ends_with(SHARED_MEMORY) {
                names.entry(directory).or_default().insert(name, object);
            }
        }
        let builder = Builder { fates: self, history, bytes, names };
        Disk { root: builder.directory(0) }
    }

    /// Each change of a name says all that there is to say of it, so the last one that is kept counts.
    fn names(&self, history: &History) -> HashMap<Place, Object> {
        let mut names = HashMap::new();
        for (naming, fate) in history.namings.iter().zip(&self.names) {
            if let Some(place) = naming.removes.as_ref().filter(|_| fate.removes) {
                names.remove(place);
            }
            if let Some((place, object)) = naming.adds.as_ref().filter(|_| fate.adds) {
                names.insert(place.clone(), *object);
            }
        }
        names
    }
}

struct Builder<'a> {
    fates: &'a Fates,
    history: &'a History,
    bytes: &'a [u8],
    names: HashMap<Object, BTreeMap<String, Object>>,
}

impl Builder<'_> {
    fn directory(&self, directory: Object) -> BTreeMap<String, Node> {
        let entries = self.names.get(&directory).into_iter().flatten();
        entries.map(|(name, object)| (name.clone(), self.node(*object))).collect()
    }

    fn node(&self, object: Object) -> Node {
        let past = &self.history.objects[object];
        match &past.kind {
            Kind::Directory => Node::Directory { mode: past.mode, entries: self.directory(object) },
            Kind::File(changes) => {
                let content = self.content(past, changes, self.fates.contents[object]);
                Node::File { mode: past.mode, content }
            }
        }
    }

    fn content(&self, past: &Past, changes: &[Change], fate: ContentFate) -> Vec<u8> {
        let (sure, rest) = changes.split_at(past.sure);
        let mut content = Content { bytes: Vec::new(), trace: self.bytes };
        sure.iter().for_each(|change| content.apply(change));
        match fate {
            ContentFate::Nothing => {}
            ContentFate::Everything => rest.iter().for_each(|change| content.apply(change)),
            ContentFate::Beginning { changes, seed } => content.begin(rest, changes, seed),
            ContentFate::Pieces { seed } => content.scatter(rest, seed),
            ContentFate::Zeroes => rest.iter().for_each(|change| content.grow(change)),
        }
        content.bytes
    }
}

/// A file's bytes while changes are applied to them.
struct Content<'a> {
    bytes: Vec<u8>,
    trace: &'a [u8],
}

impl Content<'_> {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { offset, data } => self.write(*offset, &self.trace[data.clone()]),
            Change::Length(length) => self.bytes.resize(size(*length), 0),
            Change::AtLeast(length) => self.at_least(*length),
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) {
        self.at_least(offset + data.len() as u64);
        self.bytes[size(offset)..][..data.len()].copy_from_slice(data);
    }

    fn at_least(&mut self, length: u64) {
        let length = self.bytes.len().max(size(length));
        self.bytes.resize(length, 0);
    }

    /// The first changes, and the next one in part.
    fn begin(&mut self, changes: &[Change], number: usize, seed: u64) {
        changes[..number].iter().for_each(|change| self.apply(change));
        if let Some(Change::Write { offset, data }) = changes.get(number) {
            let pieces: Vec<_> = sectors(*offset, &self.trace[data.clone()]).collect();
            let kept = Random::new(seed).below(pieces.len());
            pieces[..kept].iter().for_each(|(offset, piece)| self.write(*offset, piece));
        }
    }

    /// Each piece, or length, by itself.
    fn scatter(&mut self, changes: &[Change], seed: u64) {
        let mut random = Random::new(seed);
        for change in changes {
            match change {
                Change::Write { offset, data } => {
                    for (offset, piece) in sectors(*offset, &self.trace[data.clone()]) {
                        if random.coin() {
                            self.write(offset, piece);
                        }
                    }
                }
                length if random.coin() => self.apply(length),
                _ => {}
            }
        }
    }

    /// Only the length.
    fn grow(&mut self, change: &Change) {
        match change {
            Change::Write { offset, data } => self.at_least(offset + data.len() as u64),
            length => self.apply(length),
        }
    }
}

/// A write in pieces that end where sectors do.
fn sectors(offset: u64, data: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let first = size(SECTOR - offset % SECTOR).min(data.len());
    let (head, rest) = data.split_at(first);
    let pieces = std::iter::once(head).chain(rest.chunks(size(SECTOR)));
    pieces.scan(offset, |at, piece| {
        let start = *at;
        *at += piece.len() as u64;
        Some((start, piece))
    })
}

fn size(length: u64) -> usize {
    usize::try_from(length).expect("because the files of a test fit into memory")
}
