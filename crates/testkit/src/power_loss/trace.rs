//! The file that the preloaded library writes: one record for each change and each sync.

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::disk::Disk;
use super::history::History;
use super::loss;

/// Bytes before a record's names and data; `struct head` of `recorder.c`.
const HEAD: usize = 40;

/// A place between two records of a trace, in bytes from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub u64);

/// What a program did to the files under a directory.
#[derive(Clone, Debug)]
pub struct Trace {
    bytes: Vec<u8>,
    records: Vec<Record>,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) step: Step,
    pub(super) end: Position,
}

/// Paths are below the watched directory, inodes those of its file system while the program ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Started { root: u64 },
    Created { path: Option<String>, inode: u64, mode: u32 },
    DirectoryMade { path: String, inode: u64, mode: u32 },
    Written { inode: u64, offset: u64, data: Range<usize> },
    Truncated { inode: u64, length: u64 },
    Extended { inode: u64, length: u64 },
    Renamed { from: String, to: String },
    Linked { path: String, inode: u64 },
    Removed { path: String },
    SyncBegan { target: Target, number: u64 },
    SyncEnded { number: u64 },
}

/// What is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Inode(u64),
    Everything,
}

impl Trace {
    /// Reads a trace; a record that is not whole at its end is left out.
    ///
    /// # Panics
    /// Where it cannot be read, or holds what the library does not write.
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("trace {}: {error}", path.display()));
        let mut trace = Self { bytes, records: Vec::new() };
        let mut at = 0;
        while let Some((step, end)) = trace.parse(at) {
            trace.records.push(Record { step, end: Position(end as u64) });
            at = end;
        }
        assert!(!trace.records.is_empty(), "the library was not loaded: the trace is empty");
        trace
    }

    /// Every place where the trace can be cut, from before the first change to its end.
    pub fn positions(&self) -> impl DoubleEndedIterator<Item = Position> + '_ {
        self.records.iter().map(|record| record.end)
    }

    /// The end of the trace.
    pub fn end(&self) -> Position {
        self.positions().next_back().expect("because `read` refuses an empty trace")
    }

    /// Where a name was just changed or a sync just ended: most of what can be lost hangs on these.
    pub fn turning_points(&self) -> impl Iterator<Item = Position> + '_ {
        let turns = |step: &Step| {
            matches!(step, Step::SyncEnded { .. } | Step::Renamed { .. } | Step::Removed { .. })
        };
        self.records.iter().filter(move |record| turns(&record.step)).map(|record| record.end)
    }

    /// Places where the program began to run: before its first change.
    pub fn starts(&self) -> impl Iterator<Item = Position> + '_ {
        let starts = |record: &&Record| matches!(record.step, Step::Started { .. });
        self.records.iter().filter(starts).map(|record| record.end)
    }

    /// How many calls that a [`super::FailPoint`] can name lie between two places.
    pub fn calls(&self, from: Position, to: Position) -> u64 {
        let between = self.records.iter().filter(|record| from < record.end && record.end <= to);
        let counted =
            |record: &&Record| !matches!(record.step, Step::Started { .. } | Step::SyncEnded { .. });
        between.filter(counted).count() as u64
    }

    /// What was done up to `cut`, a line each, for whoever looks into a failure.
    pub fn lines(&self, cut: Position) -> Vec<String> {
        let mut history = History::default();
        let known = self.records.iter().take_while(|record| record.end <= cut);
        known
            .map(|record| {
                history.add(&record.step);
                format!("{:>10} {}", record.end.0, line(&record.step, &history))
            })
            .collect()
    }

    /// The same trace as if files and directories that `forgotten` picks by their path had never been
    /// synced: what a program that leaves these syncs out would have given. The watched directory itself
    /// has the path "".
    #[must_use]
    pub fn without_syncs(&self, forgotten: impl Fn(&str) -> bool) -> Self {
        let mut history = History::default();
        let mut left_out = HashSet::new();
        let mut without = self.clone();
        without.records.retain(|record| {
            history.add(&record.step);
            match record.step {
                // Each process numbers its own.
                Step::Started { .. } => left_out.clear(),
                Step::SyncBegan { target: Target::Inode(inode), number }
                    if history.path_of(inode).is_some_and(|path| forgotten(&path)) =>
                {
                    left_out.insert(number);
                }
                Step::SyncEnded { number } => return !left_out.contains(&number),
                _ => {}
            }
            true
        });
        without
    }

    /// What the disk held at `cut` as programs saw it, synced or not: what a killed process leaves.
    pub fn as_written(&self, cut: Position) -> Disk {
        let history = self.history(cut);
        loss::everything(&history).disk(&history, &self.bytes)
    }

    /// What the disk is sure to hold after a power loss at `cut`: all that no sync covers is lost.
    pub fn sure(&self, cut: Position) -> Disk {
        let history = self.history(cut);
        loss::nothing(&history).disk(&history, &self.bytes)
    }

    /// What a power loss at `cut` could leave; `seed` decides among what is possible.
    pub fn after_power_loss(&self, cut: Position, seed: u64) -> Disk {
        let history = self.history(cut);
        loss::chosen(&history, seed).disk(&history, &self.bytes)
    }

    fn history(&self, cut: Position) -> History {
        let mut history = History::default();
        for record in self.records.iter().take_while(|record| record.end <= cut) {
            history.add(&record.step);
        }
        history
    }

    fn parse(&self, at: usize) -> Option<(Step, usize)> {
        let head = self.bytes.get(at..at + HEAD)?;
        let word = |from: usize| {
            u32::from_le_bytes(head[from..from + 4].try_into().expect("because these are four bytes"))
        };
        let long = |from: usize| {
            u64::from_le_bytes(head[from..from + 8].try_into().expect("because these are eight bytes"))
        };
        let (kind, mode, inode, offset, length) = (word(0), word(4), long(16), long(24), long(32));
        let (first, first_end) = self.name(at + HEAD, word(8))?;
        let (second, end) = self.name(first_end, word(12))?;
        let step = match kind {
            1 => Step::Started { root: inode },
            2 => Step::Created { path: Some(first).filter(|path| !path.is_empty()), inode, mode },
            3 => Step::DirectoryMade { path: first, inode, mode },
            4 => return self.written(inode, offset, length, end),
            5 => Step::Truncated { inode, length },
            6 => Step::Extended { inode, length },
            7 => Step::Renamed { from: first, to: second },
            8 => Step::Linked { path: first, inode },
            9 => Step::Removed { path: first },
            10 => Step::SyncBegan { target: target(inode), number: offset },
            11 => Step::SyncEnded { number: offset },
            other => panic!("a trace has no record of kind {other}, at byte {at}"),
        };
        Some((step, end))
    }

    fn name(&self, at: usize, length: u32) -> Option<(String, usize)> {
        let end = at + usize::try_from(length).expect("because lengths of names are small");
        let name = String::from_utf8_lossy(self.bytes.get(at..end)?).into_owned();
        Some((name, end))
    }

    fn written(&self, inode: u64, offset: u64, length: u64, at: usize) -> Option<(Step, usize)> {
        let end = at + usize::try_from(length).expect("because the data lie in memory");
        self.bytes.get(at..end)?;
        Some((Step::Written { inode, offset, data: at..end }, end))
    }
}

