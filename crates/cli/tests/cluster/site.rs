//! A namespace of the cluster that these tests share, and the program run against it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use portolan_testkit::charts::Chart;
use portolan_testkit::cluster::{Cluster, Options};
use portolan_testkit::components::Component;
use portolan_testkit::helm::Helm;
use portolan_testkit::process;
use tempfile::TempDir;

use crate::ended::{Ended, ended};

static CLUSTER: LazyLock<Option<Cluster>> = LazyLock::new(|| Cluster::start(&Options::default()));

/// A working directory, a namespace, and a Helm.
pub(crate) struct Site {
    pub(crate) cluster: &'static Cluster,
    namespace: &'static str,
    helm: Helm,
    program: PathBuf,
    directory: TempDir,
}

impl Site {
    /// `None` where a program is missing and the test is to be skipped.
    pub(crate) fn start(namespace: &'static str, helm: &Component) -> Option<Self> {
        let program = helm.require()?;
        let helm = Helm::new(helm)?;
        let cluster = CLUSTER.as_ref()?;
        cluster.namespace(namespace);
        Some(Self { cluster, namespace, helm, program, directory: tempfile::tempdir().unwrap() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a chart's archive into the working directory, and gives its name there.
    pub(crate) fn archive(&self, chart: &Chart) -> String {
        fs::write(self.path(&chart.file_name()), chart.archive()).unwrap();
        chart.file_name()
    }

    /// Helm itself in this namespace, as a person would call it.
    pub(crate) fn by_hand(&self, line: &str) -> String {
        let mut command = self.helm.command();
        command.env("KUBECONFIG", self.cluster.kubeconfig()).current_dir(self.directory.path());
        command.args(line.split_whitespace()).args(["--namespace", self.namespace]);
        String::from_utf8(process::run(&mut command)).unwrap()
    }

    /// Installs a chart by hand, and waits until it is ready.
    pub(crate) fn install(&self, release: &str, chart: &Chart, extra: &str) {
        let archive = self.archive(chart);
        self.by_hand(&format!("install {release} {archive} --wait --timeout 300s {extra}"));
    }

    /// The program with the words of `line`, in the same folders of Helm's.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.args(line.split_whitespace()).current_dir(self.directory.path());
        command.env_clear().env("HOME", self.path("home")).env("NO_PROXY", "*");
        command.env("KUBECONFIG", self.cluster.kubeconfig()).env("PATH", self.program.parent().unwrap());
        let helm = self.helm.command();
        command.envs(helm.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// Runs the program, whatever the namespace.
    pub(crate) fn run_anywhere(&self, line: &str) -> Ended {
        ended(&mut self.command(line))
    }

    /// Runs the program in this namespace to its end.
    pub(crate) fn run(&self, line: &str) -> Ended {
        let mut command = self.command(line);
        command.args(["--namespace", self.namespace]);
        ended(&mut command)
    }
}
