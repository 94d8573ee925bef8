//! What is written down of each request: one event in the access log when its answer is sent.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, Uri};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

use crate::http::{About, App, Origin};
use crate::metrics::Answered;

/// The target of the access log's events, so that they can be kept apart from all others.
const ACCESS: &str = "portolan_depot::access";

/// Bytes of a body that arrived so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Received(Arc<AtomicU64>);

impl Received {
    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A request from its arrival until its answer is sent.
#[derive(Debug)]
pub(super) struct Record {
    app: Arc<App>,
    started: Instant,
    peer: SocketAddr,
    encrypted: bool,
    method: Method,
    uri: Uri,
    received: Received,
}

impl Record {
    pub(super) fn open<B>(app: &Arc<App>, peer: SocketAddr, origin: Origin, request: &Request<B>) -> Self {
        Self {
            app: Arc::clone(app),
            started: Instant::now(),
            peer,
            encrypted: origin.encrypted,
            method: request.method().clone(),
            uri: request.uri().clone(),
            received: Received::default(),
        }
    }

    /// Where the bytes of the request's body are counted.
    pub(super) fn received(&self) -> Received {
        self.received.clone()
    }

    /// The answer, which writes its record when it was sent or given up.
    pub(super) fn answered(self, response: Response<Body>) -> Response<Answering> {
        let (mut parts, body) = response.into_parts();
        let about = parts.extensions.remove().unwrap_or_default();
        let whole = body.size_hint().exact() == Some(0) || self.method == Method::HEAD;
        let answering = Answering { body, record: self, status: parts.status, about, sent: 0, whole };
        Response::from_parts(parts, answering)
    }

    /// The path alone: queries may carry what is nobody's business.
    fn close(&self, status: StatusCode, about: &About, sent: u64, whole: bool) {
        let took = self.started.elapsed();
        let received = self.received.0.load(Ordering::Relaxed);
        let route = about.route.unwrap_or("unknown");
        self.app.metrics.answered(&Answered { route, method: &self.method, status, took, received, sent });
        tracing::info!(
            target: ACCESS,
            peer = %self.peer,
            tls = self.encrypted,
            user = about.user.as_deref(),
            method = self.method.as_str(),
            path = self.uri.path(),
            status = status.as_u16(),
            received,
            sent,
            whole,
            milliseconds = took.as_secs_f64() * 1e3,
            "answered"
        );
    }
}

/// An answer's body on its way out.
#[derive(Debug)]
pub(super) struct Answering {
    body: Body,
    record: Record,
    status: StatusCode,
    about: About,
    sent: u64,
    whole: bool,
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            None => self.whole = true,
            Some(Ok(frame)) => {
                self.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                self.whole = self.body.is_end_stream();
            }
            Some(Err(error)) => tracing::error!(%error, path = self.record.uri.path(), "answer broken off"),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.record.close(self.status, &self.about, self.sent, self.whole);
    }
}
