//! Kind `OCI`: charts as artifacts in a registry, `PATH/NAME:VERSION`, as `helm push` puts them there.
//!
//! Media types: formats.md, section 6, "OCI charts". The tag is the version with `+` as `_`, since tags
//! have no plus. The manifest bears no time, so that the same chart has the same digest in every run.

mod artifact;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use portolan_chart::{ChartVersion, PROVENANCE_LIMIT};
use portolan_oci::{Locator, Manifest, ReferenceError, Repository, Tag};
use portolan_registry::{Credentials, ProjectView, Registry, RegistryError, RegistryOptions, Scheme};

use crate::{
    CHART_LIMIT, ChartRepoError, ChartRepository, PackedChart, Published, address::OciAddress,
    packed::ArchiveName,
};
use artifact::{Artifact, chart_layer, provenance_layer};

/// The path of a registry below which charts lie.
#[derive(Clone, Debug)]
pub struct OciCharts {
    registry: Registry,
    address: OciAddress,
}

/// Charts that can't lie in a registry, and artifacts that are no charts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OciChartError {
    /// The chart's name is none for a registry, which wants lower case, or its version none for a tag.
    #[error("chart {chart} can't lie in a registry; another kind of target.repo may take it")]
    Name {
        /// Name and version.
        chart: String,
        /// What is wrong with it.
        #[source]
        source: ReferenceError,
    },
    /// The tag names an image, an index or some other artifact.
    #[error("{reference} is no Helm chart, but some other artifact; it was left as it is")]
    NotAChart {
        /// The reference.
        reference: String,
    },
    /// The registry has projects, and this one isn't there.
    #[error(
        "{registry}: project {project} isn't there, or this user has no right to it; create it, or use --auto-create-repository"
    )]
    ProjectMissing {
        /// The registry.
        registry: String,
        /// The project.
        project: String,
    },
    /// The archive is larger than a chart can be.
    #[error("the chart in {reference} is {size} bytes, more than the {} MiB that Helm takes", CHART_LIMIT >> 20)]
    TooLarge {
        /// The reference.
        reference: String,
        /// Its size in bytes, as the manifest says.
        size: u64,
    },
}

/// Where one version of one chart lies.
struct Place {
    repository: Repository,
    tag: Tag,
}

impl Place {
    fn locator(&self) -> Locator {
        Locator::Tag(self.tag.clone())
    }
}

impl OciCharts {
    /// Charts below `url`: `oci://HOST[/PATH]`, where `oci_scheme` says how it is spoken to, or with
    /// `http://` or `https://`.
    ///
    /// # Errors
    /// [`ChartRepoError`] where the URL is none, or the registry's client can't be set up.
    pub fn new(
        url: &str,
        oci_scheme: Scheme,
        credentials: Option<Credentials>,
        options: &RegistryOptions,
    ) -> Result<Self, ChartRepoError> {
        let address = OciAddress::parse(url, oci_scheme)?;
        let location = address.to_string();
        let registry = Registry::new(address.endpoint.clone(), credentials, options)
            .map_err(|source| ChartRepoError::Registry { location, source: Box::new(source) })?;
        Ok(Self { registry, address })
    }

    fn place(&self, name: &str, version: &ChartVersion) -> Result<Place, ChartRepoError> {
        // Whoever pulls it makes a file of that name.
        ArchiveName::new(name, version)?;
        let refused = |source| OciChartError::Name { chart: format!("{name}-{version}"), source };
        let repository = self.repository(name).map_err(refused)?;
        Ok(Place { repository, tag: version.tag().map_err(refused)? })
    }

    /// Where the versions of a chart lie.
    fn repository(&self, name: &str) -> Result<Repository, ReferenceError> {
        match &self.address.path {
            Some(path) => path.join(name),
            None => name.parse(),
        }
    }

    fn reference(&self, place: &Place) -> String {
        format!("{}/{}:{}", self.address.endpoint.host, place.repository, place.tag)
    }

    async fn manifest(&self, place: &Place) -> Result<Option<Manifest>, ChartRepoError> {
        let manifest = self.registry.get_manifest(&place.repository, &place.locator()).await;
        manifest.map_err(|error| self.failed(error))
    }

    fn failed(&self, source: RegistryError) -> ChartRepoError {
        ChartRepoError::Registry { location: self.location(), source: Box::new(source) }
    }

    /// Only a Harbor needs projects to be made; elsewhere every repository may come into being. The project
    /// is that of `path`, below which charts lie.
    async fn has_project(&self, path: &Repository) -> Result<bool, RegistryError> {
        if !self.registry.is_harbor().await? {
            return Ok(true);
        }
        // A repository has a project and a name; this one need not be there.
        let repository = path.join("charts").unwrap_or_else(|_| path.clone());
        Ok(self.registry.view_project(&repository).await? == ProjectView::There)
    }

