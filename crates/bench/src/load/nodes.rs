//! Several nodes at once: each in namespaces of its own, with its own sshd and containerd; beside as many plain
//! `ssh NODE ctr image import -`, one for each node.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use portolan_testkit::components;
use portolan_testkit::nodes::{Node, NodeOptions, NodeRuntime, key_pair};
use portolan_testkit::process;

use super::{Bench, REGISTRY, Runs, settle};
use crate::Outcome;
use crate::child::{self, Cost};
use crate::report;

/// What all rounds gave.
#[derive(Default)]
pub(super) struct Results {
    plain: report::Row,
    portolan: Vec<Runs>,
}

/// Empty nodes, and how they are reached.
struct Fleet {
    nodes: Vec<Node>,
    folder: tempfile::TempDir,
    key: PathBuf,
}

impl Results {
    /// Measures one round, each row onto so many nodes that hold nothing.
    pub(super) fn round(&mut self, bench: &Bench, count: usize) -> Outcome<()> {
        self.plain.clock.add(Fleet::start(bench, count)?.plain(&bench.archives)?);
        let fleet = Fleet::start(bench, count)?;
        self.portolan.push(Runs { cold: fleet.load(bench)?, again: fleet.load(bench)? });
        fleet.check(bench)
    }

    pub(super) fn print(&self, count: usize) {
        let (own, ours) =
            (format!("{count} x ssh NODE ctr image import"), format!("portolan load, {count} nodes"));
        super::print_runtime(&own, &ours, &self.plain, &self.portolan);
    }
}

impl Fleet {
    fn start(bench: &Bench, count: usize) -> Outcome<Self> {
        settle();
        let folder = tempfile::tempdir_in(&bench.work)?;
        let runtime = NodeRuntime::Containerd(bench.release);
        let options =
            NodeOptions { runtime, folder: Some(folder.path().to_owned()), ..NodeOptions::default() };
        let nodes: Option<Vec<Node>> = (0..count).map(|_| Node::start(&options)).collect();
        let nodes = nodes.ok_or("no nodes")?;
        let key = key_pair(folder.path(), "ed25519", "").ok_or("no ssh-keygen")?;
        nodes.iter().for_each(|node| node.authorize(&key.with_extension("pub")));
        let lines: String = nodes.iter().map(Node::known_hosts_line).collect();
        fs::write(folder.path().join("known_hosts"), lines)?;
        Ok(Self { nodes, folder, key })
    }

    fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// On all nodes at once, every archive after the other; gives seconds.
    fn plain(&self, archives: &[PathBuf]) -> Outcome<f64> {
        let began = Instant::now();
        std::thread::scope(|scope| {
            let imports: Vec<_> =
                self.nodes.iter().map(|node| scope.spawn(|| self.import(node, archives))).collect();
            let ended = imports.into_iter().map(|import| import.join().map_err(|_| "an import panicked"));
            ended.collect::<Result<Vec<_>, _>>()?.into_iter().collect::<Result<(), String>>()
        })?;
        Ok(began.elapsed().as_secs_f64())
    }

    fn import(&self, node: &Node, archives: &[PathBuf]) -> Result<(), String> {
        let program = components::SSH.find().ok_or("no ssh")?;
        for archive in archives {
            let mut ssh = Command::new(&program);
            ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i"]).arg(&self.key);
            ssh.arg("-o").arg(format!("UserKnownHostsFile={}", self.known_hosts().display()));
            ssh.arg(format!("root@{}", node.address()));
            ssh.args(["ctr", "--namespace", "k8s.io", "image", "import", "-"]);
            let input = File::open(archive).map_err(|error| error.to_string())?;
            let output =
                ssh.stdin(input).stdout(Stdio::null()).output().map_err(|error| error.to_string())?;
            if !output.status.success() {
                return Err(format!("{ssh:?} failed: {}", String::from_utf8_lossy(&output.stderr)));
            }
        }
        Ok(())
    }

    /// Runs without a place for temporary files.
    fn load(&self, bench: &Bench) -> Outcome<Cost> {
        let names: Vec<String> = self.nodes.iter().map(|node| node.address().to_string()).collect();
        let mut command = Command::new(bench.portolan.program());
        command.arg("load").arg(&bench.package.folder).args(["--registry", REGISTRY]);
        command.arg("--nodes").arg(names.join(",")).arg("--ssh-key").arg(&self.key);
        command.arg("--known-hosts").arg(self.known_hosts());
        command.env("TMPDIR", bench.work.join("absent"));
        child::measure(&command, &bench.work.join("portolan.log"))
    }

    fn check(&self, bench: &Bench) -> Outcome<()> {
        self.nodes.iter().try_for_each(|node| {
            let listed = process::run(node.ctr().args(["images", "ls", "-q"]));
            bench.check(&String::from_utf8(listed)?)
        })
    }
}
