//! The file of sites that are registered: `sites.json` in the data directory.
//!
//! ```text
//! DATA/sites.json    every site, by the URL of its cluster's API server
//! DATA/.sites.lock   held while the file is changed, so that two runs don't lose each other's
//! ```
//!
//! The file is replaced as a whole: whoever reads it sees the one before or the one after. It holds no secrets.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Version of the file's shape; raised when a member changes its meaning or goes away.
const SITES_VERSION: u32 = 1;
const SITES: &str = "sites.json";
const LOCK: &str = ".sites.lock";
/// How large the file may be: a site has some kilobytes.
const LIMIT: u64 = 16 << 20;

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sites {
    sites_version: u32,
    sites: Vec<Site>,
}

/// A site: a cluster, and where its charts and images lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Site {
    /// The cluster's name (`spec.clusterName`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The URL of its API server.
    pub(crate) server: String,
    /// When it was looked at, as RFC 3339 has it.
    pub(crate) written: String,
    /// The registry that its charts name, with a path where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) registry: Option<String>,
    /// Where its charts lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chart_repositories: Option<ChartRepositories>,
    /// What is installed.
    pub(crate) modules: Vec<Module>,
}

/// One chart repository, or one for each folder of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChartRepositories {
    /// `CHARTMUSEUM`, `HARBOR`, `OCI`.
    pub(crate) kind: String,
    /// Its URL, in which `FOLDER` stands for each folder.
    pub(crate) url: String,
    /// Whether there is one for each folder.
    pub(crate) by_folder: bool,
}

/// A module that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Module {
    /// Its name in `manifest.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) component: Option<String>,
    /// The version that stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wanted: Option<String>,
    /// Its chart.
    pub(crate) chart: String,
    /// Its release.
    pub(crate) release: String,
    /// Where that is.
    pub(crate) namespace: String,
    /// The number of its last revision.
    pub(crate) revision: u32,
    /// The chart's version of that.
    pub(crate) version: String,
    /// The state of that, in Helm's word.
    pub(crate) status: String,
}

/// Why a site can't be registered.
#[derive(Debug, thiserror::Error)]
pub(super) enum SitesError {
    #[error("cannot {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is no file of sites; move it away, and register again", path.display())]
    Form {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "{} is of version {version}, and this program writes {SITES_VERSION}: use the program that wrote it", path.display()
    )]
    Later { path: PathBuf, version: u32 },
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SitesError {
    move |source| SitesError::File { doing, path: path.to_owned(), source }
}

impl Sites {
    /// Registers a site in a directory, which is made where it lacks, and gives the file. What was registered of the
    /// same cluster before is replaced; others stay.
    ///
    /// # Errors
    /// [`SitesError`]; the file is as it was then.
    pub(super) fn register(directory: &Path, site: Site) -> Result<PathBuf, SitesError> {
        fs::create_dir_all(directory).map_err(failed("make the directory", directory))?;
        let lock = directory.join(LOCK);
        let held = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let _held = held.map_err(failed("lock", &lock))?;
        let path = directory.join(SITES);
        let mut sites = Self::read(&path)?;
        sites.put(site);
        sites.write(directory, &path).map_err(failed("write", &path))?;
        Ok(path)
    }

    /// What the file has; nothing where there is none.
    fn read(path: &Path) -> Result<Self, SitesError> {
        let mut bytes = Vec::new();
        match File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(failed("read", path))?,
        };
        let form = |source| SitesError::Form { path: path.to_owned(), source };
        let document: serde_json::Value = serde_json::from_slice(&bytes).map_err(form)?;
        // A later version may have any shape but for this member.
        let version = document["sitesVersion"].as_u64().and_then(|version| version.try_into().ok());
        match version {
            Some(version) if version > SITES_VERSION => {
                Err(SitesError::Later { path: path.to_owned(), version })
            }
            _ => serde_json::from_value(document).map_err(form),
        }
    }

    fn put(&mut self, site: Site) {
        self.sites_version = SITES_VERSION;
        match self.sites.iter_mut().find(|other| other.server == site.server) {
            Some(other) => *other = site,
            None => self.sites.push(site),
        }
    }

    /// Into a hidden file, which gets the name once it is whole and on the disk.
    fn write(&self, directory: &Path, path: &Path) -> io::Result<()> {
        let mut hidden = tempfile::Builder::new()
            .prefix(".sites-")
            .suffix(".part")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(directory)?;
        serde_json::to_writer_pretty(&mut hidden, self)?;
        hidden.write_all(b"\n")?;
        hidden.as_file().sync_all()?;
        hidden.persist(path).map_err(|error| error.error)?;
        File::open(directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(server: &str, modules: &[&str]) -> Site {
        let module = |name: &&str| Module {
            component: Some(name.to_string()),
            wanted: None,
            chart: name.to_string(),
            release: name.to_string(),
            namespace: format!("{name}-system"),
            revision: 1,
            version: "0.1.0".to_owned(),
            status: "deployed".to_owned(),
        };
        Site {
            name: None,
            server: server.to_owned(),
            written: "2026-01-02T03:04:05Z".to_owned(),
            registry: Some("10.6.135.222".to_owned()),
            chart_repositories: None,
            modules: modules.iter().map(module).collect(),
        }
    }

    #[test]
    fn a_site_replaces_itself_alone() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let path = Sites::register(&data, site("https://a", &["kpanda"])).unwrap();
        Sites::register(&data, site("https://b", &[])).unwrap();
        Sites::register(&data, site("https://a", &["kpanda", "kant"])).unwrap();
        let sites = Sites::read(&path).unwrap().sites;
        assert_eq!(sites, [site("https://a", &["kpanda", "kant"]), site("https://b", &[])]);
        let left: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn the_shape_of_the_file() {
        let place = tempfile::tempdir().unwrap();
        let path = Sites::register(place.path(), site("https://a", &["kpanda"])).unwrap();
        let found: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let expected = serde_json::json!({"sitesVersion": 1, "sites": [{"server": "https://a",
            "written": "2026-01-02T03:04:05Z", "registry": "10.6.135.222", "modules": [{"component": "kpanda",
            "chart": "kpanda", "release": "kpanda", "namespace": "kpanda-system", "revision": 1,
            "version": "0.1.0", "status": "deployed"}]}]});
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_that_is_none_stays_as_it_is() {
        let check = |text: &str, expected: &str| {
            let place = tempfile::tempdir().unwrap();
            let path = place.path().join(SITES);
            fs::write(&path, text).unwrap();
            let error = Sites::register(place.path(), site("https://a", &[])).unwrap_err();
            assert_eq!(error.to_string(), format!("{} {expected}", path.display()));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        };
        check("{", "is no file of sites; move it away, and register again");
        check("[]", "is no file of sites; move it away, and register again");
        let later = "is of version 2, and this program writes 1: use the program that wrote it";
        check("{\"sitesVersion\": 2}", later);
    }
}
