//! A node without a runtime, and ways into it.

use std::path::Path;
use std::sync::Arc;

use portolan_node::ssh::{Endpoint, HostKeys, Login, SSH_PORT, Session, SshError};
use portolan_testkit::nodes::{Node, NodeOptions, NodeRuntime, NodeUser, PASSWORD, Sudo};
use secrecy::SecretString;
use tempfile::TempDir;

/// A node with an sshd and these users.
pub(crate) struct Site {
    pub(crate) node: Node,
    pub(crate) folder: TempDir,
}

impl Site {
    pub(crate) fn start(users: &[(&'static str, Sudo)]) -> Option<Self> {
        let users = users.iter().map(|(name, sudo)| NodeUser { name, sudo: *sudo }).collect();
        Self::with(&NodeOptions { users, runtime: NodeRuntime::None, ..NodeOptions::default() })
    }

    pub(crate) fn with(options: &NodeOptions) -> Option<Self> {
        let node = Node::start(options)?;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("known_hosts"), node.known_hosts_line()).unwrap();
        Some(Self { node, folder })
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.node.address().to_string(), SSH_PORT)
    }

    pub(crate) fn host_keys(&self) -> Arc<HostKeys> {
        keys(&self.folder.path().join("known_hosts"))
    }

    pub(crate) async fn open(&self, login: &Login) -> Result<Session, SshError> {
        Session::open(&self.endpoint(), login, &self.host_keys()).await
    }

    pub(crate) async fn session(&self, user: &str) -> Session {
        self.open(&with_password(user, PASSWORD)).await.unwrap()
    }
}

pub(crate) fn keys(path: &Path) -> Arc<HostKeys> {
    Arc::new(HostKeys::known_by(vec![path.to_owned()]))
}

pub(crate) fn with_password(user: &str, password: &str) -> Login {
    Login {
        user: user.to_owned(),
        password: Some(SecretString::from(password.to_owned())),
        keys: Vec::new(),
        agent: None,
    }
}

/// What an error says, causes included.
pub(crate) fn said<T>(result: Result<T, SshError>) -> String {
    let Err(error) = result else { panic!("that was to fail") };
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
