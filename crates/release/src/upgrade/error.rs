//! Why an upgrade could not be worked out.

use std::path::PathBuf;

use portolan_chart::ChartVersion;
use portolan_chartrepo::ChartRepoError;
use portolan_transfer::PickError;

use super::package::PushError;
use crate::advisories::AdvisoryError;
use crate::backup::BackupError;
use crate::cluster::ClusterError;
use crate::helm::HelmError;
use crate::lease::LeaseError;
use crate::local_chart::LocalChartError;
use crate::private::FileError;
use crate::releases::ReleasesError;
use crate::stored::Status;
use crate::values::ValuesError;

/// Why an upgrade could not be worked out.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// The release can't be read.
    #[error(transparent)]
    Releases(#[from] ReleasesError),
    /// The cluster doesn't answer, or refuses.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Helm failed.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// A file can't be written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The backup could not be made; nothing was changed.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Values can't be read.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// An advisory that lies in the chart can't be read.
    #[error(transparent)]
    Advisory(#[from] AdvisoryError),
    /// The chart can't be read.
    #[error(transparent)]
    Chart(#[from] LocalChartError),
    /// Somebody else is at work on the release.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The release is not what the plan was made for.
    #[error("the release {release} {} by now, and the plan is for {}", stands(*.found), meant(*.planned))]
    Moved {
        /// Its name.
        release: String,
        /// The revision that was planned for, where there was one.
        planned: Option<u32>,
        /// The revision that stands and its state, where there is one.
        found: Option<(u32, Status)>,
    },
    /// The chart can't be kept for a run that goes on.
    #[error("cannot pack {}", .chart.display())]
    Pack {
        /// The chart.
        chart: PathBuf,
        /// Why not.
        #[source]
        source: portolan_chart::ChartError,
    },
    /// What a run was to carry out can't be read.
    #[error("cannot go on with {}: {why}", .path.display())]
    Order {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// What was broken off could not be taken back.
    #[error("the release {release} can't go on, since what was broken off could not be taken back: {why}")]
    WayBack {
        /// Its name.
        release: String,
        /// Why not.
        why: String,
    },
    /// Somebody is at work on the release, or died there.
    #[error(
        "the release {release} is {status} at revision {revision}: an operation is under way, or was broken off"
    )]
    Pending {
        /// Its name.
        release: String,
        /// Its state.
        status: Status,
        /// Its revision.
        revision: u32,
    },
    /// The release was uninstalled.
    #[error("the release {release} is {status}: there is nothing to upgrade")]
    Gone {
        /// Its name.
        release: String,
        /// Its state.
        status: Status,
    },
    /// The chart is another one than the release's.
    #[error("the release is one of the chart {installed}, and this is the chart {found}")]
    OtherChart {
        /// The release's chart.
        installed: String,
        /// The chart that was found.
        found: String,
    },
    /// Helm's list has no repository for the chart.
    #[error("Helm's list has no chart repository {}", .names.join(" or "))]
    NoRepository {
        /// The names that were looked for.
        names: Vec<String>,
    },
    /// The repository has no such chart.
    #[error("the chart repository {repository} has no chart {chart}")]
    NoChart {
        /// The repository.
        repository: String,
        /// The chart.
        chart: String,
    },
    /// The repository has no such version of the chart.
    #[error("the chart repository {repository} has no {chart} {version}; it has {}", shown(.present))]
    NoVersion {
        /// The repository.
        repository: String,
        /// The chart.
        chart: String,
        /// What was asked for, or `a stable version`.
        version: String,
        /// What it has, newest first.
        present: Vec<ChartVersion>,
    },
    /// The repository can't be asked, or doesn't give the chart.
    #[error("taking the chart from {location}")]
    Repository {
        /// The repository.
        location: String,
        /// Why.
        #[source]
        source: Box<ChartRepoError>,
    },
    /// The package doesn't give the chart.
    #[error(transparent)]
    Pick(#[from] PickError),
    /// The images of the package can't be pushed.
    #[error(transparent)]
    Push(#[from] PushError),
    /// The run was interrupted.
    #[error("interrupted before the cluster was touched")]
    Interrupted,
    /// The run was interrupted while images were pushed.
    #[error("interrupted while images were pushed, before the cluster was touched")]
    InterruptedPush,
    /// What Helm rendered can't be read.
    #[error("what Helm rendered can't be read")]
    Rendered(#[source] portolan_chart::ManifestFault),
}

fn stands(found: Option<(u32, Status)>) -> String {
    found.map_or_else(
        || "is gone".to_owned(),
        |(revision, status)| format!("is {status} at revision {revision}"),
    )
}

fn meant(revision: Option<u32>) -> String {
    revision.map_or_else(|| "one that is not there yet".to_owned(), |revision| format!("revision {revision}"))
}

/// How many versions an error names.
const VERSIONS_SHOWN: usize = 10;

fn shown(versions: &[ChartVersion]) -> String {
    let mut shown: Vec<&str> = versions.iter().take(VERSIONS_SHOWN).map(ChartVersion::as_str).collect();
    if versions.len() > VERSIONS_SHOWN {
        shown.push("…");
    }
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}
