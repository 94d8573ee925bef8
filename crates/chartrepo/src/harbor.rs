//! Kind `HARBOR`: the chart repositories that Harbor had up to 2.7, `https://HOST/chartrepo/PROJECT`.
//!
//! Facts: formats.md, section 6. Harbor may answer 201 to a chart that it has, so it is asked first.
//! A missing project shows as 401, since Harbor hides what a user may not see. From 2.8 on every path
//! of these is 404, and charts go into the registry (kind `OCI`).

use async_trait::async_trait;
use bytes::Bytes;
use portolan_chart::ChartVersion;
use portolan_registry::{Credentials, RegistryOptions};
use reqwest::{Method, StatusCode};

use crate::{
    AddressError, ChartRepoError, ChartRepository, PackedChart, Published, RemoteError,
    address::RepositoryUrl,
    http::{Answer, Http},
    museum::{IndexPage, Interface, Museum, Upload},
    packed::ArchiveName,
};

/// How much of an answer is looked at to know what it is, in bytes.
const GLANCE: u64 = 1024;

/// The chart repository of a Harbor project.
#[derive(Clone, Debug)]
pub struct Harbor {
    museum: Museum,
    project: String,
}

impl Harbor {
    /// The repository at `url`: `http(s)://HOST/chartrepo/PROJECT`.
    ///
    /// # Errors
    /// [`ChartRepoError`] where the URL is no such one, or the HTTP client can't be set up.
    pub fn new(
        url: &str,
        credentials: Option<Credentials>,
        options: &RegistryOptions,
    ) -> Result<Self, ChartRepoError> {
        let address = RepositoryUrl::parse(url)?;
        let project = match address.segments().collect::<Vec<_>>()[..] {
            ["chartrepo", project] => project.to_owned(),
            _ => return Err(AddressError::Harbor { text: url.to_owned() }.into()),
        };
        let http = Http::new(credentials, options)?;
        Ok(Self { museum: Museum { http, url: address }, project })
    }

    /// Why the chart paths of this project answer as if they weren't there: for want of the project, or
    /// because this Harbor has none of them. Robot accounts may not be told of projects.
    async fn explain_absence(&self) -> RemoteError {
        match self.project_is_there().await {
            Ok(true) => self.without_charts(),
            _ if self.has_no_charts().await => self.without_charts(),
            Ok(false) => self.project_missing(),
            Err(error) => error,
        }
    }

    /// Whether it is a Harbor for certain, and one without chart repositories: those have a path of their
    /// own that names no project. Where that can't be asked, it counts as having them.
    async fn has_no_charts(&self) -> bool {
        let get = |below: &[&str]| {
            let url = self.museum.url.host(below);
            async move { self.museum.http.get_beginning(&url, GLANCE).await }
        };
        let (ping, health) =
            (get(&["api", "v2.0", "ping"]).await, get(&["api", "chartrepo", "health"]).await);
        let is_harbor = |answer: Answer| answer.status == StatusCode::OK && answer.body.starts_with(b"Pong");
        ping.is_ok_and(is_harbor) && health.is_ok_and(|answer| answer.status == StatusCode::NOT_FOUND)
    }

    /// Why this user is refused: a project that isn't there looks the same.
    async fn explain_refusal(&self, method: &Method, answer: Answer, doing: &'static str) -> RemoteError {
        let refused = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if refused && matches!(self.project_is_there().await, Ok(false)) {
            return self.project_missing();
        }
        self.museum.refusal(method, &self.museum.charts_url(), answer, doing)
    }

    async fn project_is_there(&self) -> Result<bool, RemoteError> {
        let mut url = self.museum.url.host(&["api", "v2.0", "projects"]);
        url.query_pairs_mut().append_pair("project_name", &self.project);
        let answer = self.museum.http.head(&url).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.museum.refusal(&Method::HEAD, &url, answer, "see projects")),
        }
    }

    fn project_missing(&self) -> RemoteError {
        RemoteError::ProjectMissing { repository: self.museum.url.to_string(), project: self.project.clone() }
    }

    fn without_charts(&self) -> RemoteError {
        let root = self.museum.url.host(&[]);
        let host = root.as_str().trim_end_matches('/');
        let oci = format!("{host}/{}", self.project);
        RemoteError::HarborWithoutCharts { repository: self.museum.url.to_string(), oci }
    }

    async fn check_index(&self) -> Result<(), RemoteError> {
        match self.museum.glance_at_index().await? {
            IndexPage::Index => Ok(()),
            // The portal's page stands for every path that Harbor doesn't know.
            IndexPage::WebPage | IndexPage::Other => Err(self.explain_absence().await),
            IndexPage::Refused(answer) if answer.status == StatusCode::NOT_FOUND => {
                Err(self.explain_absence().await)
            }
            IndexPage::Refused(answer) => {
                Err(self.explain_refusal(&Method::GET, answer, "read charts").await)
            }
        }
    }
}

#[async_trait]
impl ChartRepository for Harbor {
    fn location(&self) -> String {
        format!("HARBOR {}", self.museum.url)
    }

    fn target_of(&self, name: &str, version: &ChartVersion) -> String {
        format!("{}/charts/{name}-{version}.tgz", self.museum.url)
    }

    fn project(&self) -> Option<&str> {
        Some(&self.project)
    }

    fn takes(&self, name: &str, version: &ChartVersion) -> Result<(), ChartRepoError> {
        Ok(ArchiveName::new(name, version).map(drop)?)
    }

    async fn check(&self) -> Result<(), ChartRepoError> {
        self.check_index().await?;
        match self.museum.try_upload_nothing().await? {
            Interface::Open => Ok(()),
            Interface::NoSuchPlace(_) => Err(self.explain_absence().await.into()),
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
        if let Some(there) = self.museum.find(chart.file()).await? {
            return self.museum.compare(chart, Some(&there));
        }
        match self.museum.upload(chart).await? {
            Upload::Saved => Ok(()),
            Upload::Exists => self.museum.settle_conflict(chart).await,
            Upload::NoSuchPlace(_) => Err(self.explain_absence().await.into()),
        }
    }

    async fn finish(&self) -> Result<(), ChartRepoError> {
        Ok(())
    }
}
