//! From where a chart is said to be to the chart.

use std::path::{Path, PathBuf};

use portolan_chart::{Chart, ChartVersion};
use portolan_chartrepo::ChartRepository;
use portolan_transfer::ChartName;

use super::error::UpgradeError;
use super::options::{ChartSource, UpgradeOptions};
use super::package;
use crate::helm::{Helm, NamedRepository, Repositories};
use crate::local_chart::local_chart;
use crate::private::{self, FileError};

/// A chart, the file or folder that Helm is given, and where it comes from in words.
pub(super) struct Fetched {
    pub(super) chart: Chart,
    pub(super) path: PathBuf,
    pub(super) from: String,
    /// What a reader should know of it.
    pub(super) notes: Vec<String>,
}

impl Fetched {
    fn of(chart: Chart, path: PathBuf, from: String) -> Self {
        Self { chart, path, from, notes: Vec::new() }
    }
}

/// A repository that is ready to be asked, and its name.
pub(super) struct Ready<'a> {
    list: Repositories<'a>,
    name: String,
}

/// Makes sure that the repository is there, and reads its index. `None` where the chart comes from none.
pub(super) async fn ready<'a>(
    helm: &'a Helm,
    options: &UpgradeOptions,
    chart: &str,
    work: &Path,
) -> Result<Option<Ready<'a>>, UpgradeError> {
    match &options.source {
        ChartSource::Path(_) | ChartSource::Repository { .. } | ChartSource::Package(_) => Ok(None),
        ChartSource::Url { url, login, trust } => {
            let list = Repositories::in_folder(helm, work).trusting(trust.clone());
            let repository = NamedRepository { name: chart.to_owned(), url: url.clone() };
            list.add(&repository, login.as_ref()).await?;
            Ok(Some(Ready { list, name: repository.name }))
        }
        ChartSource::Listed { .. } => listed(helm, options, chart, work).await.map(Some),
    }
}

/// The repository of Helm's own list that has the name of the module; it is added where it lacks.
async fn listed<'a>(
    helm: &'a Helm,
    options: &UpgradeOptions,
    chart: &str,
    work: &Path,
) -> Result<Ready<'a>, UpgradeError> {
    let ChartSource::Listed { name, url, login, trust } = &options.source else {
        unreachable!("because the caller looked")
    };
    let usual = || {
        let mut names = vec![chart.to_owned(), options.release.name.to_string()];
        names.dedup();
        names
    };
    let names = name.as_ref().map_or_else(usual, |name| vec![name.clone()]);
    // A dry run leaves the user's indexes as they are, and reads into a folder of its own.
    let list = match options.dry_run {
        true => Repositories::of_user(helm).caching_in(work),
        false => Repositories::of_user(helm),
    };
    let list = list.trusting(trust.clone());
    let known = list.list().await?;
    let found = names.iter().find(|name| known.iter().any(|one| &one.name == *name));
    match (found, url) {
        (Some(name), _) => {
            list.update(name).await?;
            Ok(Ready { list, name: name.clone() })
        }
        (None, None) => Err(UpgradeError::NoRepository { names }),
        (None, Some(url)) => {
            let own = || Repositories::in_folder(helm, work).trusting(trust.clone());
            let list = if options.dry_run { own() } else { list };
            let repository = NamedRepository { name: names[0].clone(), url: url.clone() };
            list.add(&repository, login.as_ref()).await?;
            Ok(Ready { list, name: repository.name })
        }
    }
}

/// Chooses the version, and brings the chart.
pub(super) async fn fetch(
    options: &UpgradeOptions,
    repository: Option<&Ready<'_>>,
    chart: &str,
    work: &Path,
) -> Result<Fetched, UpgradeError> {
    match (&options.source, repository) {
        (ChartSource::Path(path), _) => {
            Ok(Fetched::of(local_chart(path)?, path.clone(), path.display().to_string()))
        }
        (ChartSource::Repository { repository, chart: named }, _) => {
            let chart = named.as_deref().unwrap_or(chart);
            from_repository(repository.as_ref(), chart, options.version.as_ref(), work).await
        }
        (ChartSource::Package(package), _) => {
            let only = options.installs.then(|| ChartName::CalledOrOnly(chart.to_owned()));
            let name = only.unwrap_or_else(|| ChartName::Called(chart.to_owned()));
            package::fetch(package, name, options.version.clone(), work).await
        }
        (_, Some(Ready { list, name })) => {
            let versions = list.versions(name, chart).await?.into_iter().map(|found| found.version).collect();
            let version = choose(versions, options.version.as_ref(), name, chart)?;
            let path = list.pull(name, chart, &version, work).await?;
            Ok(Fetched::of(local_chart(&path)?, path, format!("{name}/{chart}")))
        }
        (_, None) => unreachable!("because a chart of a repository has one"),
    }
}

