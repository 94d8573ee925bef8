//! Opening a depot and serving it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

use crate::control::ControlServer;
use crate::http::App;
use crate::options::Options;
use crate::serve;
use crate::store::{Store, StoreError};

/// Why a depot does not run.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    /// The data directory cannot be used.
    #[error("cannot open the depot")]
    Open {
        /// What is wrong with it.
        source: StoreError,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address as it was asked for.
        address: SocketAddr,
        /// What happened.
        source: std::io::Error,
    },
    /// Everybody in the network could write.
    #[error(
        "refusing to listen on {address} without an account: set a user and a password, or listen on loopback"
    )]
    OpenToAll {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The server ended by itself.
    #[error("the depot's server failed")]
    Serve {
        /// What happened.
        source: std::io::Error,
    },
    /// The task that serves was ended from outside, or panicked.
    #[error("the depot's task did not end by itself")]
    Task {
        /// How it ended.
        source: JoinError,
    },
}

/// A depot that is open: the only one of its data directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Depot {
    app: Arc<App>,
}

impl Depot {
    /// Opens the depot in `dir`, which is made where it is missing. Blocks on the file system.
    pub fn open(dir: &Path, options: Options) -> Result<Self, DepotError> {
        let store = Store::open(dir).map_err(|source| DepotError::Open { source })?;
        Ok(Self { app: Arc::new(App::new(store, options)) })
    }

    /// What it keeps.
    pub fn store(&self) -> &Store {
        &self.app.store
    }

    /// Serves until `shutdown` is done; requests in flight are finished first.
    ///
    /// Without an account the listener must be on loopback.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), DepotError> {
        let address = listener.local_addr().map_err(|source| DepotError::Serve { source })?;
        if self.app.options.account.is_none() && !address.ip().is_loopback() {
            return Err(DepotError::OpenToAll { address });
        }
        tracing::info!(%address, "depot is listening");
        serve::run(self.app, vec![listener], shutdown).await;
        Ok(())
    }
}

/// A depot that serves in the background. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    control: Option<ControlServer>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), DepotError>>,
}

impl Running {
    /// The address it listens on, the port filled in.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops it, and waits until requests in flight have ended and the data directory is free.
    pub async fn shutdown(self) -> Result<(), DepotError> {
        if let Some(control) = self.control {
            control.stop().await;
        }
        // A server that ended by itself has dropped its end; its result says why.
        let _ = self.stop.send(());
        self.task.await.map_err(|source| DepotError::Task { source })?
    }
}

/// Opens the depot in `dir` and serves it on `address` (port 0: any that is free).
pub async fn start(dir: &Path, options: Options, address: SocketAddr) -> Result<Running, DepotError> {
    let data = dir.to_owned();
    let opened = tokio::task::spawn_blocking(move || Depot::open(&data, options)).await;
    let depot = opened.map_err(|source| DepotError::Task { source })??;
    let listening = |source| DepotError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let control = listen_for_control(dir, &depot);
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(depot.serve(listener, async move {
        // A dropped sender stops it as well.
        let _ = stopped.await;
    }));
    Ok(Running { address, control, stop, task })
}

/// Where the file system has no sockets, a depot still serves; what would ask it has to wait until it is stopped.
fn listen_for_control(dir: &Path, depot: &Depot) -> Option<ControlServer> {
    let started = ControlServer::start(dir, depot.clone());
    started
        .inspect_err(|error| tracing::warn!(%error, "no control socket can be made in the data directory"))
        .ok()
}
