//! Why there was no rollback.

use crate::backup::BackupError;
use crate::cluster::ClusterError;
use crate::helm::HelmError;
use crate::lease::LeaseError;
use crate::private::FileError;
use crate::releases::ReleasesError;

/// Why there was no rollback.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// The release can't be read.
    #[error(transparent)]
    Releases(#[from] ReleasesError),
    /// There is nothing to go back to.
    #[error("the release {release} has no good revision before {now}")]
    NoneBefore {
        /// Its name.
        release: String,
        /// The present revision.
        now: u32,
    },
    /// The cluster serves no longer what the revision is made of.
    #[error("revision {revision} can't stand again: {}", .reasons.join("; "))]
    NotServed {
        /// The revision.
        revision: u32,
        /// Each kind that lacks, and why.
        reasons: Vec<String>,
    },
    /// Definitions can't be put back to those of the revision.
    #[error("definitions can't go back to those of revision {revision}: {}", .reasons.join("; "))]
    Definitions {
        /// The revision.
        revision: u32,
        /// What stands in the way.
        reasons: Vec<String>,
    },
    /// What is there can't be kept; nothing was changed.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Images of the revision lack.
    #[error("revision {revision} can't stand again: {}", .images.join("; "))]
    Images {
        /// The revision.
        revision: u32,
        /// What lacks, an image each.
        images: Vec<String>,
    },
    /// The cluster doesn't answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Helm failed.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// The record can't be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody else is at work on the release.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The release is not what the rollback was planned for.
    #[error(
        "the release {release} is at revision {found} by now, and the rollback was planned at revision {planned}"
    )]
    Moved {
        /// Its name.
        release: String,
        /// The revision that was planned for.
        planned: u32,
        /// The revision that stands.
        found: u32,
    },
}
