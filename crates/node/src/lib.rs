//! Images straight onto nodes that have no registry: onto Docker and containerd, here or elsewhere.
//!
//! ```text
//! package ─ transfer::package_images ─▶ names and contents ─┐
//! runtime ─ Runtime::survey ─▶ what the node has ───────────┴─ plan (pure) ─▶ NodePlan ─ execute ─▶ NodeResult
//! ```
//!
//! | module | subject |
//! | --- | --- |
//! | `content` | an image as one node takes it: one platform, with its layers as they lie in the package |
//! | `survey` | what a node has |
//! | `runtime` | the trait that every way to a runtime implements |
//! | `archive` | an image as a tar that is made while it is read, for runtimes that take archives |
//! | `containerd` | containerd through its socket |
//! | `docker` | Docker through its socket |
//! | `local` | which runtime of this machine |
//! | `remote` | both of them on other machines, by command lines over SSH |
//! | [`ssh`] | a client of one SSH server |
//! | `fleet` | many nodes at once, from a package that is read once |
//! | `window` | pieces of blobs that some nodes have taken and others have not yet |
//! | `turns` | layers that several images share |
//! | `feed` | bytes from the thread that reads them to the task that sends them |
//! | `plan`, `execute`, `report` | what is to be done on a node, doing it, and what became of it |
//! | `registry` | images in a registry |
//! | `stock` | what nodes are offered: a package's images, or a registry's |
//! | `passing` | packages that can only be read front to back |
//! | `check`, `left` | what a node lacks, and what an earlier run left |
//!
//! Nothing is inflated or compressed here, and nothing is unpacked to a file: layers go as they lie, and
//! the runtime inflates them.

mod archive;
mod check;
mod containerd;
mod content;
mod docker;
mod error;
mod event;
mod execute;
mod feed;
mod fleet;
#[doc(hidden)]
pub mod fuzzing;
mod left;
mod local;
mod names;
mod options;
mod passing;
mod plan;
mod registry;
mod remote;
mod report;
mod runtime;
mod socket;
pub mod ssh;
mod stock;
mod survey;
mod turns;
mod window;

pub use archive::{Archive, Form};
pub use check::{ImageCheck, ImageState, LOAD_CHECK_VERSION, LoadCheck, NodeCheck};
pub use containerd::{Containerd, ContainerdOptions, KUBERNETES};
pub use content::{NodeImage, NodeLayer, WrongPlatform};
pub use docker::Docker;
pub use error::RuntimeError;
pub use event::{Event, Observer, Silent};
pub use execute::execute;
pub use feed::Feed;
pub use fleet::{Asked, Fleet, NodeTarget, digests_of};
pub use left::{LOAD_REPORT_LIMIT, LoadLeft, LoadReportError};
pub use local::LocalOptions;
pub use names::{NodeName, node_names};
pub use options::{LoadOptions, Overwrite};
pub use passing::{Again, Passage, Passed, PassingError, PassingPackage, load_passing, look_through};
pub use plan::{LoadAction, NodePlan, Offer, PlannedLoad, all_names, plan, plan_offers};
pub use registry::FetchError;
pub use remote::{RemoteOptions, connect as connect_remote};
pub use report::{
    Found, LOAD_REPORT_VERSION, LoadOutcome, LoadReport, LoadResult, LoadTotals, NodeFailure, NodeResult,
};
pub use runtime::{EarlyBlob, Import, Runtime, Takes};
pub use stock::{RegistryImage, RegistryImages, Stock};
pub use survey::{Held, RuntimeKind, Survey};
