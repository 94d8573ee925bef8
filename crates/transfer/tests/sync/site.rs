//! A registry and a chart folder to sync into, and packages to sync.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use portolan_chart::Rules;
use portolan_chartrepo::{ConnectOptions, Target as ChartTarget, connect};
use portolan_oci::RegistryHost;
use portolan_registry::{Endpoint, Registry, RegistryOptions, Scheme, Stop};
use portolan_testkit::{
    docker_registry::{DockerRegistry, Options, Request},
    skopeo::Skopeo,
};
use portolan_transfer::{
    ChartPolicy, Charts, Check, Existing, ImagePolicy, MissingProjects, Plan, Preconditions, Report,
    Selection, Silent, SyncOptions, Target, execute, plan,
};
use tempfile::TempDir;

/// Where a test syncs to; everything goes with it.
pub(crate) struct Site {
    pub(crate) registry: DockerRegistry,
    pub(crate) skopeo: Skopeo,
    folder: TempDir,
}

impl Site {
    /// `None` where a program is missing and the test is to be skipped.
    pub(crate) fn start() -> Option<Self> {
        Self::with(&Options::default())
    }

    /// The same with another registry.
    pub(crate) fn with(options: &Options) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Some(Self { registry: DockerRegistry::start(options)?, skopeo: Skopeo::new()?, folder })
    }

    pub(crate) fn package_folder(&self) -> PathBuf {
        let folder = self.folder.path().join("package");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(crate) fn add_bundle(&self, name: &str, tar: &[u8]) -> PathBuf {
        let path = self.package_folder().join(name);
        fs::write(&path, tar).unwrap();
        path
    }

    pub(crate) fn charts_folder(&self) -> PathBuf {
        self.folder.path().join("charts")
    }

    pub(crate) fn options(&self) -> SyncOptions {
        SyncOptions {
            rules: Rules {
                registry: Some(self.registry.host()),
                repository: Some("release.test/module".parse().unwrap()),
                ..Rules::default()
            },
            push_host: None,
            repository_name: "myrepo".to_owned(),
            selection: Selection::All,
            images: ImagePolicy::Relocate,
            missing_projects: MissingProjects::Refuse,
            charts: ChartPolicy::AfterImages,
            existing: Existing::default(),
            check: Check::Names,
            only: None,
            jobs: 4,
            stop: Stop::default(),
        }
    }

    pub(crate) fn target(&self) -> Target {
        self.target_at(self.registry.host())
    }

    /// The same where the registry is reached by that address.
    pub(crate) fn target_at(&self, host: RegistryHost) -> Target {
        let endpoint = Endpoint::new(Scheme::Http, host);
        let path = self.charts_folder();
        Target {
            registry: Registry::new(endpoint, None, &RegistryOptions::default()).unwrap(),
            charts: local_charts(&path),
        }
    }

    /// A sync of the package folder to another target.
    pub(crate) async fn sync_to(&self, target: &Target, options: &SyncOptions) -> Report {
        let package = portolan_package::open(&self.package_folder()).unwrap();
        let plan = plan(Arc::new(package), target, options, &Silent).await.unwrap();
        execute(&plan, target, options, &Silent).await
    }

    pub(crate) async fn plan(&self, options: &SyncOptions) -> Result<Plan, Preconditions> {
        let package = portolan_package::open(&self.package_folder()).unwrap();
        plan(Arc::new(package), &self.target(), options, &Silent).await
    }

    pub(crate) async fn sync(&self, options: &SyncOptions) -> Report {
        let plan = self.plan(options).await.unwrap();
        execute(&plan, &self.target(), options, &Silent).await
    }

    /// Syncs the package folder as it stands, with the default options.
    pub(crate) async fn sync_all(&self) -> Report {
        self.sync(&self.options()).await
    }

    /// The requests since `earlier` ones, as `METHOD what`.
    pub(crate) fn requests_since(&self, earlier: usize) -> Vec<Request> {
        self.registry.requests().split_off(earlier)
    }
}

/// A chart repository in a directory.
pub(crate) fn local_charts(path: &Path) -> Charts {
    let (target, options) =
        (ChartTarget::Local { path: path.to_owned() }, ConnectOptions::new(SystemTime::UNIX_EPOCH));
    Charts::one(connect(&target, None, &options).unwrap())
}

/// Files below `folder`, by name, sorted.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
