//! A real node of a cluster: a kubelet, containerd and the pods that they run, in namespaces of their own.
//!
//! ```text
//! unshare ── sh start.sh ── kubelet        the machine's network: the API server is there
//!                        └─ containerd     a network of its own, with the pods' bridge
//!                           └─ shims, pods
//! ```
//!
//! It is one process tree with its own mounts and process numbers: when its first process is killed, pods,
//! mounts, networks and bridge are gone with it, and only empty control groups are left to be removed. Its
//! files lie in the cluster's folder, so that whoever tidies up after a test that was killed ends it too.

mod files;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::Cluster;
use crate::components;
use crate::process::{Daemon, outcome};
use crate::runtimes::{Release, as_root};

/// A node that runs pods for real. It is to be dropped before its cluster.
#[derive(Debug)]
pub struct Kubelet {
    /// Gone when this is dropped.
    daemon: Option<Daemon>,
    folder: PathBuf,
    group: String,
    ctr: PathBuf,
}

impl Kubelet {
    /// What the node is called in the cluster. The API server looks for its kubelet under that name, where a pod's
    /// log is asked for.
    pub const NODE: &'static str = "localhost";

    /// Adds the node to `cluster` and waits until it is ready. `None` where a program is missing, or root,
    /// and the test is to be skipped.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start(cluster: &Cluster, release: Release) -> Option<Self> {
        let containerd = as_root(release.containerd())?;
        let (ctr, unshare) = (release.ctr().require()?, components::UNSHARE.require()?);
        let (kubernetes, _) = (components::KUBERNETES.require()?, components::RUNC.require()?);
        let folder = cluster.new_folder("kubelet");
        let group = format!("portolan-{}", name_of(&folder));
        files::write(&folder, &group, release, &cluster.kubelet_client_ca())?;
        fs::copy(cluster.kubeconfig_of_node(), folder.join("kubeconfig")).expect("the folder takes a file");
        let mut command = Command::new(unshare);
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"]);
        command.arg(folder.join("start.sh")).arg(&folder).arg(&group);
        command.args([&containerd, &ctr, &kubernetes]).arg(Self::NODE);
        // One of an earlier test would count as ready.
        cluster.kubectl(&["delete", "node", Self::NODE, "--ignore-not-found"]);
        let daemon = cluster.start_program("kubelet", command);
        let node = Self { daemon: Some(daemon), folder, group, ctr };
        cluster.wait_for_node(Self::NODE, || node.log());
        Some(node)
    }

    /// containerd's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// `ctr` towards its containerd, in the namespace of kubelets.
    pub fn ctr(&self) -> Command {
        let mut command = Command::new(&self.ctr);
        command.arg("--address").arg(self.socket()).args(["--namespace", "k8s.io"]);
        command
    }

    /// What a pod's only container has printed.
    pub fn printed(&self, namespace: &str, pod: &str) -> String {
        let begin = format!("{namespace}_{pod}_");
        let pods = entries(&self.folder.join("logs")).into_iter();
        let containers = pods.filter(|path| name_of(path).starts_with(&begin)).flat_map(|pod| entries(&pod));
        let logs = containers.flat_map(|container| entries(&container));
        let text: String = logs.map(|log| fs::read_to_string(log).unwrap_or_default()).collect();
        // CRI's format: time, stream, whether the line ends, and the line.
        text.lines().filter_map(|line| line.splitn(4, ' ').nth(3)).map(|line| format!("{line}\n")).collect()
    }

    /// The control groups of its pods, one in each hierarchy.
    pub fn groups(&self) -> Vec<PathBuf> {
        let root = PathBuf::from("/sys/fs/cgroup");
        let hierarchies = [vec![root.clone()], entries(&root)].concat().into_iter();
        hierarchies.map(|hierarchy| hierarchy.join(&self.group)).filter(|group| group.is_dir()).collect()
    }

    /// What kubelet and containerd have logged.
    pub fn log(&self) -> String {
        let own = self.daemon.as_ref().map(Daemon::log).unwrap_or_default();
        let containerd = fs::read_to_string(self.folder.join("containerd.log")).unwrap_or_default();
        format!("{containerd}\n{own}")
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.daemon = None;
        // The number may be another's by the time that somebody tidies up.
        let _ = fs::remove_file(self.folder.with_file_name("kubelet.pid"));
        remove_groups(&self.group);
    }
}

/// Removes the control groups below that name, which are empty once their processes are gone.
fn remove_groups(group: &str) {
    let pattern = format!("/sys/fs/cgroup*/{group}*");
    let mut find = Command::new("find");
    find.args(["/sys/fs/cgroup", "-depth", "-type", "d", "-path", &pattern, "-exec", "rmdir", "{}", ";"]);
    for _ in 0..100 {
        if outcome(&mut find).stderr.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).into_iter().flatten().flatten();
    listed.map(|entry| entry.path()).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
