//! A request's body on its way in: broken off where the client stops sending it, or the server
//! has to end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::link::Traffic;
use super::patience::Patience;
use super::record::Received;

/// A body whose sender has to keep sending.
#[derive(Debug)]
pub(super) struct Arriving {
    body: Incoming,
    traffic: Arc<Traffic>,
    patience: Patience,
    received: Received,
}

impl Arriving {
    pub(super) fn new(body: Incoming, traffic: Arc<Traffic>, patience: Duration, received: Received) -> Self {
        if body.is_end_stream() {
            traffic.request_is_whole();
        }
        Self { body, traffic, patience: Patience::new(patience), received }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if self.traffic.is_ending() {
            return Poll::Ready(Some(Err("the depot is stopping".into())));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return self.patience.poll_over(cx).map(|()| Some(Err(too_slow())));
        };
        let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        self.patience.moved(bytes);
        self.received.add(bytes);
        if !matches!(frame, Some(Err(_))) && (frame.is_none() || self.body.is_end_stream()) {
            self.traffic.request_is_whole();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn too_slow() -> axum::BoxError {
    io::Error::new(io::ErrorKind::TimedOut, "the client sends it too slowly").into()
}
