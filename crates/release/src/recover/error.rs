//! Why a release was not brought out of its state.

use std::path::PathBuf;

use super::WayOut;
use crate::cluster::ClusterError;
use crate::helm::HelmError;
use crate::lease::LeaseError;
use crate::private::FileError;
use crate::releases::ReleasesError;
use crate::stored::Status;

/// Why a release was not brought out of its state.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The release can't be read.
    #[error(transparent)]
    Releases(#[from] ReleasesError),
    /// It is in no state that it would have to be brought out of.
    #[error("the release {release} is {status} at revision {revision}: nothing was broken off")]
    NotStuck {
        /// Its name.
        release: String,
        /// Its state.
        status: Status,
        /// Its revision.
        revision: u32,
    },
    /// A recovery the other way was broken off half way.
    #[error("a recovery of the release {release} that went the other way, {}, was broken off between two revisions", .way.words())]
    OtherWay {
        /// Its name.
        release: String,
        /// The way of that one.
        way: WayOut,
    },
    /// What an earlier recovery was about can't be read.
    #[error("{} can't be read: {why}", .path.display())]
    Kept {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Somebody else is at work on it.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The cluster doesn't answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Helm failed.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// The journal can't be written.
    #[error(transparent)]
    File(#[from] FileError),
}
