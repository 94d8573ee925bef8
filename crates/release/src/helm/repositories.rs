//! The chart repositories that Helm knows: its own list, or one that is made for a run and forgotten.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use portolan_chart::ChartVersion;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::Helm;
use super::call::{Call, Input};
use super::error::HelmError;

/// A list of repositories, with the files that it lies in.
#[derive(Clone, Debug)]
pub struct Repositories<'a> {
    helm: &'a Helm,
    /// The file of a list of its own.
    config: Option<PathBuf>,
    /// A folder of its own for indexes.
    cache: Option<PathBuf>,
    trust: RepositoryTrust,
}

/// Which certificates of a repository's server are believed, beside what the system believes. Helm's list keeps it
/// with the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryTrust {
    /// The file of the authority that signed the certificate.
    pub ca_file: Option<PathBuf>,
    /// Whether any certificate will do.
    pub accepts_any_certificate: bool,
}

/// A repository of the list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NamedRepository {
    /// The name that the site gave it.
    pub name: String,
    /// Its URL.
    pub url: String,
}

/// Whom a repository takes us for.
#[derive(Clone, Debug)]
pub struct RepositoryLogin {
    /// Name.
    pub user: String,
    /// Password.
    pub password: SecretString,
}

/// A version of a chart that a repository has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundVersion {
    /// The chart's version.
    pub version: ChartVersion,
    /// What the chart says of the version of what it installs.
    pub app_version: String,
}

/// The newest stable version of a chart in one of the repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewestChart {
    /// The repository's name.
    pub repository: String,
    /// The chart's name.
    #[serde(skip)]
    pub chart: String,
    /// The version.
    pub version: ChartVersion,
}

/// A line of `helm search repo`.
#[derive(Debug, Deserialize)]
struct SearchLine {
    name: String,
    version: String,
    #[serde(default)]
    app_version: String,
}

impl<'a> Repositories<'a> {
    /// The list that belongs to whoever runs the program.
    pub fn of_user(helm: &'a Helm) -> Self {
        Self { helm, config: None, cache: None, trust: RepositoryTrust::default() }
    }

    /// A list of its own in `folder`; the user's stays as it is.
    pub fn in_folder(helm: &'a Helm, folder: &Path) -> Self {
        let config = Some(folder.join("repositories.yaml"));
        Self { config, ..Self::of_user(helm).caching_in(folder) }
    }

    /// The same with indexes read into `folder`; the user's stay as they are.
    #[must_use]
    pub fn caching_in(self, folder: &Path) -> Self {
        Self { cache: Some(folder.join("indexes")), ..self }
    }

    /// The same, believing certificates so where a repository is added.
    #[must_use]
    pub fn trusting(self, trust: RepositoryTrust) -> Self {
        Self { trust, ..self }
    }

