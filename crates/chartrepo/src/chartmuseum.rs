//! Kind `CHARTMUSEUM`: a ChartMuseum, with tenants (`http://HOST/TENANT`) or without (`http://HOST`).

use async_trait::async_trait;
use bytes::Bytes;
use portolan_chart::ChartVersion;
use portolan_registry::{Credentials, RegistryOptions};
use reqwest::{Method, StatusCode};

use crate::{
    ChartRepoError, ChartRepository, PackedChart, Published, RemoteError,
    address::RepositoryUrl,
    http::Http,
    museum::{IndexPage, Interface, Museum, Upload},
    packed::ArchiveName,
};

/// A ChartMuseum, or one of its tenants.
#[derive(Clone, Debug)]
pub struct ChartMuseum {
    museum: Museum,
}

/// What is at an address of a ChartMuseum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A repository.
    One,
    /// A server that has a repository for each tenant, at `ADDRESS/TENANT`.
    Tenants,
}

impl ChartMuseum {
    /// The repository at `url`: `http(s)://HOST`, with the tenant's path where the server has tenants.
    ///
    /// # Errors
    /// [`ChartRepoError`] where the URL is none, or the HTTP client can't be set up.
    pub fn new(
        url: &str,
        credentials: Option<Credentials>,
        options: &RegistryOptions,
    ) -> Result<Self, ChartRepoError> {
        let url = RepositoryUrl::parse(url)?;
        Ok(Self { museum: Museum { http: Http::new(credentials, options)?, url } })
    }

    /// Whether one repository answers there, or a server with one for each tenant, whose root is a web page
    /// or nothing at all.
    ///
    /// # Errors
    /// [`ChartRepoError`] where the server can't be asked, or refuses the login.
    pub async fn layout(&self) -> Result<Layout, ChartRepoError> {
        let (museum, url) = (&self.museum, self.museum.index_url());
        match museum.glance_at_index().await? {
            IndexPage::Index => Ok(Layout::One),
            IndexPage::WebPage | IndexPage::Other => Ok(Layout::Tenants),
            IndexPage::Refused(answer) if answer.status == StatusCode::NOT_FOUND => Ok(Layout::Tenants),
            IndexPage::Refused(answer) => {
                Err(museum.refusal(&Method::GET, &url, answer, "read charts").into())
            }
        }
    }

    /// The tenant, where the address names one and nothing else.
    fn tenant(&self) -> Option<String> {
        match self.museum.url.segments().collect::<Vec<_>>()[..] {
            [tenant] => Some(tenant.to_owned()),
            _ => None,
        }
    }

    async fn check_index(&self) -> Result<(), RemoteError> {
        let museum = &self.museum;
        let url = museum.index_url();
        match museum.glance_at_index().await? {
            IndexPage::Index => Ok(()),
            IndexPage::WebPage => {
                Err(RemoteError::WebPage { url: url.into(), repository: museum.url.to_string() })
            }
            IndexPage::Other => Err(RemoteError::NoIndex { url: url.into(), tenant: None }),
            IndexPage::Refused(answer) if answer.status == StatusCode::NOT_FOUND => {
                Err(RemoteError::NoIndex { url: url.into(), tenant: self.tenant() })
            }
            IndexPage::Refused(answer) => Err(museum.refusal(&Method::GET, &url, answer, "read charts")),
        }
    }
}

#[async_trait]
impl ChartRepository for ChartMuseum {
    fn location(&self) -> String {
        format!("CHARTMUSEUM {}", self.museum.url)
    }

    fn target_of(&self, name: &str, version: &ChartVersion) -> String {
        format!("{}/charts/{name}-{version}.tgz", self.museum.url)
    }

    fn takes(&self, name: &str, version: &ChartVersion) -> Result<(), ChartRepoError> {
        Ok(ArchiveName::new(name, version).map(drop)?)
    }

    async fn check(&self) -> Result<(), ChartRepoError> {
        self.check_index().await?;
        match self.museum.try_upload_nothing().await? {
            Interface::Open => Ok(()),
            Interface::NoSuchPlace(status) => Err(self.museum.no_upload(status).into()),
        }
    }

    async fn find(&self, name: &str, version: &ChartVersion) -> Result<Option<Published>, ChartRepoError> {
        Ok(self.museum.find(&ArchiveName::new(name, version)?).await?)
    }

    async fn versions(&self, name: &str) -> Result<Vec<ChartVersion>, ChartRepoError> {
        Ok(self.museum.versions(name).await?)
    }

    async fn fetch(&self, name: &str, version: &ChartVersion) -> Result<Option<Bytes>, ChartRepoError> {
        Ok(self.museum.fetch(&ArchiveName::new(name, version)?).await?)
    }

    async fn fetch_provenance(
        &self,
        name: &str,
        version: &ChartVersion,
    ) -> Result<Option<Bytes>, ChartRepoError> {
        Ok(self.museum.fetch_provenance(&ArchiveName::new(name, version)?).await?)
    }

    async fn push(&self, chart: &PackedChart) -> Result<(), ChartRepoError> {
        match self.museum.upload(chart).await? {
            Upload::Saved => Ok(()),
            Upload::Exists => self.museum.settle_conflict(chart).await,
            Upload::NoSuchPlace(status) => Err(self.museum.no_upload(status).into()),
        }
    }

    async fn finish(&self) -> Result<(), ChartRepoError> {
        Ok(())
    }
}
