//! The configuration: charts-syncer's file, the environment and the arguments, resolved once into [`Settings`].
//!
//! ```text
//! file ──parse──▶ keys with lines ─┐
//! environment ─────────────────────┼──resolve──▶ Settings, or every problem at once
//! arguments ───────────────────────┘
//! ```
//!
//! Source of keys, variables and their precedence: formats.md section 5 and rules.md "Hosts, TLS, secrets".

mod cluster;
mod credentials;
mod environment;
mod error;
mod file;
mod find;
mod hosts;
mod keys;
mod known;
mod manifest;
mod named;
mod parse;
mod problems;
mod proxies;
mod resolve;
mod secret_file;
mod settings;

pub use cluster::{Carried, ClusterConfig, ClusterNode, ImportRequest, NodeRole, load_import};
pub use credentials::{GivenLogin, Logins};
pub use environment::{Environment, VARIABLES};
pub use error::{ConfigError, Problem, ProblemKind};
pub use find::{DEFAULT_NAME, find};
pub use keys::KEYS;
pub(crate) use keys::nearest;
pub use known::{Flags, KnownRegistries, RegistryAccess};
pub use manifest::{Component, InstallerManifest, Place, Section};
pub use named::NamedRegistry;
pub use resolve::{DEFAULT_JOBS, Naming, Overrides, load, naming, options_without_file};
pub use secret_file::{SecretError, SecretSource};
pub use settings::{
    ChartPlaces, ChartSettings, DockerSettings, FirstUse, KeyNames, MuseumAddress, PackageSettings,
    PushAddress, RegistrySettings, SchemeChoice, Settings, TlsSettings, Trust,
};

#[cfg(test)]
mod tests;
