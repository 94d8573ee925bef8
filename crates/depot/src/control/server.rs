//! Answering on the socket, in the process that has the depot open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::Listener;
use bytes::Bytes;
use futures_util::stream;
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::wire::{CALL_LIMIT, Line, MEDIA_TYPE};
use super::work::{Work, joined};
use super::{Call, check, collect, projects, socket, users};
use crate::server::Depot;

/// The path of a call. The number counts up when what all calls have in common changes.
pub(super) fn path(name: &str) -> String {
    format!("/v1/{name}")
}

/// A depot that listens on its socket.
#[derive(Debug)]
pub(crate) struct ControlServer {
    dir: PathBuf,
    stopping: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What calls work with.
#[derive(Debug, Clone)]
pub(super) struct Room {
    depot: Depot,
    stopping: Arc<AtomicBool>,
}

impl ControlServer {
    /// Listens on the socket in `dir`, the data directory of `depot`, on the runtime that this is called on.
    pub(crate) fn start(dir: &Path, depot: Depot) -> io::Result<Self> {
        Self::with(dir, depot, calls())
    }

    /// The same with other calls.
    pub(super) fn with(dir: &Path, depot: Depot, calls: Router<Room>) -> io::Result<Self> {
        let listener = Guarded { listener: socket::bind(dir)? };
        let (stop, stopped) = oneshot::channel::<()>();
        let stopping = Arc::<AtomicBool>::default();
        let room = Room { depot, stopping: Arc::clone(&stopping) };
        let router = calls.layer(DefaultBodyLimit::max(CALL_LIMIT)).with_state(room);
        let served = axum::serve(listener, router).with_graceful_shutdown(async move {
            // A dropped sender stops it as well.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::warn!(%error, "the control socket is closed");
            }
        });
        Ok(Self { dir: dir.to_owned(), stopping, stop, task })
    }

    /// Ends what is being carried out at its next stop, and takes the socket away.
    pub(crate) async fn stop(self) {
        self.stopping.store(true, Ordering::Relaxed);
        // A server that ended by itself has dropped its end.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the control socket's task did not end by itself");
        }
        if let Err(error) = socket::remove(&self.dir) {
            tracing::warn!(%error, "cannot remove the control socket");
        }
    }
}

/// The calls that a depot answers.
fn calls() -> Router<Room> {
    let upkeep = projects::calls(collect::calls(check::calls(Router::new())));
    users::calls(upkeep)
}

/// The same with one more.
pub(super) fn with_call<C: Call>(calls: Router<Room>) -> Router<Room> {
    calls.route(&path(C::NAME), post(answer::<C>))
}

async fn answer<C: Call>(State(room): State<Room>, body: Bytes) -> Response {
    let call: C = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    tracing::info!(call = C::NAME, "asked over the control socket");
    let work = Work::begin(room.depot, call, room.stopping);
    let lines = stream::unfold(Some(work), next_line::<C>);
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], Body::from_stream(lines)).into_response()
}

/// The next line of an answer, and what is left to tell.
async fn next_line<C: Call>(work: Option<Work<C>>) -> Option<(io::Result<Vec<u8>>, Option<Work<C>>)> {
    let mut work = work?;
    let line: Line<C::Event, C::Answer> = match work.events.recv().await {
        Some(event) => return Some((Ok(Line::<_, C::Answer>::Event(event).encode()), Some(work))),
        None => match joined(work.end).await {
            Ok(answer) => Line::Answer(answer),
            Err(failed) => Line::Failed(failed),
        },
    };
    Some((Ok(line.encode()), None))
}

/// Turns away processes of other users, should the socket's mode ever let one through.
struct Guarded {
    listener: UnixListener,
}

impl Listener for Guarded {
    type Io = UnixStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (UnixStream, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            if socket::is_trusted(&stream) {
                return (stream, address);
            }
            tracing::warn!("a process of another user was turned away from the control socket");
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
