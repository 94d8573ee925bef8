//! What a run tells while it goes on: one typed stream that every renderer reads.

use portolan_oci::Digest;
use serde::Serialize;

use crate::{
    plan::Plan,
    report::{ChartResult, ImageResult, Report},
};

/// Takes the events of a run: a progress bar, a log, a page.
///
/// Called from many tasks at once and on the hot path: an implementation returns at once.
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

/// Names one blob transfer of a run; the same in all its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub usize);

/// How a blob came to be in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlobOutcome {
    /// Its bytes were sent.
    Uploaded,
    /// It was there already.
    Existed,
    /// Another repository of the same registry had it, and lent it.
    Mounted,
    /// It could not be brought there; the image's result tells why.
    Failed,
    /// The run was interrupted before it was everywhere.
    Interrupted,
}

/// Something that happened in a run, in the order in which it happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Hosts, credentials, projects and tags are being asked about.
    Checking {
        /// How many image tags and charts are asked about.
        targets: usize,
    },
    /// One of those answered.
    Checked,
    /// The plan stands, and nothing was written yet.
    Planned {
        /// All that the run would do.
        plan: &'a Plan,
    },
    /// The package goes by; told several times a second.
    Passing {
        /// Bytes of it that were read so far, compressed as it is.
        read: u64,
        /// How many it has, where that is known.
        size: Option<u64>,
    },
    /// Execution begins.
    Started {
        /// Bytes of all unique blobs that may have to be sent.
        bytes: u64,
    },
    /// The bytes of a blob are on their way into a repository; told again for each one that wants them
    /// for itself. A blob that need not be sent is told by [`Event::BlobFinished`] alone.
    BlobStarted {
        /// Which.
        id: BlobId,
        /// Its digest, where it is known before it passes.
        digest: Option<&'a Digest>,
        /// For people: the entry it is read from.
        entry: &'a str,
        /// Size as stored in the package, in bytes.
        size: u64,
    },
    /// More bytes of a blob were handed to the connection; told several times a second.
    BlobProgress {
        /// Which.
        id: BlobId,
        /// How many so far. It starts again at zero where an attempt failed, and for each repository
        /// that wants the bytes for itself.
        sent: u64,
    },
    /// A blob is there, failed, or was interrupted on its way. One that an interruption kept from being
    /// begun is not told of.
    BlobFinished {
        /// Which.
        id: BlobId,
        /// Size as stored in the package, in bytes.
        size: u64,
        /// How it came there.
        outcome: BlobOutcome,
    },
    /// An image is done with, one way or the other. Those that an interruption left are in the report alone.
    ImageFinished {
        /// Its line of the report.
        result: &'a ImageResult,
    },
    /// A chart is done with, one way or the other. Those that an interruption left are in the report alone.
    ChartFinished {
        /// Its line of the report.
        result: &'a ChartResult,
    },
    /// Execution ended.
    Finished {
        /// What became of everything.
        report: &'a Report,
    },
}
