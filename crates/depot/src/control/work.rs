//! A call that is being carried out on a thread of its own.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Call, Failed};
use crate::server::Depot;

/// Events that may wait to be told before the work waits for them.
const EVENTS_WAITING: usize = 64;

/// What a call tells, and how it ends. Dropping the events ends the work at its next one.
pub(super) struct Work<C: Call> {
    pub(super) events: mpsc::Receiver<C::Event>,
    pub(super) end: JoinHandle<Result<C::Answer, Failed>>,
}

impl<C: Call> Work<C> {
    /// Begins it. It ends early once `stop` is set.
    pub(super) fn begin(depot: Depot, call: C, stop: Arc<AtomicBool>) -> Self {
        let (teller, events) = mpsc::channel(EVENTS_WAITING);
        let mut tell = move |event| match teller.blocking_send(event) {
            Ok(()) if !stop.load(Ordering::Relaxed) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        Self { events, end: spawn_blocking(move || call.carry_out(&depot, &mut tell)) }
    }
}

/// Waits for work on another thread. A panic in it goes on here.
pub(super) async fn joined<T>(task: JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going away, and whoever waits with it.
            Err(_) => std::future::pending().await,
        },
    }
}
