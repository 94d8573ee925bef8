//! An archive as the body of a request, counted as it is taken.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::stream;
use portolan_registry::Progress;
use reqwest::Body;
use tokio::sync::mpsc;

use crate::feed::Feed;

/// How many bytes of a body were taken.
pub(super) struct Counted(mpsc::UnboundedReceiver<u64>);

impl Counted {
    /// Tells `sent` of all that is taken, until the body ends.
    pub(super) async fn count(mut self, sent: Progress<'_>) {
        while let Some(count) = self.0.recv().await {
            sent(count);
        }
    }
}

/// Why an archive could not be read further.
pub(super) type Failed = Arc<Mutex<Option<io::Error>>>;

/// An archive as the body of a request.
pub(super) fn body(feed: Feed, failed: &Failed) -> (Counted, Body) {
    let (counter, counted) = mpsc::unbounded_channel();
    let failed = Arc::clone(failed);
    let pieces = stream::unfold((feed, counter, failed), |(mut feed, counter, failed)| async move {
        let piece = feed.next().await?.map_err(|error| {
            let kind = error.kind();
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            io::Error::from(kind)
        });
        // Nobody may count any more.
        let _ = counter.send(piece.as_ref().map_or(0, Bytes::len) as u64);
        Some((piece, (feed, counter, failed)))
    });
    (Counted(counted), Body::wrap_stream(pieces))
}
