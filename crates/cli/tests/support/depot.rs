//! A depot on loopback.

use std::net::SocketAddr;

use portolan_depot::{Account, Options, Projects, Running};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A depot in the background, for as long as the value lives.
pub(crate) struct Depot {
    running: Option<Running>,
    runtime: Runtime,
    _data: TempDir,
}

impl Depot {
    /// One that asks no password and knows no projects.
    pub(crate) fn open() -> Self {
        Self::with(Options::default())
    }

    /// One that behaves as Harbor: projects, and `admin` with `Harbor12345`.
    pub(crate) fn harbor() -> Self {
        let account = Some(Account::new("admin", "Harbor12345".into()));
        Self::with(Options { projects: Projects::Enforced, account, ..Options::default() })
    }

    pub(crate) fn with(options: Options) -> Self {
        let data = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = runtime.block_on(portolan_depot::start(data.path(), options, address)).unwrap();
        Self { running: Some(running), runtime, _data: data }
    }

    pub(crate) fn host(&self) -> String {
        self.running.as_ref().unwrap().addr().to_string()
    }
}

impl Drop for Depot {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.shutdown()).unwrap();
        }
    }
}
