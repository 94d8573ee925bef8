//! What can go wrong with a chart repository of any kind.

use portolan_registry::{
    HttpError, RegistryError,
    retry::{Transient, Verdict},
};
use url::Url;

use crate::{AddressError, NameError, PackError, RemoteError, local::LocalError, oci::OciChartError};

/// What went wrong. Kinds that a caller acts on are [`Self::Exists`] and those of
/// [`Self::missing_project`]; the others say what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChartRepoError {
    /// Another archive has that name and version; it was left as it is.
    #[error("{target} exists already with other content; it was left as it is")]
    Exists {
        /// Where it is.
        target: String,
    },
    /// The configured URL is none for this kind of repository.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The chart's name can't be part of a path.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The chart can't be packed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A directory.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// A chart repository over HTTP.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// What lies in a registry is no chart, or the chart's name is none for a registry.
    #[error(transparent)]
    Oci(#[from] OciChartError),
    /// The registry that holds the charts.
    #[error("using the chart repository {location}")]
    Registry {
        /// The repository.
        location: String,
        /// What the registry answered.
        #[source]
        source: Box<RegistryError>,
    },
    /// The HTTP client can't be set up.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl ChartRepoError {
    /// What the registry that holds the charts answered, where that is what is wrong.
    pub fn registry_error(&self) -> Option<&RegistryError> {
        match self {
            Self::Registry { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Whether a repository that answers well can't give the archive that it says it has: it lacks, or is
    /// another one.
    pub fn is_of_the_archive(&self) -> bool {
        match self {
            Self::Registry { source, .. } => matches!(
                **source,
                RegistryError::NotFound { .. }
                    | RegistryError::DigestMismatch { .. }
                    | RegistryError::TooLarge { .. }
            ),
            Self::Oci(error) => {
                matches!(error, OciChartError::NotAChart { .. } | OciChartError::TooLarge { .. })
            }
            Self::Remote(error) => matches!(error, RemoteError::TooLarge { .. }),
            _ => false,
        }
    }

    /// Host and tenant of a ChartMuseum that has nothing there: where the host keeps projects for charts and
    /// images alike, as Portolan's depot does, the tenant may be one that has to be made first.
    pub fn missing_tenant(&self) -> Option<(String, &str)> {
        let Self::Remote(RemoteError::NoIndex { url, tenant: Some(tenant) }) = self else { return None };
        let host = Url::parse(url).ok()?.host_str()?.trim_matches(['[', ']']).to_owned();
        Some((host, tenant))
    }

    /// The project that has to be made first, where that is what is wrong.
    pub fn missing_project(&self) -> Option<&str> {
        match self {
            Self::Remote(RemoteError::ProjectMissing { project, .. })
            | Self::Oci(OciChartError::ProjectMissing { project, .. }) => Some(project),
            _ => None,
        }
    }
}

impl Transient for ChartRepoError {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Remote(error) => error.verdict(),
            Self::Registry { source, .. } => source.verdict(),
            _ => Verdict::Final,
        }
    }
}