fn target(inode: u64) -> Target {
    if inode == 0 { Target::Everything } else { Target::Inode(inode) }
}

fn line(step: &Step, history: &History) -> String {
    let path = |inode: &u64| history.path_of(*inode).unwrap_or_else(|| "(elsewhere)".to_owned());
    match step {
        Step::Started { .. } => "a process starts".to_owned(),
        Step::Created { path, .. } => format!("create {}", path.as_deref().unwrap_or("(no name)")),
        Step::DirectoryMade { path, .. } => format!("mkdir {path}"),
        Step::Written { inode, offset, data } => {
            format!("write {} at {offset} in {}", data.len(), path(inode))
        }
        Step::Truncated { inode, length } => format!("truncate to {length} {}", path(inode)),
        Step::Extended { inode, length } => format!("extend to {length} {}", path(inode)),
        Step::Renamed { from, to } => format!("rename {from} to {to}"),
        Step::Linked { path, .. } => format!("link {path}"),
        Step::Removed { path } => format!("remove {path}"),
        Step::SyncBegan { target: Target::Inode(inode), number } => {
            format!("sync {number} of {:?}", path(inode))
        }
        Step::SyncBegan { target: Target::Everything, number } => format!("sync {number} of everything"),
        Step::SyncEnded { number } => format!("sync {number} has ended"),
    }
}
