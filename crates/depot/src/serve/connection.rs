//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::arriving::Arriving;
use super::link::{Link, Traffic};
use super::record::{Answering, Record};
use super::{Phase, Service, framing};
use crate::http;

/// Bytes of a connection that wait to be read or sent; what bounds a server's memory.
const BUFFER: usize = 64 * 1024;

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) service: Arc<Service>,
    pub(super) peer: SocketAddr,
    pub(super) phases: watch::Receiver<Phase>,
}

/// What all requests of a connection share.
struct Client {
    service: Arc<Service>,
    peer: SocketAddr,
    traffic: Arc<Traffic>,
}

impl Connection {
    /// Answers requests until either side is done.
    pub(super) async fn run(self, stream: TcpStream) {
        answer_at_once(&stream);
        let traffic = Arc::new(Traffic::default());
        let link = Link::new(stream, Arc::clone(&traffic), self.service.limits.patience);
        self.converse(link, traffic).await;
    }

    async fn converse<S>(mut self, stream: S, traffic: Arc<Traffic>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let client = Arc::new(Client {
            service: Arc::clone(&self.service),
            peer: self.peer,
            traffic: Arc::clone(&traffic),
        });
        let service = service_fn(move |request| answer(Arc::clone(&client), request));
        let mut connection = pin!(self.protocol().serve_connection(TokioIo::new(stream), service));
        loop {
            tokio::select! {
                ended = connection.as_mut() => return note(self.peer, ended),
                phase = Phase::next(&mut self.phases) => match phase {
                    Phase::Open => {}
                    Phase::Draining => connection.as_mut().graceful_shutdown(),
                    Phase::Ending => traffic.break_off(),
                    Phase::Over => return,
                },
            }
        }
    }

    fn protocol(&self) -> http1::Builder {
        let limits = &self.service.limits;
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle)
            .max_buf_size(BUFFER.max(limits.header))
            .max_header_size(limits.header);
        protocol
    }
}

/// Small answers must not wait for more to come.
fn answer_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}

fn note(peer: SocketAddr, ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, error = %http::chain(&error), "connection ended early");
    }
}

async fn answer(client: Arc<Client>, request: Request<Incoming>) -> Result<Response<Answering>, Infallible> {
    let record = Record::open(client.peer, &request);
    let response = match framing::check(&request) {
        Ok(()) => {
            let patience = client.service.limits.patience;
            let arriving =
                |body| Arriving::new(body, Arc::clone(&client.traffic), patience, record.received());
            let request = request.map(|body| Body::new(arriving(body)));
            // A request is large while it is handled, and a connection mostly idle.
            Box::pin(http::handle(Arc::clone(&client.service.app), request)).await
        }
        Err(error) => error.into_response(),
    };
    Ok(record.answered(response))
}
