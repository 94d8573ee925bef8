//! Runtimes of other machines, by the command lines of `ctr` and `docker` over SSH. Nothing is installed
//! there.
//!
//! | module | subject |
//! | --- | --- |
//! | `machine` | what a node is, and where its programs lie |
//! | `program` | one of those programs, run with the rights that it needs |
//! | `lists` | what `ctr` prints, taken apart |
//! | `ctr`, `docker` | the two runtimes |
//! | `intake` | layers that go by, into containerd |
//! | `sending` | an archive as a command's standard input |
//! | `refusal` | what their messages mean |
//!
//! What `ctr` does was found out with 1.6.20 and 2.4.2: an import takes blobs that the archive leaves out
//! from the content store; bytes that don't hash to their entry's name are stored under what they hash to,
//! so that the layer lacks when it is unpacked; 1.6 gives names before it unpacks; and entries are stored as they
//! come, under a lease that ends with the command.

mod ctr;
mod docker;
mod intake;
pub(crate) mod lists;
mod machine;
mod program;
mod refusal;
mod sending;

use std::collections::HashSet;
use std::sync::Arc;

use portolan_oci::Digest;

use crate::error::RuntimeError;
use crate::runtime::Runtime;
use crate::ssh::{Login, Session, SshError};
use crate::survey::RuntimeKind;
use ctr::RemoteContainerd;
use docker::RemoteDocker;
use machine::Machine;
use program::Program;
use refusal::broken;
use sending::send;

/// Which runtime of a node is filled, and how it is asked.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// Which one; where it is not said, containerd if it serves a kubelet or is alone, else Docker.
    pub runtime: Option<RuntimeKind>,
    /// containerd's namespace.
    pub namespace: String,
    /// The socket, where it is not the usual one.
    pub socket: Option<String>,
    /// The snapshotter that containerd unpacks for, where it is not the usual one.
    pub snapshotter: Option<String>,
    /// Digests that names may stand for without being looked into: those of the package.
    pub expected: Arc<HashSet<Digest>>,
}

/// The runtime of the node that `session` reaches.
///
/// # Errors
/// [`RuntimeError::Unreachable`] where there is none that answers, with the reason.
pub async fn connect(
    session: Session,
    login: &Login,
    options: &RemoteOptions,
) -> Result<Box<dyn Runtime>, RuntimeError> {
    let session = Arc::new(session);
    let machine = Machine::look(&session).await?;
    let found = Found { session, machine, login, options };
    match options.runtime {
        Some(RuntimeKind::Containerd) => Ok(Box::new(found.containerd().await?)),
        Some(RuntimeKind::Docker) => Ok(Box::new(found.docker().await?)),
        None => found.either().await,
    }
}

/// A node that was looked at.
struct Found<'a> {
    session: Arc<Session>,
    machine: Machine,
    login: &'a Login,
    options: &'a RemoteOptions,
}

impl Found<'_> {
    /// A kubelet's containerd before Docker, and Docker before a containerd that Docker itself brought along.
    async fn either(self) -> Result<Box<dyn Runtime>, RuntimeError> {
        let refused = match self.containerd().await {
            Ok(containerd) if self.machine.docker.is_none() || containerd.serves_kubelets().await => {
                return Ok(Box::new(containerd));
            }
            Ok(containerd) => match self.docker().await {
                Ok(docker) => return Ok(Box::new(docker)),
                Err(_) => return Ok(Box::new(containerd)),
            },
            Err(error) => error,
        };
        match self.machine.docker {
            Some(_) => Ok(Box::new(self.docker().await?)),
            None => Err(refused),
        }
    }

    async fn containerd(&self) -> Result<RemoteContainerd, RuntimeError> {
        let program = Program::find(self, RuntimeKind::Containerd).await?;
        Ok(RemoteContainerd::new(program, self.machine.platform.clone(), self.options))
    }

    async fn docker(&self) -> Result<RemoteDocker, RuntimeError> {
        Ok(RemoteDocker::new(Program::find(self, RuntimeKind::Docker).await?))
    }

    fn address(&self) -> String {
        self.session.endpoint().to_string()
    }
}

/// An error of the connection, as one of the node.
fn of_connection(error: &SshError, kind: &'static str, address: &str) -> RuntimeError {
    broken(kind, address, &crate::execute::one_line(error))
}
