//! A registry that is killed and started again on the same address and storage.

use std::fs;
use std::process::Command;

use portolan_testkit::components;
use portolan_testkit::ports;
use portolan_testkit::process::Daemon;
use tempfile::TempDir;

/// docker-registry on a port of its own.
pub(crate) struct Restarted {
    port: u16,
    folder: TempDir,
    running: Option<Daemon>,
}

impl Restarted {
    /// `None` where the program is missing.
    pub(crate) fn start() -> Option<Self> {
        components::DOCKER_REGISTRY.require()?;
        let mut registry = Self { port: ports::free(), folder: tempfile::tempdir().unwrap(), running: None };
        let config = format!(
            "version: 0.1\nlog: {{level: info, formatter: text}}\nstorage:\n  \
             filesystem: {{rootdirectory: {}}}\nhttp:\n  addr: {}\n",
            registry.folder.path().join("data").display(),
            registry.host(),
        );
        fs::write(registry.folder.path().join("config.yml"), config).unwrap();
        registry.start_again();
        Some(registry)
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        drop(self.running.take());
    }

    /// On what it had.
    pub(crate) fn start_again(&mut self) {
        let program = components::DOCKER_REGISTRY.require().unwrap();
        let mut command = Command::new(program);
        command.arg("serve").arg(self.folder.path().join("config.yml"));
        let mut daemon = Daemon::start(command, &self.folder.path().join("log"));
        daemon.wait_for(|log| log.contains("listening on ").then_some(()));
        self.running = Some(daemon);
    }
}
