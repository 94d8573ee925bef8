//! Nodes of a cluster: each in namespaces of its own, with its own address, sshd, users and containerd.
//!
//! A node is one process tree. It has its own network (a pair of virtual interfaces, whose other end stays
//! here), its own process numbers, and its own view of a few files: `/run`, `/etc/passwd`, `/etc/shadow`,
//! `/etc/sudoers.d`. So users are made without touching the machine, `ctr` finds its socket where it
//! expects it, and a node that is killed is gone whole, with its interfaces and mounts.

mod files;
mod script;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::components::{self, Component};
use crate::process::{Daemon, run};
use crate::runtimes::{Release, as_root};

/// The password of every user of a node, with what shells and configurations stumble over.
pub const PASSWORD: &str = "it's a $ecret";

/// What a node is like.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Who may sign in beside root.
    pub users: Vec<NodeUser>,
    /// Which runtime it has.
    pub runtime: NodeRuntime,
    /// Size of the disk that containerd has for itself, in MiB; unbounded where it isn't set.
    pub disk: Option<u32>,
    /// What `uname -m` answers, where it is not the truth.
    pub machine: Option<&'static str>,
    /// Whether passwords are asked for as questions, by PAM, instead of being taken as such.
    pub asks: bool,
    /// Where the folder with its files is made; `None` is the system's place for temporary files.
    pub folder: Option<PathBuf>,
}

/// A user of a node.
#[derive(Clone, Copy, Debug)]
pub struct NodeUser {
    /// The name.
    pub name: &'static str,
    /// What `sudo` lets it do.
    pub sudo: Sudo,
}

/// What `sudo` lets a user do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sudo {
    /// Nothing.
    Never,
    /// Everything, without a question.
    Freely,
    /// Everything, for its password.
    WithPassword,
}

/// The runtime of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeRuntime {
    /// None, and no client of one.
    None,
    /// A client, and nobody who answers it.
    Stopped,
    /// containerd.
    Containerd(Release),
    /// Docker's client, for a daemon that runs elsewhere and listens at this socket.
    Docker(PathBuf),
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            runtime: NodeRuntime::Containerd(Release::Debian),
            disk: None,
            machine: None,
            asks: false,
            folder: None,
        }
    }
}

/// A node that runs. Dropped, it is gone.
#[derive(Debug)]
pub struct Node {
    daemon: Option<Daemon>,
    folder: TempDir,
    link: Link,
    client: Option<PathBuf>,
}

impl Node {
    /// Starts a node. `None` where a program is missing, or root, and the test is to be skipped.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start(options: &NodeOptions) -> Option<Self> {
        let sshd = as_root(&components::SSHD)?;
        for component in [&components::IP, &components::UNSHARE, &components::SUDO, &components::SSH_KEYGEN] {
            component.require()?;
        }
        let programs = Programs::require(&options.runtime)?;
        let place = options.folder.clone().unwrap_or_else(std::env::temp_dir);
        let folder = tempfile::tempdir_in(place).expect("a folder for the node");
        let link = Link::next();
        files::write(folder.path(), options);
        let text = script::script(folder.path(), options, &sshd, &programs, &link);
        fs::write(folder.path().join("start.sh"), text).expect("the folder takes the script");
        let mut daemon = Daemon::start(script::command(folder.path()), &folder.path().join("log"));
        daemon.wait_for(|log| log.contains(script::NETWORK_WANTED).then_some(()));
        link.connect(daemon.id());
        daemon.wait_for(|log| log.contains("Server listening on").then_some(()));
        Some(Self { daemon: Some(daemon), folder, link, client: programs.ctr })
    }

    /// Its address; sshd listens at port 22 there.
    pub fn address(&self) -> Ipv4Addr {
        self.link.theirs()
    }

    /// The line of `known_hosts` for it.
    pub fn known_hosts_line(&self) -> String {
        let key = fs::read_to_string(self.folder.path().join("host_key.pub")).expect("the key was made");
        format!("{} {key}", self.address())
    }

    /// Lets whoever holds the private key sign in, as anybody.
    ///
    /// # Panics
    /// Where its folder can't be written.
    pub fn authorize(&self, public_key: &Path) {
        let key = fs::read(public_key).expect("the public key can be read");
        fs::write(self.folder.path().join("authorized_keys"), key).expect("the folder takes the key");
    }

    /// `ctr` towards its containerd, run from outside.
    ///
    /// # Panics
    /// Where it has none.
    pub fn ctr(&self) -> Command {
        let mut command = Command::new(self.client.as_ref().expect("the node was given containerd"));
        command.arg("--address").arg(self.folder.path().join("run/containerd.sock"));
        command.args(["--namespace", "k8s.io"]);
        command
    }

    /// Takes its power away.
    pub fn die(&mut self) {
        self.daemon = None;
    }

    /// Pulls its cable: nothing comes from it any more, and nobody is told.
    pub fn cut(&self) {
        ip(&["link", "set", &self.link.name(), "down"]);
    }

    /// Stops all its processes where they are; its kernel goes on to acknowledge what comes.
    ///
    /// # Panics
    /// Where it doesn't run, or there is no `kill`.
    pub fn freeze(&self) {
        let daemon = self.daemon.as_ref().expect("it runs").id();
        for process in descendants(daemon) {
            // One may have ended meanwhile.
            let _ = Command::new("kill").args(["-STOP", &process.to_string()]).output().expect("kill runs");
        }
    }

    /// What its sshd said.
    pub fn log(&self) -> String {
        self.daemon.as_ref().map(Daemon::log).unwrap_or_default()
    }
}

