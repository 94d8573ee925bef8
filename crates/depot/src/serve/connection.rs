//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::arriving::Arriving;
use super::link::{Link, Traffic};
use super::record::{Answering, Record};
use super::tls::Tls;
use super::{Phase, Service, framing};
use crate::http::{self, Origin};

/// Bytes of a connection that wait to be read or sent; what bounds a server's memory.
const BUFFER: usize = 64 * 1024;

/// What a request in the clear gets where TLS is spoken; the first line is Go's.
const PLAIN_ANSWER: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
    Client sent an HTTP request to an HTTPS server.\nThis address of the depot speaks TLS: use https://.\n";

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) service: Arc<Service>,
    pub(super) peer: SocketAddr,
    pub(super) origin: Origin,
    pub(super) phases: watch::Receiver<Phase>,
}

/// What all requests of a connection share.
struct Client {
    service: Arc<Service>,
    peer: SocketAddr,
    origin: Origin,
    traffic: Arc<Traffic>,
}

impl Connection {
    /// Answers requests until either side is done.
    pub(super) async fn run(mut self, stream: TcpStream, tls: Option<&Tls>) {
        answer_at_once(&stream);
        let _counted = self.service.app.metrics.connected();
        let traffic = Arc::new(Traffic::default());
        let link = Link::new(stream, Arc::clone(&traffic), self.service.limits.patience);
        let Some(tls) = tls else {
            return self.converse(link, traffic).await;
        };
        let handshake = timeout(self.service.limits.handshake, greet(link, tls));
        let greeted = tokio::select! {
            greeted = handshake => greeted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
            _ = Phase::next(&mut self.phases) => return,
        };
        match greeted {
            Ok(Some(stream)) => self.converse(stream, traffic).await,
            Ok(None) => {}
            Err(error) => {
                self.service.app.metrics.handshake_failed();
                tracing::debug!(peer = %self.peer, %error, "no TLS handshake");
            }
        }
    }

    async fn converse<S>(mut self, stream: S, traffic: Arc<Traffic>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let client = Arc::new(Client {
            service: Arc::clone(&self.service),
            peer: self.peer,
            origin: self.origin,
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

/// Does the handshake. `None` where the client spoke HTTP in the clear, and was told so.
async fn greet(mut link: Link, tls: &Tls) -> io::Result<Option<TlsStream<Link>>> {
    // The first byte of TLS is that of a record, the first of HTTP is a letter.
    if !link.first_byte().await?.is_ascii_alphabetic() {
        return tls.accept(link).await.map(Some);
    }
    // Being read, it counts as a request that was not taken whole.
    let _ = link.read(&mut [0; 1024]).await?;
    link.write_all(PLAIN_ANSWER).await?;
    link.shutdown().await?;
    Ok(None)
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
    let record = Record::open(&client.service.app, client.peer, client.origin, &request);
    let response = match framing::check(&request) {
        Ok(()) => {
            let patience = client.service.limits.patience;
            let arriving =
                |body| Arriving::new(body, Arc::clone(&client.traffic), patience, record.received());
            let request = request.map(|body| Body::new(arriving(body)));
            // A request is large while it is handled, and a connection mostly idle.
            Box::pin(http::handle(Arc::clone(&client.service.app), client.origin, request)).await
        }
        Err(error) => error.into_response(),
    };
    Ok(record.answered(response))
}