/// Brings a chart from a repository that is asked without Helm.
async fn from_repository(
    repository: &dyn ChartRepository,
    chart: &str,
    wanted: Option<&ChartVersion>,
    work: &Path,
) -> Result<Fetched, UpgradeError> {
    let location = repository.location();
    let failed = |source| UpgradeError::Repository { location: location.clone(), source: Box::new(source) };
    let versions = match (repository.versions(chart).await, wanted) {
        (Ok(versions), _) => versions,
        // Some registries let nobody list tags, and give each of them to whoever knows it.
        (Err(_), Some(wanted)) => vec![wanted.clone()],
        (Err(error), None) => return Err(failed(error)),
    };
    let version = choose(versions, wanted, &location, chart)?;
    let archive = repository.fetch(chart, &version).await.map_err(failed)?;
    let archive = archive.ok_or_else(|| UpgradeError::NoVersion {
        repository: location.clone(),
        chart: chart.to_owned(),
        version: version.to_string(),
        present: Vec::new(),
    })?;
    let path = kept(work, &archive)?;
    Ok(Fetched::of(local_chart(&path)?, path, repository.target_of(chart, &version)))
}

/// Lays a chart's archive into the work folder.
pub(super) fn kept(work: &Path, archive: &[u8]) -> Result<PathBuf, FileError> {
    let path = work.join("chart.tgz");
    private::write_new(&path, archive)?;
    Ok(path)
}

/// The version that was asked for, else the newest stable one.
fn choose(
    mut present: Vec<ChartVersion>,
    wanted: Option<&ChartVersion>,
    repository: &str,
    chart: &str,
) -> Result<ChartVersion, UpgradeError> {
    present.sort_by(|one, other| other.cmp(one));
    let (repository, chart) = (repository.to_owned(), chart.to_owned());
    if present.is_empty() {
        return Err(UpgradeError::NoChart { repository, chart });
    }
    let chosen = match wanted {
        // `v0.21.0` and `0.21.0` are one version for Helm.
        Some(wanted) => present.iter().find(|version| version.semantic() == wanted.semantic()),
        None => present.iter().find(|version| version.semantic().pre.is_empty()),
    };
    chosen.cloned().ok_or_else(|| {
        let version = wanted.map_or_else(|| "stable version".to_owned(), ToString::to_string);
        UpgradeError::NoVersion { repository, chart, version, present }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(versions: &[&str]) -> Vec<ChartVersion> {
        versions.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_newest_stable_version_or_the_one_that_is_named() {
        let check = |versions: &[&str], wanted: Option<&str>, expected: &str| {
            let wanted = wanted.map(|text| text.parse().unwrap());
            let chosen = choose(found(versions), wanted.as_ref(), "site", "kpanda");
            let text = chosen.map_or_else(|error| error.to_string(), |version| version.to_string());
            assert_eq!(text, expected);
        };
        check(&["0.20.0", "0.21.0-rc.1", "0.9.0"], None, "0.20.0");
        check(&["0.20.0", "v0.21.0"], Some("0.21.0"), "v0.21.0");
        check(&["0.21.0-rc.1"], Some("0.21.0-rc.1"), "0.21.0-rc.1");
        let error = "the chart repository site has no kpanda stable version; it has 0.2.0-rc.1";
        check(&["0.2.0-rc.1"], None, error);
        check(&["0.2.0"], Some("0.3.0"), "the chart repository site has no kpanda 0.3.0; it has 0.2.0");
        check(&[], None, "the chart repository site has no chart kpanda");
    }
}
