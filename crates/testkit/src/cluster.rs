//! A real control plane on loopback: etcd, API server, controller manager and scheduler, each a process
//! with files of its own, and kwok, which plays the nodes: their pods become ready without being run. A node
//! that runs them is another matter ([`crate::kubelet`]).
//!
//! ```text
//! FOLDER/kubeconfig      of an administrator
//! FOLDER/pki/            the API server's certificate, which is the clients' authority too
//! FOLDER/kubelet-client/ what the API server shows to a real node's kubelet
//! FOLDER/audit.log       every request, where Options::audit asks for it
//! FOLDER/PROGRAM.log     what a program said
//! FOLDER/PROGRAM.pid     its process number, for the one that tidies up
//! ```
//!
//! All ends with the value. A cluster that a whole test binary shares lies in a `static` and is never
//! dropped; so a process of its own waits for the test's end, ends the programs and removes the folder.

mod files;
mod keeper;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::components::{KUBERNETES, KWOK};
use crate::ports;
use crate::process::{self, Daemon};
use files::Files;
pub use files::Node;
use keeper::Keeper;

/// How long the programs may take until they answer. Generous: two cores, shared with a build.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// What kind of cluster a test wants.
#[derive(Clone, Debug)]
pub struct Options {
    /// The nodes, which kwok plays.
    pub nodes: Vec<Node>,
    /// Whether the API server writes down every request.
    pub audit: bool,
    /// How much etcd takes, in bytes, where that is to run out; 2 GiB otherwise.
    pub room: Option<u64>,
}

impl Default for Options {
    /// One node of each architecture, and no audit log.
    fn default() -> Self {
        Self {
            nodes: vec![Node::new("node-a", "amd64"), Node::new("node-b", "arm64")],
            audit: false,
            room: None,
        }
    }
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    // Ended in this order, and all before the folder goes.
    kwok: Daemon,
    scheduler: Daemon,
    controller_manager: Daemon,
    api_server: Mutex<Option<Daemon>>,
    etcd: Daemon,
    ports: Ports,
    files: Files,
    program: PathBuf,
    keeper: Keeper,
    folder: TempDir,
}

/// Where etcd and the API server listen.
#[derive(Clone, Copy, Debug)]
struct Ports {
    etcd: u16,
    peer: u16,
    api: u16,
}

impl Cluster {
    /// Starts all programs and waits until pods can be made. `None` where a program is missing and the
    /// test is to be skipped.
    ///
    /// # Panics
    /// Where one doesn't start, with its log.
    pub fn start(options: &Options) -> Option<Self> {
        let (program, kwok) = (KUBERNETES.require()?, KWOK.require()?);
        let folder = tempfile::tempdir().expect("a folder for the cluster");
        let ports = Ports { etcd: ports::free(), peer: ports::free(), api: ports::free() };
        let files = Files::write(folder.path(), ports.api, options.audit);
        let keeper = Keeper::start(folder.path());
        let start = Starter { program: &program, folder: folder.path() };
        let etcd = start.daemon("etcd", &etcd_arguments(folder.path(), ports, options.room));
        let api_server = start.daemon("kube-apiserver", &files.api_server_arguments(ports));
        wait_until(|| files.ca().is_file(), || api_server.log());
        wait_until(|| answers(&program, &files), || api_server.log());
        let controller_manager = start.daemon("kube-controller-manager", &files.manager_arguments());
        let scheduler = start.daemon("kube-scheduler", &files.scheduler_arguments());
        let kwok = Starter { program: &kwok, ..start }.kwok(&files);
        let api_server = Mutex::new(Some(api_server));
        let cluster = Self {
            kwok,
            scheduler,
            controller_manager,
            api_server,
            etcd,
            ports,
            files,
            program: program.clone(),
            keeper,
            folder,
        };
        cluster.fill(&options.nodes);
        Some(cluster)
    }

