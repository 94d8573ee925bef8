//! Helm releases in a cluster: read, backed up, advised on, upgraded, verified, rolled back.
//!
//! ```text
//! cluster ─ inspect ─▶ release ─┐
//! chart, values ────────────────┼─ (advisories, values, diff: pure) ─▶ upgrade plan ─ execute ─▶ release
//! registry ─ image check ───────┘
//! ```
//!
//! Whatever stands before the plan only reads. Templates, rendering and the release itself stay Helm's: its
//! program is called. All else of the cluster goes through the API server, without `kubectl`.

pub mod advisories;
mod cluster;
pub mod diff;
pub mod helm;
mod names;
mod releases;
mod stored;
pub mod values;

pub use cluster::{Applied, ApplyMode, Cluster, ClusterAccess, ClusterError, FIELD_MANAGER, Kind, Scope};
pub use names::{NameError, Namespace, ReleaseName, Revision};
pub use releases::{ReleasesError, find, history, releases};
pub use stored::{ChartMetadata, DecodeError, Hook, Info, RELEASE_LIMIT, Status, StoredChart, StoredRelease};
