//! Chart repositories of every kind behind one trait, [`ChartRepository`].
//!
//! | kind | module | written as |
//! | --- | --- | --- |
//! | `LOCAL` | [`local`] | a directory with an `index.yaml` |
//! | `OCI` | [`oci`] | an artifact `NAME:VERSION` in a registry |
//! | `CHARTMUSEUM` | [`chartmuseum`] | `POST /api/…/charts` |
//! | `HARBOR` | [`harbor`] | `POST /api/chartrepo/PROJECT/charts`, Harbor up to 2.7 |
//!
//! No kind ever overwrites a chart, and [`ChartRepository::find`] costs one request at most.
//! [`connect`] makes the one that a configuration names.

mod address;
pub mod chartmuseum;
mod connect;
mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod harbor;
mod http;
pub mod index;
pub mod local;
mod museum;
pub mod oci;
mod packed;

use async_trait::async_trait;
use bytes::Bytes;
use portolan_chart::ChartVersion;
use portolan_oci::Digest;

pub use address::AddressError;
pub use connect::{ConnectOptions, Target, connect};
pub use error::ChartRepoError;
pub use http::{Login, RemoteError};
pub use packed::{CHART_LIMIT, NameError, PackError, PackedChart};

/// One chart repository.
#[async_trait]
pub trait ChartRepository: Send + Sync {
    /// Kind and URL or path, for people; holds no secrets.
    fn location(&self) -> String;

    /// Where the chart goes, for plan and report: a path, URL or reference.
    fn target_of(&self, name: &str, version: &ChartVersion) -> String;

    /// The project that charts go to, where the URL names one; only a Harbor needs it made beforehand.
    fn project(&self) -> Option<&str> {
        None
    }

    /// Whether a chart of that name and version can lie here at all; nothing is asked.
    ///
    /// # Errors
    /// [`ChartRepoError`] with the name and what is wrong with it.
    fn takes(&self, name: &str, version: &ChartVersion) -> Result<(), ChartRepoError>;

    /// Whether the repository is reachable, is a chart repository, takes the credentials and may be
    /// written to, as far as that can be found without writing.
    ///
    /// # Errors
    /// [`ChartRepoError`] with what is wrong and what to do.
    async fn check(&self) -> Result<(), ChartRepoError>;

    /// Whether a chart is there.
    ///
    /// # Errors
    /// [`ChartRepoError`] where the repository can't be asked.
    async fn find(&self, name: &str, version: &ChartVersion) -> Result<Option<Published>, ChartRepoError>;

    /// The versions of a chart that the repository has, in no order; none where it has no such chart.
    ///
    /// # Errors
    /// [`ChartRepoError`] where the repository can't be asked.
    async fn versions(&self, name: &str) -> Result<Vec<ChartVersion>, ChartRepoError>;

    /// The archive of a chart, `None` where the repository has none; at most [`CHART_LIMIT`] bytes.
    ///
    /// # Errors
    /// [`ChartRepoError`] where it can't be read or is larger.
    async fn fetch(&self, name: &str, version: &ChartVersion) -> Result<Option<Bytes>, ChartRepoError>;

    /// The provenance file of a chart, `None` where the repository has none; at most
    /// [`PROVENANCE_LIMIT`](portolan_chart::PROVENANCE_LIMIT) bytes.
    ///
    /// # Errors
    /// [`ChartRepoError`] where it can't be read or is larger.
    async fn fetch_provenance(
        &self,
        name: &str,
        version: &ChartVersion,
    ) -> Result<Option<Bytes>, ChartRepoError>;

    /// Brings a chart with its provenance file. One that is there stays as it is; the very same archive
    /// counts as brought, and kind `OCI` then sends what lacks behind its name.
    ///
    /// # Errors
    /// [`ChartRepoError::Exists`] where the name and version are taken by another archive, else what
    /// went wrong. Nothing half written has a name then.
    async fn push(&self, chart: &PackedChart) -> Result<(), ChartRepoError>;

    /// Ends a run of pushes; kind `LOCAL` writes its index here. May be called without any push.
    ///
    /// # Errors
    /// [`ChartRepoError`] where that fails.
    async fn finish(&self) -> Result<(), ChartRepoError>;
}

/// A chart that a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// SHA-256 of its archive, where the repository says it without sending the archive. What differs
    /// here may still be the same chart packed by another program.
    pub digest: Option<Digest>,
}

impl Published {
    pub(crate) fn with_digest(digest: Digest) -> Self {
        Self { digest: Some(digest) }
    }
}
