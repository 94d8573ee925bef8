//! Opening a depot and serving it.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use crate::accounts::{Accounts, Doorkeeper, HtpasswdError};
use crate::control::ControlServer;
use crate::http::App;
use crate::options::{AnonymousPull, Mode, Options};
use crate::serve::{self, Bound, Listener, Listening, Reach, TlsError};
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
    /// The password file is not taken.
    #[error("cannot take the users of a password file")]
    PasswordFile {
        /// What is wrong with it.
        source: HtpasswdError,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address as it was asked for.
        address: SocketAddr,
        /// What happened.
        source: std::io::Error,
    },
    /// The listener has no certificate to show.
    #[error("cannot speak TLS on {address}")]
    Tls {
        /// The address that was asked for.
        address: SocketAddr,
        /// What is wrong.
        source: Box<TlsError>,
    },
    /// Everybody in the network could write.
    #[error(
        "refusing to listen on {address} without an account: make one, listen on loopback, or serve read-only what everybody may pull"
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
        let opening = |source| DepotError::Open { source };
        let store = Store::open(dir).map_err(opening)?;
        store.keep_free(options.min_free);
        let accounts = store.accounts.all().map_err(opening)?;
        let doorkeeper =
            Doorkeeper::new(accounts, &options).map_err(|source| DepotError::PasswordFile { source })?;
        Ok(Self { app: Arc::new(App::new(store, options, doorkeeper)) })
    }

    /// Its accounts.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts::new(&self.app.store, &self.app.doorkeeper)
    }

    /// What it keeps.
    pub fn store(&self) -> &Store {
        &self.app.store
    }

    pub(crate) fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// Serves until `shutdown` is done; requests in flight are finished first.
    ///
    /// Without an account the listener must be on loopback.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), DepotError> {
        let bound = Bound::plain(listener).map_err(|source| DepotError::Serve { source })?;
        self.serve_on(vec![bound], shutdown).await
    }

    async fn serve_on(
        self,
        listeners: Vec<Bound>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), DepotError> {
        for bound in &listeners {
            self.allows(bound)?;
            tracing::info!(url = bound.listening().url(), "depot is listening");
        }
        self.app.store.leases.serve();
        serve::run(self.app, listeners, shutdown).await;
        Ok(())
    }

    /// Nobody is trusted by accident: without accounts a network may at most read.
    fn allows(&self, bound: &Bound) -> Result<(), DepotError> {
        let Options { mode, access, .. } = &self.app.options;
        let only_gives = *mode == Mode::ReadOnly && access.anonymous_pull == AnonymousPull::Everything;
        match bound.reach {
            Reach::Network if !only_gives && !self.accounts().is_guarded() => {
                Err(DepotError::OpenToAll { address: bound.address })
            }
            Reach::Loopback | Reach::Network => Ok(()),
        }
    }
}

/// A depot that serves in the background. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Running {
    depot: Depot,
    listening: Vec<Listening>,
    control: Option<ControlServer>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), DepotError>>,
}

impl Running {
    /// The first address it listens on, the port filled in.
    pub fn addr(&self) -> SocketAddr {
        self.listening.first().expect("because no depot is started without a listener").address
    }

    /// All addresses it listens on, in the order they were given.
    pub fn listening(&self) -> &[Listening] {
        &self.listening
    }

    /// The depot that is served.
    pub fn depot(&self) -> &Depot {
        &self.depot
    }

    /// Stops it, and waits until requests in flight have ended and the data directory is free.
    pub async fn shutdown(self) -> Result<(), DepotError> {
        // Whoever has it open is waited for.
        drop(self.depot);
        if let Some(control) = self.control {
            control.stop().await;
        }
        // A server that ended by itself has dropped its end; its result says why.
        let _ = self.stop.send(());
        self.task.await.map_err(|source| DepotError::Task { source })?
    }
}

/// Opens the depot in `dir` and serves it in the clear on `address` (port 0: any that is free).
pub async fn start(dir: &Path, options: Options, address: SocketAddr) -> Result<Running, DepotError> {
    start_on(dir, options, vec![Listener::plain(address)]).await
}

/// Opens the depot in `dir` and serves it on all of `listeners`, at least one.
pub async fn start_on(dir: &Path, options: Options, listeners: Vec<Listener>) -> Result<Running, DepotError> {
    let data = dir.to_owned();
    let depot = blocking(move || Depot::open(&data, options)).await?;
    let bound = bind(dir, listeners).await?;
    bound.iter().try_for_each(|bound| depot.allows(bound))?;
    let listening = bound.iter().map(Bound::listening).collect();
    let control = listen_for_control(dir, &depot);
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(depot.clone().serve_on(bound, async move {
        // A dropped sender stops it as well.
        let _ = stopped.await;
    }));
    Ok(Running { depot, listening, control, stop, task })
}

/// Takes all addresses, and then makes ready what the certificates need: a self-made one names
/// the address.
async fn bind(dir: &Path, listeners: Vec<Listener>) -> Result<Vec<Bound>, DepotError> {
    let mut all = Vec::with_capacity(listeners.len());
    for listener in listeners {
        let address = listener.address;
        let mut bound = listener.bind().await.map_err(|source| DepotError::Listen { address, source })?;
        if let Some(certificate) = listener.certificate {
            let data = dir.to_owned();
            bound = blocking(move || {
                let secured = bound.secure(&data, &certificate);
                secured
                    .map(|()| bound)
                    .map_err(|source| DepotError::Tls { address, source: Box::new(source) })
            })
            .await?;
        }
        all.push(bound);
    }
    Ok(all)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DepotError> + Send + 'static,
) -> Result<T, DepotError> {
    spawn_blocking(work).await.map_err(|source| DepotError::Task { source })?
}

/// Where the file system has no sockets, a depot still serves; what would ask it has to wait until it is stopped.
fn listen_for_control(dir: &Path, depot: &Depot) -> Option<ControlServer> {
    let started = ControlServer::start(dir, depot.clone());
    started
        .inspect_err(|error| tracing::warn!(%error, "no control socket can be made in the data directory"))
        .ok()
}
