//! From a configured target to the repository that stands for it.

use std::{fmt, path::PathBuf, time::SystemTime};

use portolan_registry::{Credentials, RegistryOptions, Scheme};

use crate::{
    ChartRepoError, ChartRepository, chartmuseum::ChartMuseum, harbor::Harbor, local::LocalRepository,
    oci::OciCharts,
};

/// A chart repository as the configuration names it: `target.repo.kind` with `url` or `path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `LOCAL`.
    Local {
        /// The directory.
        path: PathBuf,
    },
    /// `OCI`.
    Oci {
        /// `oci://HOST[/PATH]`, or with `http://` or `https://`.
        url: String,
    },
    /// `CHARTMUSEUM`.
    ChartMuseum {
        /// `http(s)://HOST[/TENANT]`.
        url: String,
    },
    /// `HARBOR`.
    Harbor {
        /// `http(s)://HOST/chartrepo/PROJECT`.
        url: String,
    },
}

/// What all repositories of a run share.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// How registries are spoken to; chart servers are with the same TLS, proxy and retries.
    pub registry: RegistryOptions,
    /// What `oci://` stands for: TLS, but where the configuration chose plain HTTP for that host.
    pub oci_scheme: Scheme,
    /// The time that new entries of a chart index bear.
    pub now: SystemTime,
}

impl ConnectOptions {
    /// Default options, TLS for `oci://`, and `now` for new index entries.
    pub fn new(now: SystemTime) -> Self {
        Self { registry: RegistryOptions::default(), oci_scheme: Scheme::Https, now }
    }
}

/// Makes the repository that `target` names. Nothing is asked of it yet: see
/// [`ChartRepository::check`].
///
/// # Errors
/// [`ChartRepoError`] where the URL is none for the kind, or the HTTP client can't be set up.
pub fn connect(
    target: &Target,
    credentials: Option<Credentials>,
    options: &ConnectOptions,
) -> Result<Box<dyn ChartRepository>, ChartRepoError> {
    let shared = &options.registry;
    Ok(match target {
        Target::Local { path } => Box::new(LocalRepository::new(path, options.now)),
        Target::Oci { url } => Box::new(OciCharts::new(url, options.oci_scheme, credentials, shared)?),
        Target::ChartMuseum { url } => Box::new(ChartMuseum::new(url, credentials, shared)?),
        Target::Harbor { url } => Box::new(Harbor::new(url, credentials, shared)?),
    })
}

impl fmt::Debug for dyn ChartRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.location())
    }
}
