//! A depot that behaves as Harbor, in the background for as long as the value lives.

use std::net::SocketAddr;

use portolan_depot::{Account, Options, Projects, Running};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The depot.
pub(crate) struct Depot {
    running: Option<Running>,
    runtime: Runtime,
    _data: TempDir,
}

impl Depot {
    /// With projects, and `admin` with `Harbor12345`.
    pub(crate) fn harbor() -> Self {
        let account = Some(Account::new("admin", "Harbor12345".into()));
        let options = Options { projects: Projects::Enforced, account, ..Options::default() };
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
