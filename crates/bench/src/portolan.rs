//! Portolan's own rows: the first sync, and the same once more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portolan_testkit::docker_registry::{DockerRegistry, Request};

use crate::Outcome;
use crate::child::{self, Cost};
use crate::link::Way;
use crate::material::Package;

/// The program that is measured.
pub(crate) struct Portolan {
    program: PathBuf,
}

/// Requests of one run, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    /// On manifests.
    pub(crate) manifests: usize,
    /// On blobs and uploads.
    pub(crate) blobs: usize,
    /// All others: signing in, asking what kind of registry it is.
    pub(crate) others: usize,
}

/// What the two runs gave.
pub(crate) struct Runs {
    pub(crate) cold: Cost,
    pub(crate) again: Cost,
    pub(crate) again_requests: Requests,
}

impl Portolan {
    /// That program, or the one of this build, built where it is missing or old.
    pub(crate) fn find(given: Option<&Path>) -> Outcome<Self> {
        if let Some(program) = given {
            return Ok(Self { program: fs::canonicalize(program)? });
        }
        let bench = std::env::current_exe()?;
        let release = bench.parent().ok_or("the benchmark lies in a folder")?;
        let target = release.parent().ok_or("the benchmark lies in a target folder")?;
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release", "-p", "portolan-cli", "--target-dir"]).arg(target);
        if !cargo.status()?.success() {
            return Err("portolan did not build; --portolan names a program that is there".into());
        }
        Ok(Self { program: target.join("release/portolan") })
    }

    /// Where it lies.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Syncs the package into a registry, and then once more.
    pub(crate) fn run(
        &self,
        registry: &DockerRegistry,
        way: &Way,
        package: &Package,
        work: &Path,
    ) -> Outcome<Runs> {
        let work = tempfile::tempdir_in(work)?;
        let config = work.path().join("config.yaml");
        fs::write(&config, configuration(way, &package.folder, &work.path().join("charts")))?;
        let cold = self.sync(&config, way, work.path())?;
        let before = registry.requests().len();
        let again = self.sync(&config, way, work.path())?;
        let again_requests = Requests::count(&registry.requests()[before..]);
        Ok(Runs { cold, again, again_requests })
    }

    /// Runs in a folder that is empty and has to stay so, with no place for temporary files.
    pub(crate) fn sync(&self, config: &Path, way: &Way, work: &Path) -> Outcome<Cost> {
        let empty = tempfile::tempdir_in(work)?;
        let mut command = Command::new(&self.program);
        command.args(["sync", "--config"]).arg(config).current_dir(empty.path());
        command.args(way.ca_file.iter().flat_map(|file| ["--ca-file".as_ref(), file.as_os_str()]));
        command.env("TMPDIR", work.join("absent")).env("HOME", empty.path());
        let cost = child::measure(&command, &work.join("portolan.log"))?;
        match fs::read_dir(empty.path())?.next() {
            Some(left) => Err(format!("portolan left {} behind", left?.path().display()).into()),
            None => Ok(cost),
        }
    }
}

/// A configuration that brings a package to a registry, and its charts into a folder.
pub(crate) fn configuration(way: &Way, package: &Path, charts: &Path) -> String {
    let (bundles, charts) = (package.display(), charts.display());
    let (host, url) = (&way.host, way.url());
    format!(
        "source:\n  intermediateBundlesPath: {bundles}\n\
         target:\n  containerRegistry: {host}\n  containers: {{url: {url}}}\n  \
         repo: {{kind: LOCAL, path: {charts}}}\n"
    )
}

impl Requests {
    fn count(requests: &[Request]) -> Self {
        let mut count = Self::default();
        for request in requests {
            let target = request.target.as_str();
            let kind = match target {
                _ if target.contains("/manifests/") => &mut count.manifests,
                _ if target.contains("/blobs/") => &mut count.blobs,
                _ => &mut count.others,
            };
            *kind += 1;
        }
        count
    }
}
