//! The servers that are measured, each on a storage of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use portolan_testkit::components;
use portolan_testkit::docker_registry::{DockerRegistry, Options, Program};
use portolan_testkit::process::Daemon;
use tempfile::TempDir;

use crate::Outcome;
use crate::portolan::Portolan;

/// Where Debian's `eatmydata` keeps the library that makes syncing do nothing.
const UNSYNCED: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/libeatmydata.so", "/usr/lib/aarch64-linux-gnu/libeatmydata.so"];

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// Debian's docker-registry 2.8
    DockerRegistry,
    /// CNCF distribution 3
    Distribution,
    /// `portolan serve`
    Depot,
    /// `portolan serve` where syncing does nothing (Debian's eatmydata): what syncing costs
    Unsynced,
}

impl Kind {
    /// What the table calls it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::DockerRegistry => "docker-registry 2.8",
            Self::Distribution => "distribution 3",
            Self::Depot => "portolan serve",
            Self::Unsynced => "portolan serve, unsynced",
        }
    }

    /// Whether this machine has it.
    pub(crate) fn is_there(self) -> bool {
        match self {
            Self::DockerRegistry => components::DOCKER_REGISTRY.find().is_some(),
            Self::Distribution => components::DISTRIBUTION.find().is_some(),
            Self::Depot => true,
            Self::Unsynced => eat_my_data().is_some(),
        }
    }
}

fn eat_my_data() -> Option<&'static str> {
    UNSYNCED.into_iter().find(|path| Path::new(path).exists())
}

/// A server that runs. Dropped, it is ended, and its storage goes.
pub(crate) enum Server {
    Registry(DockerRegistry),
    Depot(Depot),
}

/// `portolan serve` on a folder.
pub(crate) struct Depot {
    daemon: Daemon,
    address: String,
    // held for its end
    _folder: Option<TempDir>,
}

impl Server {
    /// Starts one on an empty storage in `work`.
    pub(crate) fn start(kind: Kind, portolan: &Portolan, work: &Path) -> Outcome<Self> {
        let program = match kind {
            Kind::DockerRegistry => Program::Docker2,
            Kind::Distribution => Program::Distribution3,
            Kind::Depot | Kind::Unsynced => {
                let folder = tempfile::tempdir_in(work)?;
                let depot = Depot::start(portolan, folder.path(), kind == Kind::Depot)?;
                return Ok(Self::Depot(Depot { _folder: Some(folder), ..depot }));
            }
        };
        let options = Options { program, folder: Some(work.to_owned()), ..Options::default() };
        let registry = DockerRegistry::start(&options).ok_or_else(|| format!("no {}", kind.label()))?;
        Ok(Self::Registry(registry))
    }

    /// `HOST:PORT`.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Registry(registry) => registry.host().to_string(),
            Self::Depot(depot) => depot.address.clone(),
        }
    }

    pub(crate) fn process_id(&self) -> u32 {
        match self {
            Self::Registry(registry) => registry.process_id(),
            Self::Depot(depot) => depot.daemon.id(),
        }
    }
}

impl Depot {
    /// Serves the folder; where it is not synced, syncing does nothing.
    pub(crate) fn start(portolan: &Portolan, folder: &Path, is_synced: bool) -> Outcome<Self> {
        let mut command = Command::new(portolan.program());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join("data"));
        if !is_synced {
            command.env("LD_PRELOAD", eat_my_data().ok_or("no eatmydata")?);
        }
        let log: PathBuf = folder.join("log");
        fs::create_dir_all(folder)?;
        let mut daemon = Daemon::start(command, &log);
        let address = daemon.wait_for(address);
        Ok(Self { daemon, address, _folder: None })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it in good order; the folder stays.
    pub(crate) fn stop(mut self) {
        self.daemon.terminate();
    }
}

/// The address in what the program says when it listens.
fn address(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("http://127.0.0.1:")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
    Some(format!("127.0.0.1:{}", &rest[..end]))
}
