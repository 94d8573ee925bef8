//! A namespace of the cluster that these tests share, and the program run against it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use portolan_testkit::charts::Chart;
use portolan_testkit::cluster::{Cluster, Options};
use portolan_testkit::components::{Component, KUBERNETES};
use portolan_testkit::helm::Helm;
use portolan_testkit::process;
use tempfile::TempDir;

use crate::ended::{Ended, ended};

/// Shared by all tests here; each has a namespace of its own.
pub(crate) static CLUSTER: LazyLock<Option<Cluster>> = LazyLock::new(|| Cluster::start(&Options::default()));

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

    pub(crate) fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// The URL of the API server.
    pub(crate) fn cluster_server(&self) -> String {
        let kubeconfig: serde_json::Value =
            serde_json::from_slice(&fs::read(self.cluster.kubeconfig()).unwrap()).unwrap();
        kubeconfig["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned()
    }

    /// The program of Helm itself.
    pub(crate) fn helm_program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a chart's archive into the working directory, and gives its name there.
    pub(crate) fn archive(&self, chart: &Chart) -> String {
        fs::write(self.path(&chart.file_name()), chart.archive()).unwrap();
        chart.file_name()
    }

    /// Helm itself in this namespace, as a person would call it; run by the caller.
    pub(crate) fn helm(&self, line: &str) -> Command {
        let mut command = self.helm.command();
        command.env("KUBECONFIG", self.cluster.kubeconfig()).current_dir(self.directory.path());
        command.args(line.split_whitespace()).args(["--namespace", self.namespace]);
        command
    }

    /// What Helm prints, where it is called so.
    pub(crate) fn by_hand(&self, line: &str) -> String {
        String::from_utf8(process::run(&mut self.helm(line))).unwrap()
    }

    /// Installs a chart by hand, and waits until it is ready.
    pub(crate) fn install(&self, release: &str, chart: &Chart, extra: &str) {
        let archive = self.archive(chart);
        self.by_hand(&format!("install {release} {archive} --wait --timeout 300s {extra}"));
    }

    /// The program with the words of `line`, in the same folders of Helm's.
    pub(crate) fn command(&self, line: &str) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_portolan")), line)
    }

    /// The same through a link.
    pub(crate) fn command_of(&self, program: &Path, line: &str) -> Command {
        let mut command = self.environment(program);
        command.args(line.split_whitespace()).env("PATH", self.program.parent().unwrap());
        command
    }

    /// A command in the working directory, which knows the cluster and Helm's folders and nothing else.
    fn environment(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path());
        command.env_clear().env("HOME", self.path("home")).env("NO_PROXY", "*");
        command.env("KUBECONFIG", self.cluster.kubeconfig());
        let helm = self.helm.command();
        command.envs(helm.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// Lines for a shell that has `helm` and `kubectl`, in the same folders.
    pub(crate) fn shell(&self, lines: &str) -> Command {
        let folder = self.path("bin");
        fs::create_dir_all(&folder).unwrap();
        let kubernetes = KUBERNETES.find().unwrap();
        let kubectl = format!("#!/bin/sh\nexec {} kubectl \"$@\"\n", kubernetes.display());
        fs::write(folder.join("kubectl"), kubectl).unwrap();
        fs::set_permissions(folder.join("kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
        let helm = self.program.parent().unwrap();
        let mut command = self.environment(Path::new("sh"));
        command.env("PATH", format!("{}:{}:/usr/bin:/bin", helm.display(), folder.display()));
        command.args(["-euc", lines]);
        command
    }

    /// The backup of the last run.
    pub(crate) fn backup(&self) -> PathBuf {
        let runs = fs::read_dir(self.path("home/.local/state/portolan/runs")).unwrap().flatten();
        let last = runs.max_by_key(|run| run.metadata().unwrap().modified().unwrap()).unwrap();
        last.path().join("backup")
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
