//! The asynchronous half of an upload: the request's body, fed by the pump.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// What the pump hands on.
#[derive(Debug)]
pub(super) enum Part {
    Piece(Bytes),
    /// All was handed on. Without it an early end of the pump would look like the end of the blob.
    End,
    Broken,
}

/// A request's body. Where the size is known it becomes the `Content-Length`; else the body is sent
/// in chunks.
#[derive(Debug)]
pub(super) struct PieceBody {
    parts: mpsc::UnboundedReceiver<Part>,
    left: Option<u64>,
    taken: Arc<Taken>,
}

/// What the connection has taken so far.
#[derive(Debug, Default)]
pub(super) struct Taken {
    bytes: AtomicU64,
    all: AtomicBool,
}

impl Taken {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether that was the whole body.
    pub(super) fn is_all(&self) -> bool {
        self.all.load(Ordering::Relaxed)
    }
}

impl PieceBody {
    pub(super) fn new(parts: mpsc::UnboundedReceiver<Part>, size: Option<u64>) -> Self {
        let taken = Taken { all: AtomicBool::new(size == Some(0)), ..Taken::default() };
        Self { parts, left: size, taken: Arc::new(taken) }
    }

    /// What the connection has taken, as it goes on.
    pub(super) fn counter(&self) -> Arc<Taken> {
        Arc::clone(&self.taken)
    }

    fn count(&mut self, piece: &Bytes) {
        let length = piece.len() as u64;
        self.taken.bytes.fetch_add(length, Ordering::Relaxed);
        self.left = self.left.map(|left| left.saturating_sub(length));
        self.taken.all.fetch_or(self.left == Some(0), Ordering::Relaxed);
    }
}

impl Body for PieceBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match ready!(self.parts.poll_recv(context)) {
            Some(Part::Piece(piece)) => {
                self.count(&piece);
                Some(Ok(Frame::data(piece)))
            }
            Some(Part::End) => {
                self.taken.all.store(true, Ordering::Relaxed);
                None
            }
            Some(Part::Broken) | None => Some(Err(io::Error::other("the source of the blob failed"))),
        })
    }

    /// Says no even when the last piece is taken, unless the blob is empty by right: an empty blob
    /// must pass the pump's judgement too before the request may count as whole.
    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
