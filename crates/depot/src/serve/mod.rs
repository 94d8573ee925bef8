//! Listening, and what holds for every connection whatever is asked on it.
//!
//! One task for each listener accepts, one for each connection answers. All of them watch the same
//! [`Phase`], which is how a server ends: it stops accepting, lets the requests in flight finish,
//! breaks off the bodies that still arrive (an upload session keeps what came), and then drops
//! what is left.

mod arriving;
mod connection;
mod descriptors;
mod framing;
mod limits;
mod link;
mod listener;
mod patience;
mod record;
mod sessions;
mod tls;

use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::http::{App, Origin};
use connection::Connection;
pub use descriptors::raise_descriptor_limit;
pub use limits::Limits;
pub(crate) use listener::Bound;
pub use listener::{Listener, Listening, Reach};
pub use tls::{Certificate, PairFiles, TlsError};

/// Time for the answers to bodies that were broken off.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long no connection is accepted after the system could not give one.
const RECOVERY: Duration = Duration::from_secs(1);

/// What all connections of a server share.
#[derive(Debug)]
struct Service {
    app: Arc<App>,
    limits: Limits,
    places: Arc<Semaphore>,
}

/// How far a server is on its way to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It accepts.
    Open,
    /// It accepts nothing more; what was begun is finished.
    Draining,
    /// Bodies that still arrive are broken off.
    Ending,
    /// What is left is dropped.
    Over,
}

impl Phase {
    /// The next phase; over as well where the server itself is gone.
    async fn next(phases: &mut watch::Receiver<Self>) -> Self {
        match phases.changed().await {
            Ok(()) => *phases.borrow_and_update(),
            Err(_) => Self::Over,
        }
    }
}

/// Serves on all listeners until `shutdown` is done, and then until the requests in flight are.
pub(crate) async fn run(app: Arc<App>, listeners: Vec<Bound>, shutdown: impl Future<Output = ()>) {
    let limits = app.options.limits;
    descriptors::warn_of_too_few(limits.connections);
    let mut in_use = app.in_use.subscribe();
    let places = Arc::new(Semaphore::new(limits.connections));
    let service = Arc::new(Service { app: Arc::clone(&app), limits, places });
    sessions::take_up(&app).await;
    let (phase, phases) = watch::channel(Phase::Open);
    for listener in listeners {
        tokio::spawn(accept(listener, Arc::clone(&service), phases.clone()));
    }
    drop(phases);
    tokio::select! {
        () = shutdown => {}
        () = sessions::sweep(&app) => {}
    }
    app.stopping.store(true, Ordering::Relaxed);
    drop(service);
    end(phase, limits.drain).await;
    sessions::park(&app).await;
    drop(app);
    // Work on the store that its client did not wait for ends with the store in hand. An embedder
    // that keeps the depot open is not waited for.
    let _ = timeout(LAST_WORDS, in_use.changed()).await;
}

/// Every task holds a receiver until it ends.
async fn end(phase: watch::Sender<Phase>, drain: Duration) {
    for (next, time) in [(Phase::Draining, drain), (Phase::Ending, LAST_WORDS)] {
        phase.send_replace(next);
        if timeout(time, phase.closed()).await.is_ok() {
            return;
        }
        let connections = phase.receiver_count();
        tracing::warn!(connections, phase = ?next, "connections did not end in time");
    }
    phase.send_replace(Phase::Over);
    phase.closed().await;
}

async fn accept(bound: Bound, service: Arc<Service>, phases: watch::Receiver<Phase>) {
    let origin = Origin { reach: bound.reach, encrypted: bound.tls.is_some() };
    let connection =
        |peer| Connection { service: Arc::clone(&service), peer, origin, phases: phases.clone() };
    let accepting = async {
        loop {
            let (stream, peer, place) = next(&bound, &service).await;
            let (connection, tls) = (connection(peer), bound.tls.clone());
            tokio::spawn(async move {
                connection.run(stream, tls.as_deref()).await;
                drop(place);
            });
        }
    };
    let metrics = &service.app.metrics;
    let watching = async {
        match &bound.tls {
            Some(tls) => Arc::clone(tls).watch(|end| metrics.certificate_ends(bound.address, end)).await,
            None => pending().await,
        }
    };
    let mut stop = phases.clone();
    tokio::select! {
        () = accepting => {}
        () = watching => {}
        _ = Phase::next(&mut stop) => {}
    }
}

/// The next connection, once there is a place for it. Those behind it wait in the system's queue.
async fn next(bound: &Bound, service: &Service) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let (stream, peer) = loop {
        match bound.listener.accept().await {
            Ok(accepted) => break accepted,
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, address = %bound.address, "cannot accept connections");
                sleep(RECOVERY).await;
            }
        }
    };
    let place = Arc::clone(&service.places).acquire_owned().await;
    (stream, peer, place.expect("because the semaphore is never closed"))
}

/// Whether the client went away before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
