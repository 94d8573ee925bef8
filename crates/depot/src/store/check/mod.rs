//! Looking after what is there: every digest is derived again, and every row is held against what
//! it stands for, also while others push.
//!
//! | step | what is looked at |
//! | --- | --- |
//! | `contents` | every content's file: whether it is there and has its digest |
//! | `manifests` | every manifest: whether it can be read, and names only what its repository has |
//! | `orphans` | files in `blobs/` that no row knows, as a process that was killed leaves them |
//! | `database` | what SQLite says of its own file |
//!
//! A content that is not what its digest says is marked, and counts as absent from then on, so that
//! clients send it again; its arrival takes the mark away, and so does a check that finds it sound.
//! What is read comes from the disk, not from what the system has of it in memory, where a fault of
//! the disk would not show.

mod contents;
mod database;
mod manifests;
mod marks;
mod mend;
mod orphans;
mod reading;
mod uses;

use std::num::NonZeroU64;
use std::ops::ControlFlow;

use portolan_oci::{Digest, Repository};
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
pub use uses::Uses;

/// Rows that are taken from the database at once.
const BATCH: u32 = 256;

/// How a check is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Check {
    /// Bytes that are read in a second at most; without it as fast as the disk gives them.
    pub rate: Option<NonZeroU64>,
}

/// What is told on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStep {
    /// Reading begins, of so much.
    Contents(Amount),
    /// So much was read.
    Read(Amount),
    /// A content is not what its digest says.
    Damaged(Damage),
    /// A content that was marked as damaged is sound.
    Sound(Digest),
    /// Something else is not as it should be.
    Finding(Finding),
}

/// A number of contents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// How many.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A content that is not what its digest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Damage {
    /// Which it should be.
    pub digest: Digest,
    /// Its length in bytes as it arrived.
    pub size: u64,
    /// What is wrong.
    pub harm: Harm,
    /// Whether an earlier check found it so.
    pub known: bool,
    /// What needs it.
    pub uses: Uses,
}

/// What is wrong with a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Its file is not there.
    Lost,
    /// Its file is another content.
    Differs {
        /// The digest of what is there.
        actual: Digest,
        /// The length of that in bytes.
        length: u64,
    },
    /// Its file cannot be read.
    Unreadable {
        /// What the system says.
        reason: String,
    },
}

/// Something that is not as it should be, though every content concerned is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// A manifest that cannot be read as what it was put as.
    Manifest {
        /// Where it is.
        repository: Repository,
        /// Which.
        digest: Digest,
        /// Why not.
        reason: String,
    },
    /// A manifest that names what its repository does not have, as one has that was put under
    /// [`MissingParts::Taken`](crate::MissingParts::Taken), or whose parts were deleted.
    Incomplete {
        /// Where it is.
        repository: Repository,
        /// Which.
        digest: Digest,
        /// The tags that point to it.
        tags: Vec<String>,
        /// What is not there.
        missing: Vec<Digest>,
    },
    /// A referrer of a manifest that its repository does not have.
    Dangling {
        /// Where it is.
        repository: Repository,
        /// Which.
        digest: Digest,
        /// What it refers to.
        subject: Digest,
    },
    /// The database itself is damaged.
    Database {
        /// What SQLite says.
        reason: String,
    },
}

impl Finding {
    /// Whether something is broken. A client may have asked for the others.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Manifest { .. } | Self::Database { .. } => true,
            Self::Incomplete { .. } | Self::Dangling { .. } => false,
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// What was read.
    pub read: Amount,
    /// Contents that are damaged.
    pub damaged: u64,
    /// Contents that were marked as damaged, and are sound.
    pub sound_again: u64,
    /// Findings that are faults ([`Finding::is_fault`]).
    pub faults: u64,
    /// All other findings.
    pub remarks: u64,
    /// Files that no row knows.
    pub orphans: Amount,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

impl Checked {
    /// Whether nothing is broken, as far as it was looked at.
    pub fn is_sound(&self) -> bool {
        self.damaged == 0 && self.faults == 0
    }
}

/// Takes the steps; where it breaks, the check ends soon.
pub(super) type Told<'a> = &'a mut dyn FnMut(CheckStep) -> ControlFlow<()>;

/// How a part of a check ended: whether to go on.
type Step = Result<ControlFlow<()>, StoreError>;

/// A check under way.
struct Checking<'a> {
    store: &'a Store,
    told: Told<'a>,
    done: Checked,
}

impl Store {
    /// Looks at all that is there, and marks what is damaged. Blocks, for as long as it takes to
    /// read everything.
    ///
    /// What arrives or goes meanwhile may be looked at or not, and is never called damaged for it.
    pub fn check(&self, check: Check, told: Told<'_>) -> Result<Checked, StoreError> {
        let mut checking = Checking { store: self, told, done: Checked::default() };
        let ended = checking.run(check)?;
        Ok(Checked { stopped: ended.is_break(), ..checking.done })
    }
}

impl Checking<'_> {
    fn run(&mut self, check: Check) -> Step {
        if self.database()?.is_break() || self.contents(check)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if self.manifests()?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.orphans()
    }

    fn tell(&mut self, step: CheckStep) -> ControlFlow<()> {
        (self.told)(step)
    }

    fn find(&mut self, finding: Finding) -> ControlFlow<()> {
        match finding.is_fault() {
            true => self.done.faults += 1,
            false => self.done.remarks += 1,
        }
        self.tell(CheckStep::Finding(finding))
    }
}
