//! Merging by hand: one tag gains what sources in registries or packages have (`portolan merge`).
//!
//! ```text
//! sources ─ together (pure) ─▶ one document ─ plan (asks the target) ─▶ MergePlan ─ execute ─▶ Report
//! ```
//!
//! The tag is written by the code that a sync writes its tags by, with the same rules, and last: after the
//! manifests by digest, their blobs, and what speaks of them.

mod carrying;
mod companions;
mod execute;
mod gather;
mod plan;
mod source;
mod together;

pub use execute::execute_merge;
pub use plan::{MERGE_PLAN_VERSION, MergePlan, MergedSource, plan_merge};
pub use source::MergeSource;

use portolan_oci::{MergeError, Reference};
use portolan_registry::{Registry, RegistryError, Stop};

use crate::options::Existing;

/// The tag that is to gain something.
#[derive(Clone, Debug)]
pub struct MergeTarget {
    /// Its registry.
    pub registry: Registry,
    /// Its name, with a tag.
    pub name: Reference,
}

/// How a merge is done.
#[derive(Clone, Debug, Default)]
pub struct MergeOptions {
    /// What becomes of what the tag names already.
    pub existing: Existing,
    /// How many blobs are sent at once; at least 1.
    pub jobs: usize,
    /// Once requested, nothing new is begun.
    pub stop: Stop,
}

/// Why nothing was merged. The tag is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MergeFailure {
    /// A source doesn't answer.
    #[error("reading {name}")]
    Source {
        /// The source.
        name: String,
        /// What its registry said, or what kept it from saying anything.
        #[source]
        source: Box<RegistryError>,
    },
    /// A source names nothing.
    #[error("{name} is not there")]
    NotThere {
        /// The source.
        name: String,
    },
    /// A source has lost a part of its own.
    #[error("{name} is not whole: its repository lacks {digest}")]
    NotWhole {
        /// The source.
        name: String,
        /// The part.
        digest: portolan_oci::Digest,
    },
    /// An image of a package whose manifest is made only while it is sent.
    #[error(
        "{name} has layers that are compressed on their way, so that its digest is not known yet: bring it into a registry with `portolan sync`, and merge it from there"
    )]
    Pending {
        /// The source.
        name: String,
    },
    /// Two sources can't stand under one tag.
    #[error("{name} can't stand under one tag with what is named before it")]
    Apart {
        /// The later source.
        name: String,
        /// Why not.
        #[source]
        source: MergeError,
    },
    /// Two sources have one platform with different content.
    #[error(
        "{name} has {platforms} with other content than what is named before it: leave one of them out, or have the later one taken with --overwrite"
    )]
    Clash {
        /// The later source.
        name: String,
        /// The platforms.
        platforms: String,
    },
    /// The target doesn't answer.
    #[error("asking for {name}")]
    Target {
        /// The target.
        name: Box<Reference>,
        /// What its registry said, or what kept it from saying anything.
        #[source]
        source: Box<RegistryError>,
    },
    /// The target names other content, and that was to end the run.
    #[error("{name} names other content already ({holds}), as --on-existing error refuses")]
    Existing {
        /// The target.
        name: Box<Reference>,
        /// What it names.
        holds: String,
    },
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}
