//! The cluster that all these tests share, each in a namespace of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use async_trait::async_trait;
use portolan_oci::RegistryHost;
use portolan_registry::Registry;
use portolan_release::helm::{Access, Helm, HelmRelease, Search};
use portolan_release::upgrade::Registries;
use portolan_release::{Cluster, ClusterAccess, Namespace};
use portolan_testkit::charts::Chart;
use portolan_testkit::cluster::{self, Options};
use portolan_testkit::components::Component;
use portolan_testkit::process;
use tempfile::TempDir;

static CLUSTER: LazyLock<Option<cluster::Cluster>> =
    LazyLock::new(|| cluster::Cluster::start(&Options::default()));

/// The shared cluster, with a namespace of that name. `None` where a program is missing and the test is to be
/// skipped.
pub(crate) fn kubernetes(namespace: &str) -> Option<&'static cluster::Cluster> {
    let kubernetes = CLUSTER.as_ref()?;
    kubernetes.namespace(namespace);
    Some(kubernetes)
}

/// No registry can be asked.
pub(crate) struct Nobody;

#[async_trait]
impl Registries for Nobody {
    async fn registry(&self, _: &RegistryHost) -> Result<Registry, String> {
        Err("nobody is asked in this test".to_owned())
    }
}

/// A namespace of the shared cluster, and a Helm.
pub(crate) struct Site {
    pub(crate) kubernetes: &'static cluster::Cluster,
    pub(crate) cluster: Cluster,
    pub(crate) helm: Helm,
    pub(crate) namespace: Namespace,
    tool: portolan_testkit::helm::Helm,
    folder: TempDir,
}

impl Site {
    /// `None` where a program is missing and the test is to be skipped.
    pub(crate) async fn start(namespace: &str, helm: &Component) -> Option<Self> {
        let tool = portolan_testkit::helm::Helm::new(helm)?;
        let kubernetes = kubernetes(namespace)?;
        let access = ClusterAccess { files: vec![kubernetes.kubeconfig().to_owned()], context: None };
        let cluster = Cluster::connect(&access).await.unwrap();
        let program = helm.find().unwrap();
        let access = Access { kubeconfig: Some(kubernetes.kubeconfig().into()), context: None };
        let helm = Helm::find(Search::Program(&program), access).await.unwrap();
        let namespace = namespace.parse().unwrap();
        Some(Self { kubernetes, cluster, helm, namespace, tool, folder: tempfile::tempdir().unwrap() })
    }

    pub(crate) fn release(&self, name: &str) -> HelmRelease {
        HelmRelease { name: name.parse().unwrap(), namespace: self.namespace.clone() }
    }

    /// The chart's archive as a file.
    pub(crate) fn archive(&self, chart: &Chart) -> PathBuf {
        let path = self.folder.path().join(chart.file_name());
        std::fs::write(&path, chart.archive()).unwrap();
        path
    }

    /// A file's path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Helm itself in this namespace, as a person would call it.
    pub(crate) fn by_hand(&self, arguments: &[&str]) -> Command {
        let mut command = self.tool.command();
        command.env("KUBECONFIG", self.kubernetes.kubeconfig());
        command.args(arguments).args(["--namespace", self.namespace.as_str()]);
        command
    }

    /// Installs a chart by hand, and waits until it is ready.
    pub(crate) fn install(&self, release: &str, chart: &Chart, extra: &[&str]) {
        let archive = self.archive(chart);
        let arguments = ["install", release, archive.to_str().unwrap(), "--wait", "--timeout", "300s"];
        process::run(self.by_hand(&arguments).args(extra));
    }
}
