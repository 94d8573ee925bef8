//! One cluster, through its API server: connected to by a kubeconfig, asked and written to object by object.
//!
//! Objects are JSON as the server has them; nothing here knows the fields of a kind. What a kind is called in
//! URLs, and whether it lives in namespaces, is asked of the server once.

mod access;
mod error;
mod guarded;
mod kinds;
mod objects;
mod rights;

use std::collections::HashMap;
use std::sync::Arc;

use kube::Client;
use tokio::sync::Mutex;

pub use access::ClusterAccess;
pub use error::ClusterError;
pub(crate) use kinds::{CRD, EVENT, LEASE, NAMESPACE, NODE, POD, SECRET};
pub use kinds::{Kind, Scope};
pub use objects::{Applied, ApplyMode};

/// The name under which Portolan's fields stand in `managedFields`.
pub const FIELD_MANAGER: &str = "portolan";

/// A connection to a cluster. Clones share it.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    server: Arc<str>,
    namespace: Arc<str>,
    /// The kinds of each `apiVersion` that was asked about.
    kinds: Arc<Mutex<HashMap<String, Arc<Vec<Kind>>>>>,
}

impl Cluster {
    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The namespace that the kubeconfig's context names, else `default`.
    pub fn default_namespace(&self) -> &str {
        &self.namespace
    }

    /// Asks the server for its version, `v1.35.4` for instance: the first sign of life.
    ///
    /// # Errors
    /// [`ClusterError`] where it can't be reached, or takes us for nobody.
    pub async fn version(&self) -> Result<String, ClusterError> {
        let info = self.client.apiserver_version().await;
        info.map(|info| info.git_version)
            .map_err(|error| self.error("asking for the cluster's version", error))
    }

    fn error(&self, doing: impl Into<String>, error: kube::Error) -> ClusterError {
        ClusterError::of(doing.into(), &self.server, error)
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("server", &self.server).finish_non_exhaustive()
    }
}
