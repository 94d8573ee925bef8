//! A release to another version of its chart.
//!
//! ```text
//! prepare: find ─▶ repository ─▶ chart ─▶ values     (reads; what a person has to decide comes out of it)
//! plan:    render ─▶ compare ─▶ images ─▶ rehearse   (reads; what stands in the way comes out of it)
//! execute: back up ─▶ definitions ─▶ helm upgrade ─▶ verify
//! ```
//!
//! Each step is told and written down ([`Run`](crate::Run)). Nothing before [`execute`] changes the cluster.

pub(crate) mod ahead;
mod asked;
mod bringers;
mod compare;
pub(crate) mod definitions;
mod error;
mod execute;
pub(crate) mod facts;
mod ground;
mod hooks;
pub(crate) mod images;
mod live;
mod looking;
mod namespace;
mod options;
mod order;
mod package;
mod plan;
mod planning;
mod prepare;
mod pushing;
mod rehearse;
mod report;
mod resume;
mod rights;
mod source;
mod stands;
mod undo;

use std::path::Path;

pub use asked::{Asked, asked};
pub use definitions::DefinitionsError;
pub use error::UpgradeError;
pub use execute::execute;
pub(crate) use execute::{begin, keep_order};
pub use ground::{Ground, PLAN_FILE_VERSION, SavedError, SavedUpgrade};
pub use images::{CheckedImage, ImageState, Memory, Named, Registries, Remembering};
pub(crate) use live::Live;
pub use options::{ChartSource, Frozen as FrozenPolicy, ImageCheck, Packages, UpgradeOptions};
pub use order::made_namespace;
pub(crate) use order::{Kept, is_kept, kept};
pub use package::{PackageSource, Push, PushError, Pushing};
pub use plan::{NoWayBack, PLAN_VERSION, UpgradePlan};
pub use planning::plan;
pub use prepare::{Prepared, prepare};
pub use rehearse::{NotRehearsed, Refused, Rehearsal};
pub use report::{Outcome, REPORT_VERSION, UpgradeReport};
pub use resume::resume;
pub use undo::{Undone, undo};

use crate::cluster::Cluster;
use crate::helm::Helm;

/// What an upgrade is worked out and carried out with.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Helm's program, which reaches the same cluster.
    pub helm: &'a Helm,
    /// The registries that images are looked for in.
    pub registries: &'a dyn Registries,
    /// A folder for what is fetched, which goes with the run.
    pub work: &'a Path,
}