    /// All repositories of the list.
    ///
    /// # Errors
    /// [`HelmError`] where Helm fails.
    pub async fn list(&self) -> Result<Vec<NamedRepository>, HelmError> {
        let call = self.call("reading Helm's list of repositories", &["repo", "list", "--output", "json"]);
        match call.run().await {
            Err(error) if has_no_repositories(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(output) => output.json(),
        }
    }

    /// Adds a repository, and reads its index.
    ///
    /// # Errors
    /// [`HelmError`] where it can't be reached or is none.
    pub async fn add(
        &self,
        repository: &NamedRepository,
        login: Option<&RepositoryLogin>,
    ) -> Result<(), HelmError> {
        let NamedRepository { name, url } = repository;
        let call = self.call(format!("adding the chart repository {name}"), &["repo", "add", name, url]);
        let mut call = call.with(["--force-update"]).with(self.trust.flags());
        if let Some(RepositoryLogin { user, password }) = login {
            let password = Input::from(password.expose_secret().as_bytes().to_vec());
            call = call.with(["--username", user, "--password-stdin"]).input(password);
        }
        call.run().await.map(drop)
    }

    /// Reads a repository's index again.
    ///
    /// # Errors
    /// [`HelmError`] where it can't be reached.
    pub async fn update(&self, name: &str) -> Result<(), HelmError> {
        let doing = format!("reading the index of the chart repository {name}");
        self.call(doing, &["repo", "update", name]).run().await.map(drop)
    }

    /// The versions that a repository has of a chart, in the index as it was last read.
    ///
    /// # Errors
    /// [`HelmError`] where Helm fails.
    pub async fn versions(&self, repository: &str, chart: &str) -> Result<Vec<FoundVersion>, HelmError> {
        let name = format!("{repository}/{chart}");
        let doing = format!("looking for versions of {name}");
        // Development versions are told apart by whoever chooses.
        let call = self.call(doing, &["search", "repo", &name, "--versions", "--devel", "--output", "json"]);
        let lines: Vec<SearchLine> = call.run().await?.json()?;
        let of_chart = lines.into_iter().filter(|line| line.name == name);
        Ok(of_chart.filter_map(found).collect())
    }

    /// The newest stable version of every chart of every repository, in the indexes as they were last read.
    ///
    /// # Errors
    /// [`HelmError`] where Helm fails.
    pub async fn newest(&self) -> Result<Vec<NewestChart>, HelmError> {
        let call = self.call("looking for newer charts", &["search", "repo", "--output", "json"]);
        match call.run().await {
            Err(error) if has_no_repositories(&error) => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(output) => Ok(output.json::<Vec<SearchLine>>()?.iter().filter_map(newest).collect()),
        }
    }

    /// Brings a chart's archive into `folder`, and gives its path.
    ///
    /// # Errors
    /// [`HelmError`] where Helm fails.
    pub async fn pull(
        &self,
        repository: &str,
        chart: &str,
        version: &ChartVersion,
        folder: &Path,
    ) -> Result<PathBuf, HelmError> {
        let (name, version) = (format!("{repository}/{chart}"), version.to_string());
        let call = self.call(format!("fetching {name} {version}"), &["pull", &name, "--version", &version]);
        // That any certificate will do Helm's list says only of the index.
        let call = call.with(self.trust.flags());
        call.with(["--destination".into(), folder.as_os_str().to_owned()]).run().await?;
        Ok(folder.join(format!("{chart}-{version}.tgz")))
    }

    fn call(&self, doing: impl Into<String>, arguments: &[&str]) -> Call {
        let mut call = self.helm.call(doing, arguments);
        for (flag, path) in [("--repository-config", &self.config), ("--repository-cache", &self.cache)] {
            if let Some(path) = path {
                call = call.with([flag.as_ref(), path.as_os_str()]);
            }
        }
        call
    }
}

impl RepositoryTrust {
    fn flags(&self) -> Vec<OsString> {
        let any = self.accepts_any_certificate.then(|| OsString::from("--insecure-skip-tls-verify"));
        // Helm writes it down as it is given, and reads it from anywhere later.
        let absolute = |file: &PathBuf| std::path::absolute(file).unwrap_or_else(|_| file.clone());
        let ca = self.ca_file.iter().flat_map(|file| ["--ca-file".into(), absolute(file).into_os_string()]);
        any.into_iter().chain(ca).collect()
    }
}

/// A line of the search; one whose version is none is a chart that nobody can ask for.
fn found(line: SearchLine) -> Option<FoundVersion> {
    Some(FoundVersion { version: line.version.parse().ok()?, app_version: line.app_version })
}

fn newest(line: &SearchLine) -> Option<NewestChart> {
    let (repository, chart) = line.name.split_once('/')?;
    let version = line.version.parse().ok()?;
    Some(NewestChart { repository: repository.to_owned(), chart: chart.to_owned(), version })
}

/// Helm fails where its list is empty.
fn has_no_repositories(error: &HelmError) -> bool {
    let words = ["no repositories to show", "no repositories configured"];
    error.said().is_some_and(|said| words.iter().any(|word| said.contains(word)))
}