    /// Makes the nodes, and waits until they and what every pod needs are there.
    fn fill(&self, nodes: &[Node]) {
        let list: Vec<Value> = nodes.iter().map(Node::object).collect();
        self.apply(&serde_json::json!({"apiVersion": "v1", "kind": "List", "items": list}).to_string());
        let found = |arguments: &[&str]| self.try_kubectl(arguments).status.success();
        wait_until(|| found(&["get", "serviceaccount", "default"]), || self.controller_manager.log());
        let is_ready =
            || found(&["wait", "--for=condition=Ready", "node", "--all", "--timeout=1s"]) || nodes.is_empty();
        wait_until(is_ready, || self.kwok.log());
    }

    /// Adds nodes, which kwok plays too, and waits until all nodes are there.
    pub fn add_nodes(&self, nodes: &[Node]) {
        self.fill(nodes);
    }

    /// The file with which an administrator speaks to the API server.
    pub fn kubeconfig(&self) -> &Path {
        &self.files.kubeconfig
    }

    /// The authority that signed the API server's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.files.ca()
    }

    /// Host and port of the API server.
    pub fn address(&self) -> (&'static str, String) {
        ("127.0.0.1", self.ports.api.to_string())
    }

    /// Where etcd listens, in the clear.
    pub fn etcd(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.etcd)
    }

    /// A file like [`kubeconfig`](Self::kubeconfig), for the service account `NAMESPACE/NAME`.
    ///
    /// # Panics
    /// Where there is no such account.
    pub fn kubeconfig_of(&self, namespace: &str, name: &str) -> PathBuf {
        let token = self.kubectl(&["-n", namespace, "create", "token", name]);
        self.files.write_kubeconfig(&format!("{namespace}-{name}"), token.trim(), self.ports.api)
    }

    /// The same for the kubelet of [`Kubelet::NODE`](crate::kubelet::Kubelet::NODE).
    #[cfg(target_os = "linux")]
    pub(crate) fn kubeconfig_of_node(&self) -> PathBuf {
        self.files.write_kubeconfig("node", files::NODE_TOKEN, self.ports.api)
    }

    /// The authority that signed what the API server shows to kubelets.
    #[cfg(target_os = "linux")]
    pub(crate) fn kubelet_client_ca(&self) -> PathBuf {
        self.files.kubelet_client.ca.clone()
    }

    /// A folder that goes with the cluster.
    #[cfg(target_os = "linux")]
    pub(crate) fn new_folder(&self, name: &str) -> PathBuf {
        let folder = tempfile::Builder::new().prefix(name).tempdir_in(self.folder.path());
        folder.expect("the folder takes a folder").keep()
    }

    /// Starts a program that ends with the cluster, also where the test is killed.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_program(&self, name: &str, command: Command) -> Daemon {
        Starter { program: &self.program, folder: self.folder.path() }.start(name, command)
    }

    /// Waits until a node is ready; `log` says what to show where that takes too long.
    #[cfg(target_os = "linux")]
    pub(crate) fn wait_for_node(&self, name: &str, log: impl Fn() -> String) {
        let node = format!("node/{name}");
        let wait = ["wait", "--for=condition=Ready", &node, "--timeout=1s"];
        wait_until(|| self.try_kubectl(&wait).status.success(), log);
    }

    /// What `kubectl` prints.
    ///
    /// # Panics
    /// With its words, where it fails.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let printed = process::run(self.kubectl_command().args(arguments));
        String::from_utf8(printed).expect("kubectl prints text")
    }

    /// How `kubectl` ends.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Output {
        process::outcome(self.kubectl_command().args(arguments))
    }

    /// An object as JSON; `None` where there is none.
    pub fn object(&self, namespace: &str, kind: &str, name: &str) -> Option<Value> {
        let output =
            self.try_kubectl(&["-n", namespace, "get", kind, name, "-o", "json", "--show-managed-fields"]);
        output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("kubectl prints JSON"))
    }

    /// Makes or changes objects, written as YAML or JSON.
    ///
    /// # Panics
    /// With `kubectl`'s words, where it fails.
    pub fn apply(&self, objects: &str) {
        let file = tempfile::NamedTempFile::new_in(self.folder.path()).expect("a file for the objects");
        fs::write(file.path(), objects).expect("the folder takes the objects");
        self.kubectl(&["apply", "--server-side", "-f", &file.path().to_string_lossy()]);
    }

    /// Makes a namespace of that name, where there is none, and waits until pods can be made in it.
    pub fn namespace(&self, name: &str) {
        self.apply(&format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"));
        let has_account = || self.object(name, "serviceaccount", "default").is_some();
        wait_until(has_account, || self.controller_manager.log());
    }

    /// The writing requests that the API server carried out so far, as its audit log has them.
    pub fn audited(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.files.audit_log).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Kills the API server. [`start_api_server`](Self::start_api_server) brings it back as it was.
    pub fn stop_api_server(&self) {
        *self.api_server() = None;
    }

    /// Starts the API server again, and waits until it answers.
    pub fn start_api_server(&self) {
        let start = Starter { program: &self.program, folder: self.folder.path() };
        let daemon = start.daemon("kube-apiserver", &self.files.api_server_arguments(self.ports));
        wait_until(|| answers(&self.program, &self.files), || daemon.log());
        *self.api_server() = Some(daemon);
    }

    fn api_server(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.api_server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Process numbers of everything that runs.
    pub fn process_ids(&self) -> Vec<u32> {
        let always = [&self.kwok, &self.scheduler, &self.controller_manager, &self.etcd];
        always.into_iter().chain(self.api_server().as_ref()).map(Daemon::id).collect()
    }

    /// The process that tidies up after a test that was killed.
    pub fn keeper_id(&self) -> u32 {
        self.keeper.id()
    }

    fn kubectl_command(&self) -> Command {
        kubectl(&self.program, &self.files)
    }
}

/// What starts the programs of one cluster.
#[derive(Clone, Copy)]
struct Starter<'a> {
    program: &'a Path,
    folder: &'a Path,
}

