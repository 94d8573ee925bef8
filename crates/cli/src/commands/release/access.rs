//! Which cluster a command is about, and which Helm.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use clap::Args;
use portolan_release::helm::{Access, Helm, HelmError, Search};
use portolan_release::{
    BackupError, Cluster, ClusterAccess, ClusterError, LeaseError, Namespace, ReleasesError,
};

use tempfile::NamedTempFile;

use super::service_account;
use crate::config::Environment;
use crate::failure::Failure;

/// The variable that stands for `--kubeconfig`.
const VARIABLE: &str = "KUBECONFIG";
/// The kubeconfig where nothing names another one, in the home directory.
const USUAL: &str = ".kube/config";

/// Which cluster, as whom, and which Helm.
#[derive(Debug, Clone, Args)]
pub(in crate::commands) struct ClusterArgs {
    #[command(flatten)]
    reach: ReachArgs,
    /// The namespace [default: that of the context]
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::commands) namespace: Option<Namespace>,
    /// Helm's program, 3.10 or newer, or 4 [default: `helm` on PATH]
    #[arg(long, value_name = "FILE")]
    helm: Option<PathBuf>,
}

impl ClusterArgs {
    /// A client of the cluster; nothing is asked of it yet.
    pub(in crate::commands) async fn cluster(&self, environment: &Environment) -> Result<Cluster, Failure> {
        self.reach.cluster(environment).await
    }

    /// Helm's program, and how it reaches the same cluster.
    pub(super) async fn helm(&self, environment: &Environment) -> Result<Helm, Failure> {
        let path = environment.get("PATH").unwrap_or_default();
        let search = match &self.helm {
            Some(program) => Search::Program(program),
            None => Search::Path(OsStr::new(path)),
        };
        let files = self.reach.files(environment)?;
        let kubeconfig = std::env::join_paths(files).map_err(|error| Failure::usage(&error))?;
        let access = Access { kubeconfig: Some(kubeconfig), context: self.reach.context.clone() };
        Helm::find(search, access).await.map_err(|error| helm_failed(&error))
    }

    /// The namespace that was named, else the context's.
    pub(super) fn namespace(&self, cluster: &Cluster) -> Result<Namespace, Failure> {
        match &self.namespace {
            Some(namespace) => Ok(namespace.clone()),
            None => cluster.default_namespace().parse().map_err(|error| Failure::usage(&error)),
        }
    }
}

/// Which cluster, and as whom.
#[derive(Debug, Clone, Args)]
pub(in crate::commands) struct ReachArgs {
    /// How to reach the cluster, and as whom [default: the files of the variable KUBECONFIG, else ~/.kube/config,
    /// else, in a pod, its service account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The kubeconfig of the service account, where it is needed; it goes with the run.
    #[arg(skip)]
    service_account: Arc<OnceLock<NamedTempFile>>,
}

impl ReachArgs {
    /// A client of the cluster; nothing is asked of it yet.
    pub(in crate::commands) async fn cluster(&self, environment: &Environment) -> Result<Cluster, Failure> {
        let access = ClusterAccess { files: self.files(environment)?, context: self.context.clone() };
        Cluster::connect(&access).await.map_err(|error| unusable_cluster(&error))
    }

    /// Whether somebody named a cluster.
    pub(in crate::commands) fn is_given(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }

    fn files(&self, environment: &Environment) -> Result<Vec<PathBuf>, Failure> {
        if let Some(file) = &self.kubeconfig {
            return Ok(vec![file.clone()]);
        }
        if let Some(list) = environment.get(VARIABLE) {
            return Ok(std::env::split_paths(list).filter(|file| !file.as_os_str().is_empty()).collect());
        }
        let usual = environment.home().map(|home| PathBuf::from(home).join(USUAL));
        match self.of_service_account(environment, usual.as_deref())? {
            Some(file) => Ok(vec![file]),
            None => Ok(usual.into_iter().collect()),
        }
    }

    /// The kubeconfig of the service account, where there is no usual one and this is a pod.
    fn of_service_account(
        &self,
        environment: &Environment,
        usual: Option<&Path>,
    ) -> Result<Option<PathBuf>, Failure> {
        if usual.is_some_and(Path::is_file) {
            return Ok(None);
        }
        if self.service_account.get().is_none()
            && let Some(file) = service_account::kubeconfig(environment)?
        {
            // Nobody else makes one meanwhile; if somebody did, theirs would do as well.
            let _ = self.service_account.set(file);
        }
        Ok(self.service_account.get().map(|file| file.path().to_owned()))
    }
}

fn unusable_cluster(error: &ClusterError) -> Failure {
    let failure = Failure::usage(error);
    match error {
        ClusterError::NoKubeconfig { .. } => {
            failure.with_hint(
                "name one with --kubeconfig, or in the variable KUBECONFIG; a pod is known by its service account",
            )
        }
        _ => failure,
    }
}

/// What Helm didn't do. That it isn't there is a matter of how the program was called.
pub(super) fn helm_failed(error: &HelmError) -> Failure {
    match error {
        HelmError::Missing | HelmError::Start { .. } | HelmError::Version { .. } => Failure::usage(error),
        _ => Failure::of(error),
    }
}

/// What the cluster didn't do.
pub(super) fn cluster_failed(error: &ClusterError) -> Failure {
    match error {
        ClusterError::Forbidden { .. } => Failure::of(error)
            .with_hint("have the kubeconfig's user given that right, or use another --context"),
        ClusterError::NoKubeconfig { .. } | ClusterError::Kubeconfig { .. } => unusable_cluster(error),
        _ => Failure::of(error),
    }
}

/// Why releases can't be told.
pub(in crate::commands) fn releases_failed(error: &ReleasesError) -> Failure {
    match error {
        ReleasesError::Cluster(error) => cluster_failed(error),
        ReleasesError::NoRelease { .. } => Failure::of(error)
            .with_hint("`portolan releases --all-namespaces` shows all; -n names the namespace"),
        _ => Failure::of(error),
    }
}

/// Why a backup could not be made.
pub(super) fn backup_failed(error: &BackupError) -> Failure {
    match error {
        BackupError::Cluster(error) => cluster_failed(error),
        BackupError::Helm(error) => helm_failed(error),
        BackupError::File(_) | BackupError::Form { .. } => Failure::of(error),
    }
}

/// Why a release can't be worked on.
pub(super) fn lease_failed(error: &LeaseError) -> Failure {
    match error {
        LeaseError::Taken { .. } => Failure::of(error).with_hint(
            "wait until that run ends; the Lease is its own, and ends by itself where the run died",
        ),
        LeaseError::Lost { .. } => Failure::of(error),
        LeaseError::Cluster(error) => cluster_failed(error),
    }
}
