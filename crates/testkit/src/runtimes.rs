//! Docker and containerd, each a daemon of the test's own with its own folders, and their clients.
//!
//! Both daemons mount file systems and so need root.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::components::{self, Component};
use crate::process::{Daemon, outcome};

/// Docker's daemon and client.
#[derive(Debug)]
pub struct Docker {
    // Ended before its folder goes.
    daemon: Daemon,
    folder: TempDir,
}

/// containerd and `ctr`.
#[derive(Debug)]
pub struct Containerd {
    daemon: Daemon,
    folder: TempDir,
    release: Release,
}

impl Docker {
    /// Starts `dockerd` without networks. `None` where a program is missing, or root, and the test is
    /// to be skipped.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start() -> Option<Self> {
        Self::start_as(&DockerSetup::default())
    }

    /// The same with that storage driver.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start_on(driver: &'static str) -> Option<Self> {
        Self::start_as(&DockerSetup { driver, ..DockerSetup::default() })
    }

    /// The same as `setup` says.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start_as(setup: &DockerSetup) -> Option<Self> {
        components::DOCKER.require()?;
        let (program, folder) = (as_root(&components::DOCKERD)?, folder());
        let at = |name: &str| folder.path().join(name);
        let data = setup.root.clone().unwrap_or_else(|| at("data"));
        let mut command = Command::new(program);
        command.arg("--host").arg(format!("unix://{}", at("socket").display()));
        command.arg("--data-root").arg(data).arg("--exec-root").arg(at("exec"));
        command.arg("--pidfile").arg(at("pid"));
        command.args(["--storage-driver", setup.driver]);
        command.args(["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"]);
        let mut daemon = Daemon::start(command, &at("log"));
        daemon.wait_for(|log| log.contains("API listen on").then_some(()));
        Some(Self { daemon, folder })
    }

    /// `docker` with a configuration of its own, towards this daemon.
    pub fn command(&self) -> Command {
        let mut command = Command::new(components::DOCKER.find().expect("it was there when this began"));
        command.arg("--config").arg(self.folder.path().join("config"));
        command.arg("--host").arg(format!("unix://{}", self.socket().display()));
        command
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Kills it, and the containerd that it brought along, as a power failure would.
    pub fn kill(&self) {
        let own = fs::read_to_string(self.folder.path().join("exec/containerd/containerd.pid"));
        let own = own.iter().map(|id| id.trim().to_owned());
        // Where one of them is gone already there is nobody to kill.
        outcome(Command::new("kill").arg("-9").arg(self.daemon.id().to_string()).args(own));
    }
}

/// How Docker is started.
#[derive(Clone, Debug)]
pub struct DockerSetup {
    /// Its storage driver.
    pub driver: &'static str,
    /// Where its data lies, where that is not its own folder: on a small file system, say.
    pub root: Option<PathBuf>,
}

impl Default for DockerSetup {
    /// With the driver that lies on any file system, also within containers.
    fn default() -> Self {
        Self { driver: "vfs", root: None }
    }
}

/// Which containerd is started, and how.
#[derive(Clone, Debug, Default)]
pub struct ContainerdSetup {
    /// Which one.
    pub release: Release,
    /// Whether it answers kubelets too.
    pub cri: Cri,
    /// Where its data lies, where that is not its own folder: on a small file system, say.
    pub root: Option<PathBuf>,
}

/// Which containerd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// Debian's, 1.6.
    #[default]
    Debian,
    /// 2.4.
    Newest,
}

/// Whether a containerd answers kubelets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cri {
    /// It does not.
    #[default]
    Off,
    /// It does, without networks for pods.
    On,
}

impl Release {
    pub(crate) fn containerd(self) -> &'static Component {
        match self {
            Self::Debian => &components::CONTAINERD,
            Self::Newest => &components::CONTAINERD_2,
        }
    }

    pub(crate) fn ctr(self) -> &'static Component {
        match self {
            Self::Debian => &components::CTR,
            Self::Newest => &components::CTR_2,
        }
    }
}

impl Containerd {
    /// Starts Debian's `containerd`. `None` where a program is missing, or root, and the test is to be
    /// skipped.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start() -> Option<Self> {
        Self::start_as(&ContainerdSetup::default())
    }

    /// Starts a `containerd` as `setup` says. `None` as in [`Containerd::start`].
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start_as(setup: &ContainerdSetup) -> Option<Self> {
        setup.release.ctr().require()?;
        let (program, folder) = (as_root(setup.release.containerd())?, folder());
        let config = folder.path().join("config.toml");
        fs::write(&config, configuration(folder.path(), setup)).expect("the folder takes the configuration");
        let mut command = Command::new(&program);
        command.arg("--config").arg(config);
        // A containerd that was built brings its shim, and looks for it there.
        command.env("PATH", path_with(program.parent().expect("because it is a file in a folder")));
        let mut daemon = Daemon::start(command, &folder.path().join("log"));
        daemon.wait_for(|log| log.contains("containerd successfully booted").then_some(()));
        Some(Self { daemon, folder, release: setup.release })
    }

    /// `ctr` towards this daemon.
    pub fn command(&self) -> Command {
        let ctr = self.release.ctr().find().expect("it was there when this began");
        let mut command = Command::new(ctr);
        command.arg("--address").arg(self.socket());
        command
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        self.daemon.log()
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.daemon.id()
    }
}

impl Drop for Docker {
    /// Asked to end, the daemon ends its own containerd too, and takes down what it mounted.
    fn drop(&mut self) {
        self.daemon.terminate();
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        self.daemon.terminate();
    }
}

/// A name for a container that no other one on this machine has: control groups are named after containers,
/// whichever daemon they are of.
pub fn container_name() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("portolan-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the daemon")
}

/// The program, where this process may run it.
pub(crate) fn as_root(component: &Component) -> Option<PathBuf> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        components::skip("container runtimes need root");
        return None;
    }
    component.require()
}

/// `PATH` with a folder before all others.
fn path_with(folder: &Path) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(env::split_paths(&path));
    env::join_paths(folders).expect("because these folders were divided at colons")
}

fn configuration(folder: &Path, setup: &ContainerdSetup) -> String {
    let root = setup.root.clone().unwrap_or_else(|| folder.join("root"));
    let (version, cri): (u8, &[&str]) = match setup.release {
        Release::Debian => (2, &["io.containerd.grpc.v1.cri"]),
        Release::Newest => {
            (3, &["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"])
        }
    };
    let disabled = if setup.cri == Cri::Off { cri } else { &[] };
    let networks = match (setup.cri, setup.release) {
        (Cri::Off, _) => String::new(),
        (Cri::On, Release::Debian) => cni("io.containerd.grpc.v1.cri", &folder.join("cni")),
        (Cri::On, Release::Newest) => cni("io.containerd.cri.v1.runtime", &folder.join("cni")),
    };
    let (folder, root) = (folder.display(), root.display());
    format!(
        "version = {version}\nroot = \"{root}\"\nstate = \"{folder}/state\"\n\
         disabled_plugins = {disabled:?}\n\
         [grpc]\naddress = \"{folder}/socket\"\n[ttrpc]\naddress = \"{folder}/ttrpc\"\n{networks}"
    )
}

/// The section by which the CRI finds no networks of this machine's: it watches a folder, which has to exist.
fn cni(plugin: &str, networks: &Path) -> String {
    fs::create_dir(networks).expect("the folder of the daemon takes another");
    let networks = networks.display();
    format!("[plugins.\"{plugin}\".cni]\nbin_dir = \"{networks}\"\nconf_dir = \"{networks}\"\n")
}
