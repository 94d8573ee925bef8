//! Docker and containerd, each a daemon of the test's own with its own folders, and their clients.
//!
//! Both daemons mount file systems and so need root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::components::{self, Component};
use crate::process::Daemon;

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
}

impl Docker {
    /// Starts `dockerd` without networks. `None` where a program is missing, or root, and the test is
    /// to be skipped.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start() -> Option<Self> {
        components::DOCKER.require()?;
        let (program, folder) = (as_root(&components::DOCKERD)?, folder());
        let at = |name: &str| folder.path().join(name);
        let mut command = Command::new(program);
        command.arg("--host").arg(format!("unix://{}", at("socket").display()));
        command.arg("--data-root").arg(at("data")).arg("--exec-root").arg(at("exec"));
        command.arg("--pidfile").arg(at("pid"));
        // What lies on any file system, also within containers.
        command.args(["--storage-driver", "vfs"]);
        command.args(["--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"]);
        let mut daemon = Daemon::start(command, &at("log"));
        daemon.wait_for(|log| log.contains("API listen on").then_some(()));
        Some(Self { daemon, folder })
    }

    /// `docker` with a configuration of its own, towards this daemon.
    pub fn command(&self) -> Command {
        let mut command = Command::new(components::DOCKER.find().expect("it was there when this began"));
        command.arg("--config").arg(self.folder.path().join("config"));
        command.arg("--host").arg(format!("unix://{}", self.folder.path().join("socket").display()));
        command
    }
}

impl Containerd {
    /// Starts `containerd`. `None` where a program is missing, or root, and the test is to be skipped.
    ///
    /// # Panics
    /// Where it doesn't start, with its log.
    pub fn start() -> Option<Self> {
        components::CTR.require()?;
        let (program, folder) = (as_root(&components::CONTAINERD)?, folder());
        let config = folder.path().join("config.toml");
        fs::write(&config, configuration(folder.path())).expect("the folder takes the configuration");
        let mut command = Command::new(program);
        command.arg("--config").arg(config);
        let mut daemon = Daemon::start(command, &folder.path().join("log"));
        daemon.wait_for(|log| log.contains("containerd successfully booted").then_some(()));
        Some(Self { daemon, folder })
    }

    /// `ctr` towards this daemon.
    pub fn command(&self) -> Command {
        let mut command = Command::new(components::CTR.find().expect("it was there when this began"));
        command.arg("--address").arg(self.folder.path().join("socket"));
        command
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

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the daemon")
}

/// The program, where this process may run it.
fn as_root(component: &Component) -> Option<PathBuf> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !is_root {
        components::skip("container runtimes need root");
        return None;
    }
    component.require()
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "version = 2\nroot = \"{folder}/root\"\nstate = \"{folder}/state\"\n\
         disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
         [grpc]\naddress = \"{folder}/socket\"\n[ttrpc]\naddress = \"{folder}/ttrpc\"\n"
    )
}