    /// Sends what the registry doesn't have yet, the manifest last.
    async fn send(&self, place: &Place, artifact: &Artifact) -> Result<(), RegistryError> {
        self.send_blobs(place, artifact).await?;
        self.registry.put_manifest(&place.repository, &place.locator(), artifact.manifest()).await.map(drop)
    }

    async fn send_blobs(&self, place: &Place, artifact: &Artifact) -> Result<(), RegistryError> {
        for blob in artifact.blobs() {
            if !self.registry.blob_exists(&place.repository, &blob.expected().digest).await? {
                let source = Arc::new(blob.clone());
                self.registry.upload_blob(&place.repository, &blob.expected(), source, &|_| {}).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl ChartRepository for OciCharts {
    fn location(&self) -> String {
        format!("OCI {}", self.address)
    }

    fn target_of(&self, name: &str, version: &ChartVersion) -> String {
        let path = self.address.path.as_ref().map(|path| format!("{path}/")).unwrap_or_default();
        let tag = version.to_string().replace('+', "_");
        format!("{}/{path}{name}:{tag}", self.address.endpoint.host)
    }

    fn project(&self) -> Option<&str> {
        self.address.path.as_ref().map(Repository::project)
    }

    fn takes(&self, name: &str, version: &ChartVersion) -> Result<(), ChartRepoError> {
        self.place(name, version).map(drop)
    }

    /// The right to push shows at the first upload only: a registry has no way to ask.
    async fn check(&self) -> Result<(), ChartRepoError> {
        self.registry.ping().await.map_err(|error| self.failed(error))?;
        let Some(path) = &self.address.path else { return Ok(()) };
        if self.has_project(path).await.map_err(|error| self.failed(error))? {
            return Ok(());
        }
        let (registry, project) = (self.address.endpoint.to_string(), path.project().to_owned());
        Err(OciChartError::ProjectMissing { registry, project }.into())
    }

    async fn find(&self, name: &str, version: &ChartVersion) -> Result<Option<Published>, ChartRepoError> {
        let manifest = self.manifest(&self.place(name, version)?).await?;
        Ok(manifest
            .map(|manifest| Published { digest: chart_layer(&manifest).map(|layer| layer.digest.clone()) }))
    }

    async fn versions(&self, name: &str) -> Result<Vec<ChartVersion>, ChartRepoError> {
        let refused = |source| OciChartError::Name { chart: name.to_owned(), source };
        let tags = self
            .registry
            .tags(&self.repository(name).map_err(refused)?)
            .await
            .map_err(|error| self.failed(error))?;
        let version = |tag: &Tag| tag.as_str().replace('_', "+").parse().ok();
        Ok(tags.unwrap_or_default().iter().filter_map(version).collect())
    }

    async fn fetch(&self, name: &str, version: &ChartVersion) -> Result<Option<Bytes>, ChartRepoError> {
        let place = self.place(name, version)?;
        let Some(manifest) = self.manifest(&place).await? else { return Ok(None) };
        let reference = || self.reference(&place);
        let Some(layer) = chart_layer(&manifest) else {
            return Err(OciChartError::NotAChart { reference: reference() }.into());
        };
        if layer.size > CHART_LIMIT {
            return Err(OciChartError::TooLarge { reference: reference(), size: layer.size }.into());
        }
        let archive = self.registry.get_blob(&place.repository, &layer.digest, CHART_LIMIT).await;
        archive.map(Some).map_err(|error| self.failed(error))
    }

    async fn fetch_provenance(
        &self,
        name: &str,
        version: &ChartVersion,
    ) -> Result<Option<Bytes>, ChartRepoError> {
        let place = self.place(name, version)?;
        let manifest = self.manifest(&place).await?;
        let Some(layer) = manifest.as_ref().and_then(provenance_layer) else { return Ok(None) };
        let provenance = self.registry.get_blob(&place.repository, &layer.digest, PROVENANCE_LIMIT).await;
        provenance.map(Some).map_err(|error| self.failed(error))
    }

    async fn push(&self, chart: &PackedChart) -> Result<(), ChartRepoError> {
        let place = self.place(chart.name(), chart.version())?;
        let artifact = Artifact::new(chart);
        let sent = match self.find(chart.name(), chart.version()).await? {
            // The manifest stays as whoever wrote it has it; a blob behind it may have been lost.
            Some(there) if there.digest.as_ref() == Some(chart.digest()) => {
                self.send_blobs(&place, &artifact).await
            }
            Some(_) => return Err(ChartRepoError::Exists { target: self.reference(&place) }),
            None => self.send(&place, &artifact).await,
        };
        sent.map_err(|error| self.failed(error))
    }

    async fn finish(&self) -> Result<(), ChartRepoError> {
        Ok(())
    }
}