/// Makes a pair of keys in `folder`: the private one's path is given, the public one lies beside it with
/// `.pub`. `kind` is `ed25519`, `rsa` or `ecdsa`. `None` where the program is missing.
pub fn key_pair(folder: &Path, kind: &str, passphrase: &str) -> Option<PathBuf> {
    let program = components::SSH_KEYGEN.require()?;
    let path = folder.join(format!("id_{kind}"));
    run(Command::new(program).args(["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"]).arg(&path));
    Some(path)
}

/// What a node's runtime is made of.
struct Programs {
    containerd: Option<PathBuf>,
    ctr: Option<PathBuf>,
    docker: Option<PathBuf>,
}

impl Programs {
    fn require(runtime: &NodeRuntime) -> Option<Self> {
        let require = |component: Component| component.require().map(Some);
        Some(match runtime {
            NodeRuntime::None => Self { containerd: None, ctr: None, docker: None },
            NodeRuntime::Stopped => Self { containerd: None, ctr: require(components::CTR)?, docker: None },
            NodeRuntime::Containerd(release) => Self {
                containerd: require(*release.containerd())?,
                ctr: require(*release.ctr())?,
                docker: None,
            },
            NodeRuntime::Docker(_) => {
                Self { containerd: None, ctr: None, docker: require(components::DOCKER)? }
            }
        })
    }
}

/// A pair of interfaces with two addresses of their own.
#[derive(Debug)]
struct Link(u32);

/// Addresses that providers have between themselves and their customers (RFC 6598): nobody's here.
const ADDRESSES: u32 = 0x6440_0000;

impl Link {
    fn next() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let own = COUNT.fetch_add(1, Ordering::Relaxed) % 64;
        Self((std::process::id() << 6 | own) & 0xF_FFFF)
    }

    /// Of our end.
    fn name(&self) -> String {
        format!("pn{:x}", self.0)
    }

    fn ours(&self) -> Ipv4Addr {
        Ipv4Addr::from(ADDRESSES + 4 * self.0 + 1)
    }

    fn theirs(&self) -> Ipv4Addr {
        Ipv4Addr::from(ADDRESSES + 4 * self.0 + 2)
    }

    /// Our end is named so that no other's can have that name; theirs is `eth0` in the namespace of `process`.
    fn connect(&self, process: u32) {
        let ours = self.name();
        let process = process.to_string();
        ip(&["link", "add", &ours, "type", "veth", "peer", "name", "eth0", "netns", &process]);
        ip(&["addr", "add", &format!("{}/30", self.ours()), "dev", &ours]);
        ip(&["link", "set", &ours, "up"]);
    }
}

/// All processes below one, as far as they live.
fn descendants(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().filter_map(|number| number.parse().ok());
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

fn ip(words: &[&str]) {
    run(Command::new(components::IP.find().expect("it was there when this began")).args(words));
}
