//! For tests only: real programs, archives, charts and registries, started and taken down.
//!
//! The kit stands beside the product, not on it: it writes its archives and manifests with code of
//! its own, so that what a crate writes is never the only proof of what it reads.
//!
//! What a test needs and a machine may lack is asked for through [`components`]: a missing program
//! fails the test where `CI=true`, and elsewhere skips it, aloud. So starters give an `Option`:
//!
//! ```no_run
//! use portolan_testkit::docker_registry::{DockerRegistry, Options};
//!
//! let Some(registry) = DockerRegistry::start(&Options::default()) else { return };
//! println!("{}", registry.url());
//! ```
//!
//! Everything listens on loopback, on ports that the system chose, and ends with the value that holds it.

pub mod bundles;
pub mod charts;
pub mod cluster;
pub mod components;
pub mod docker_archive;
pub mod docker_registry;
pub mod faulty_proxy;
#[cfg(target_os = "linux")]
pub mod held;
pub mod helm;
pub mod images;
#[cfg(target_os = "linux")]
pub mod kubelet;
#[cfg(target_os = "linux")]
pub mod nodes;
pub mod oci_layout;
pub mod ports;
#[cfg(target_os = "linux")]
pub mod power_loss;
#[cfg(target_os = "linux")]
mod preload;
pub mod process;
pub mod proxy;
pub mod random;
pub mod runtimes;
pub mod scripted;
pub mod signing;
pub mod skopeo;
pub mod tarball;
pub mod tls;
pub mod tls_peer;
pub mod token_server;