impl Starter<'_> {
    /// One of the programs in the one binary.
    fn daemon(&self, name: &str, arguments: &[String]) -> Daemon {
        let mut command = Command::new(self.program);
        command.arg(name).args(arguments);
        self.start(name, command)
    }

    fn kwok(&self, files: &Files) -> Daemon {
        let stages = self.program.with_file_name("stages");
        let mut command = Command::new(self.program);
        command.arg("--kubeconfig").arg(&files.kubeconfig).args(["--server-address", ""]);
        command.args(["--manage-nodes-with-annotation-selector", files::PLAYED]);
        let mut stages: Vec<PathBuf> = fs::read_dir(stages)
            .expect("stages lie beside kwok")
            .flatten()
            .map(|entry| entry.path())
            .collect();
        stages.sort();
        for stage in stages {
            command.arg("--config").arg(stage);
        }
        self.start("kwok", command)
    }

    fn start(&self, name: &str, command: Command) -> Daemon {
        let daemon = Daemon::start(command, &self.folder.join(format!("{name}.log")));
        let pid = self.folder.join(format!("{name}.pid"));
        fs::write(pid, format!("{}\n", daemon.id())).expect("the folder takes a process number");
        daemon
    }
}

fn etcd_arguments(folder: &Path, Ports { etcd, peer, .. }: Ports, room: Option<u64>) -> Vec<String> {
    let (clients, peers) = (format!("http://127.0.0.1:{etcd}"), format!("http://127.0.0.1:{peer}"));
    let mut arguments = vec![
        "--unsafe-no-fsync".into(),
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
    ];
    arguments.extend(room.map(|bytes| format!("--quota-backend-bytes={bytes}")));
    arguments
}

fn kubectl(program: &Path, files: &Files) -> Command {
    let mut command = Command::new(program);
    command.arg("kubectl").arg("--kubeconfig").arg(&files.kubeconfig);
    command.arg("--cache-dir").arg(files.kubeconfig.with_file_name("discovery"));
    command
}

fn answers(program: &Path, files: &Files) -> bool {
    process::outcome(kubectl(program, files).args(["get", "--raw", "/readyz"])).status.success()
}

/// Waits until `is_so`; `log` says what to show where that takes too long.
fn wait_until(is_so: impl Fn() -> bool, log: impl Fn() -> String) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not there in {PATIENCE:?}:\n{}", process::tail(&log()));
        std::thread::sleep(PAUSE);
    }
}
