//! What a load tells while it goes on: one typed stream that every renderer reads.

use crate::{
    plan::NodePlan,
    report::{LoadReport, LoadResult, NodeResult},
};

/// Takes the events of a load. Called from many tasks at once and on the hot path: an implementation returns
/// at once.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// An observer that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
}

/// Something that happened, on the node that is named where it concerns one.
#[derive(Debug)]
pub enum Event<'a> {
    /// A node is being asked what it has.
    Asking {
        /// Which.
        node: &'a str,
    },
    /// What is to be done on a node stands, and nothing was written yet.
    Planned {
        /// All that would be done there.
        plan: &'a NodePlan,
    },
    /// Bytes begin to go to a node.
    Started {
        /// Which.
        node: &'a str,
        /// How many there may be.
        bytes: u64,
    },
    /// More bytes went to a node.
    Sent {
        /// Which.
        node: &'a str,
        /// How many more.
        bytes: u64,
    },
    /// An image is done with on a node, one way or the other.
    ImageFinished {
        /// Which.
        node: &'a str,
        /// Its line of the report.
        result: &'a LoadResult,
    },
    /// A node is done with.
    NodeFinished {
        /// What became of everything there.
        result: &'a NodeResult,
    },
    /// The run ended.
    Finished {
        /// What became of everything.
        report: &'a LoadReport,
    },
}
