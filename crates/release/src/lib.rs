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
mod backup;
mod causes;
mod cluster;
pub mod diff;
mod event;
pub mod group;
pub mod helm;
mod journal;
pub mod judge;
mod lease;
mod local_chart;
mod names;
mod private;
mod quantity;
mod readiness;
mod recover;
mod releases;
mod rollback;
mod run;
mod stored;
mod summary;
pub mod upgrade;
pub mod values;
mod verify;

pub use backup::{
    BACKUP_VERSION, Backup, BackupError, BackupOptions, RestoreError, RestoreOptions, Restored, back_up,
    restore, restore_task,
};
pub use cluster::{Applied, ApplyMode, Cluster, ClusterAccess, ClusterError, FIELD_MANAGER, Kind, Scope};
pub use event::{Event, Observer, Silent, Step};
pub use journal::{
    GIVEN_UP, GroupMark, Holder, JOURNAL_VERSION, RecordedRun, ResumeError, RunState, Task, UnreadableRun,
    Work, close, runs,
};
pub use lease::LeaseError;
pub use local_chart::{LocalChartError, local_chart};
pub use names::{NameError, Namespace, ReleaseName, Revision};
pub use private::FileError;
pub use readiness::{Readiness, readiness};
pub use recover::{
    Holding, ObjectHolding, RecoverError, RecoverOptions, RecoverPlan, Recovered, WayOut, finish_recovery,
    is_stuck, plan_recovery, recover,
};
pub use releases::{ReleasesError, find, history, releases};
pub use rollback::{RollbackError, RollbackOptions, RollbackPlan, RolledBack, plan_rollback, roll_back};
pub use run::Run;
pub use stored::{ChartMetadata, DecodeError, Hook, Info, RELEASE_LIMIT, Status, StoredChart, StoredRelease};
pub use summary::{Summary, fill_in_newest};
pub use upgrade::facts::gathered as cluster_facts;
pub use verify::{Unready, Verified, verify};
