//! Bodies on their way in: everything bounded, every disk access away from the threads that serve.

use std::mem;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, pin_mut};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::store::{Claim, Draft, StoreError};

/// Bytes gathered before they are handed to a thread that writes and hashes them: large enough
/// for the hand-over to cost nothing beside the work. Two such batches an upload are in memory.
const BATCH: usize = 512 * 1024;

/// Why a body did not arrive whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("body has more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("body ended early: {reason}")]
    Broken { reason: String },
    #[error("cannot store the body")]
    Store { source: StoreError },
}

/// Where an arriving body goes.
pub(super) trait Sink: Send + 'static {
    fn draft(&mut self) -> &mut Draft;
}

impl Sink for Draft {
    fn draft(&mut self) -> &mut Draft {
        self
    }
}

impl Sink for Claim {
    fn draft(&mut self) -> &mut Draft {
        Claim::draft(self)
    }
}

/// Runs work that blocks on a thread made for that. A panic in it goes on in the caller.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    join(spawn_blocking(work)).await
}

async fn join<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going away, and this request with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// A body as a stream of its pieces.
pub(super) fn pieces(body: Body) -> impl Stream<Item = Result<Bytes, BodyError>> + Send {
    body.into_data_stream().map_err(|error| BodyError::Broken { reason: error.to_string() })
}

/// A small body as a whole.
pub(super) async fn whole(body: Body, limit: u64) -> Result<Bytes, BodyError> {
    gather(pieces(body), limit).await
}

/// A stream as a whole, at most `limit` bytes of it.
pub(super) async fn gather(
    stream: impl Stream<Item = Result<Bytes, BodyError>>,
    limit: u64,
) -> Result<Bytes, BodyError> {
    pin_mut!(stream);
    let mut content = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        if (content.len() + piece.len()) as u64 > limit {
            return Err(BodyError::TooLarge { limit });
        }
        content.extend_from_slice(&piece);
    }
    Ok(content.into())
}

/// Writes a stream into `sink`, at most `limit` bytes of it, and gives the sink back.
///
/// The next batch is gathered while the one before is hashed and written. Where the client goes
/// away in the middle, what had arrived is in the sink: an upload session can go on from there.
pub(super) async fn pour<S: Sink, E: From<BodyError>>(
    stream: impl Stream<Item = Result<Bytes, E>> + Send,
    sink: S,
    limit: u64,
) -> Result<S, E> {
    pin_mut!(stream);
    let mut pump = Pump { state: State::Idle(sink), batch: Vec::new(), gathered: 0 };
    let mut total = 0;
    while let Some(piece) = stream.next().await {
        match piece {
            Ok(piece) => {
                total += piece.len() as u64;
                if total > limit {
                    return Err(BodyError::TooLarge { limit }.into());
                }
                pump.push(piece).await?;
            }
            Err(error) => {
                // The sink is dropped, which gives a session back with all that arrived.
                pump.finish().await?;
                return Err(error);
            }
        }
    }
    Ok(pump.finish().await?)
}

/// A sink, and the batch that goes there next.
struct Pump<S> {
    state: State<S>,
    batch: Vec<Bytes>,
    gathered: usize,
}

enum State<S> {
    Idle(S),
    Writing(JoinHandle<Result<S, StoreError>>),
    /// Only while one of the others is being replaced, or after a failure.
    Gone,
}

impl<S: Sink> Pump<S> {
    async fn push(&mut self, piece: Bytes) -> Result<(), BodyError> {
        self.gathered += piece.len();
        self.batch.push(piece);
        if self.gathered < BATCH { Ok(()) } else { self.flush().await }
    }

    async fn flush(&mut self) -> Result<(), BodyError> {
        let mut sink = self.idle().await?;
        let batch = mem::take(&mut self.batch);
        self.gathered = 0;
        self.state = State::Writing(spawn_blocking(move || sink.draft().append(&batch).map(|()| sink)));
        Ok(())
    }

    async fn finish(mut self) -> Result<S, BodyError> {
        if !self.batch.is_empty() {
            self.flush().await?;
        }
        self.idle().await
    }

    /// The sink once it is done with what it was given.
    async fn idle(&mut self) -> Result<S, BodyError> {
        match mem::replace(&mut self.state, State::Gone) {
            State::Idle(sink) => Ok(sink),
            State::Writing(task) => join(task).await.map_err(|source| BodyError::Store { source }),
            State::Gone => {
                Err(BodyError::Broken { reason: "an earlier piece could not be stored".to_owned() })
            }
        }
    }
}
