//! The depot: Portolan's own registry and chart repository, for sites that have none.
//!
//! One process on one data directory answers as an OCI registry (Distribution specification 1.1),
//! as a ChartMuseum, and, where projects are enforced, as a Harbor. [`start`] is all that an
//! embedder needs; [`Depot`] is for those that bring their own listener.
//!
//! Five layers, each knowing only those before it:
//! - [`store`]: what is kept, on disk; knows no HTTP,
//! - [`protocol`]: what a request line asks, as values; pure,
//! - [`accounts`]: who there is, and what they may do,
//! - `http`: handlers that turn the one into calls of the other,
//! - `serve`: listeners and connections, and their limits.

pub mod accounts;
pub mod control;
pub mod fuzzing;
mod http;
mod metrics;
mod names;
mod options;
pub mod protocol;
mod provenance;
pub mod repair;
mod rights;
mod serve;
mod server;
pub mod store;
mod yaml;

pub use names::{ChartStem, NameError, ProjectName, Tenant, UploadId};
pub use options::{
    AccessOptions, Account, AnonymousPull, Challenge, ChartDepth, Existing, HarborCharts, MetricsAccess,
    MinFree, MissingParts, Mode, Options, ProjectMakers, Projects, PublicUrl, PublicUrlError, TokenLife,
    Visibility,
};
pub use rights::{Domain, Grant, Rights, Role, RoleError};
pub use serve::{
    Certificate, Limits, Listener, Listening, PairFiles, Reach, TlsError, raise_descriptor_limit,
};
pub use server::{Depot, DepotError, Running, start, start_on};
