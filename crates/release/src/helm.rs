//! Helm's own program: found, recognised, and called.
//!
//! Templates, rendering, and what a release is, stay Helm's. What differs between its versions is known in
//! the module `flags` alone. Nothing secret stands in an argument: values go through standard input.

mod call;
mod error;
mod flags;
mod left;
mod release;
mod render;
mod repositories;
mod version;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

pub use call::{Input, Output};
pub use error::HelmError;
pub use left::Marks;
pub use release::{HelmRelease, Upgrade, UpgradeEnd};
pub use repositories::{
    FoundVersion, NamedRepository, NewestChart, Repositories, RepositoryLogin, RepositoryTrust,
};
pub use version::{HelmVersion, Line, VersionError};

use call::Call;

/// Helm's program, and how it reaches the cluster.
#[derive(Clone, Debug)]
pub struct Helm {
    program: PathBuf,
    version: HelmVersion,
    access: Access,
    marks: Option<Marks>,
}

/// How Helm reaches the cluster. What is `None` it finds by its own rules.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The value of `KUBECONFIG`: one or more files.
    pub kubeconfig: Option<OsString>,
    /// A context of those files.
    pub context: Option<String>,
}

/// Where Helm's program is looked for.
#[derive(Clone, Copy, Debug)]
pub enum Search<'a> {
    /// This file.
    Program(&'a Path),
    /// The folders of a `PATH`.
    Path(&'a OsStr),
}

impl Helm {
    /// Finds the program and asks it for its version.
    ///
    /// # Errors
    /// [`HelmError`] where there is none, it doesn't run, or it is of a version that is not supported.
    pub async fn find(search: Search<'_>, access: Access) -> Result<Self, HelmError> {
        let program = match search {
            Search::Program(path) => path.to_owned(),
            Search::Path(path) => on_path(path).ok_or(HelmError::Missing)?,
        };
        let version = ask_version(&program).await?;
        Ok(Self { program, version, access, marks: None })
    }

    /// The same, telling other runs on this machine while it changes a release.
    #[must_use]
    pub fn marking(self, marks: Marks) -> Self {
        Self { marks: Some(marks), ..self }
    }

    /// Waits until no Helm that a killed run has left is at work on the release; `tell` hears of it where one is.
    pub(crate) async fn wait_for_left(
        &self,
        release: &HelmRelease,
        tell: impl FnOnce(),
    ) -> Result<(), HelmError> {
        match &self.marks {
            Some(marks) => marks.wait(release, tell).await,
            None => Ok(()),
        }
    }

    /// A call that changes the release, and tells of it.
    fn changing(&self, release: &HelmRelease, doing: String, arguments: &[&str]) -> Result<Call, HelmError> {
        let mark = self.marks.as_ref().map(|marks| marks.take(release)).transpose()?;
        Ok(self.on_cluster(doing, arguments).holding(mark))
    }

    /// Its version.
    pub fn version(&self) -> &HelmVersion {
        &self.version
    }

    /// The program's file.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A call that speaks to the cluster.
    fn on_cluster(&self, doing: impl Into<String>, arguments: &[&str]) -> Call {
        let mut call = self.call(doing, arguments);
        if let Some(context) = &self.access.context {
            call = call.with(["--kube-context", context]);
        }
        call.environment("KUBECONFIG", self.access.kubeconfig.as_deref())
    }

    fn call(&self, doing: impl Into<String>, arguments: &[&str]) -> Call {
        Call::new(&self.program, doing).with(arguments)
    }
}

fn on_path(path: &OsStr) -> Option<PathBuf> {
    let name = format!("helm{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path).map(|folder| folder.join(&name)).find(|candidate| candidate.is_file())
}

async fn ask_version(program: &Path) -> Result<HelmVersion, HelmError> {
    let call =
        Call::new(program, "asking Helm for its version").with(["version", "--template", "{{.Version}}"]);
    let printed = call.run().await?.text()?;
    printed.parse().map_err(|source| HelmError::Version { program: program.to_owned(), source })
}
