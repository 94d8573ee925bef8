//! The runtime of this machine: the one that is named, or the one that kubelets use.

use std::path::{Path, PathBuf};

use crate::{
    containerd::{Containerd, ContainerdOptions},
    docker::Docker,
    error::RuntimeError,
    runtime::Runtime,
    survey::RuntimeKind,
};

/// Where containerd listens: as it is installed, and as k3s and RKE2 bring it.
const CONTAINERD_SOCKETS: [&str; 2] =
    ["/run/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock"];

/// Where Docker listens.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// Which runtime of this machine.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// Which kind; found out where it is not given.
    pub kind: Option<RuntimeKind>,
    /// Its socket; the usual one where it is not given.
    pub socket: Option<PathBuf>,
    /// containerd's namespace.
    pub namespace: String,
    /// containerd's snapshotter; asked of it where it is not given.
    pub snapshotter: Option<String>,
}

impl LocalOptions {
    /// A client of that runtime.
    ///
    /// Where the kind is not given: a containerd that answers kubelets comes first, since Docker's own
    /// containerd does not; then Docker; then any containerd.
    ///
    /// # Errors
    /// [`RuntimeError::Unreachable`] where none answers, with every socket that was tried.
    pub async fn connect(&self) -> Result<Box<dyn Runtime>, RuntimeError> {
        match self.kind {
            Some(RuntimeKind::Docker) => Ok(Box::new(self.docker().await?)),
            Some(RuntimeKind::Containerd) => Ok(Box::new(self.containerd().await?)),
            None => self.found().await,
        }
    }

    async fn docker(&self) -> Result<Docker, RuntimeError> {
        Docker::connect(self.socket.as_deref().unwrap_or(Path::new(DOCKER_SOCKET))).await
    }

    /// The first socket on which somebody listens; the error of the first where nobody does.
    async fn containerd(&self) -> Result<Containerd, RuntimeError> {
        let usual = || CONTAINERD_SOCKETS.iter().map(PathBuf::from).collect();
        let sockets: Vec<PathBuf> = self.socket.clone().map_or_else(usual, |socket| vec![socket]);
        let mut first = None;
        for socket in sockets {
            let options = ContainerdOptions {
                socket,
                namespace: self.namespace.clone(),
                snapshotter: self.snapshotter.clone(),
            };
            match Containerd::connect(options).await {
                Ok(containerd) => return Ok(containerd),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.expect("because at least one socket was tried"))
    }

    async fn found(&self) -> Result<Box<dyn Runtime>, RuntimeError> {
        let containerd = self.containerd().await;
        let serves_kubelets = match &containerd {
            Ok(containerd) => containerd.serves_kubelets().await.unwrap_or(false),
            Err(_) => false,
        };
        match (serves_kubelets, containerd) {
            (true, Ok(containerd)) => Ok(Box::new(containerd)),
            (_, containerd) => self.docker_or(containerd).await,
        }
    }

    async fn docker_or(
        &self,
        containerd: Result<Containerd, RuntimeError>,
    ) -> Result<Box<dyn Runtime>, RuntimeError> {
        match (self.answering_docker().await, containerd) {
            (Ok(docker), _) => Ok(Box::new(docker)),
            (Err(_), Ok(containerd)) => Ok(Box::new(containerd)),
            (Err(docker), Err(containerd)) => Err(neither(&containerd, &docker)),
        }
    }

    async fn answering_docker(&self) -> Result<Docker, RuntimeError> {
        let docker = self.docker().await?;
        docker.ping().await.map(|()| docker)
    }
}

fn neither(containerd: &RuntimeError, docker: &RuntimeError) -> RuntimeError {
    RuntimeError::NoRuntime { containerd: containerd.to_string(), docker: docker.to_string() }
}
