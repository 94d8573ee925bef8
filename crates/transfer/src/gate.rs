//! What tags and charts wait for where a package is known to be whole only at its end.

use portolan_registry::Stop;
use tokio::sync::watch;

use crate::lack::Lack;

/// Closed at first; then open, or shut for good.
#[derive(Debug)]
pub(crate) struct Gate(watch::Sender<State>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open,
    Shut(String),
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(State::Closed))
    }

    /// Lets everything pass from now on.
    pub(crate) fn open(&self) {
        self.0.send_replace(State::Open);
    }

    /// Lets nothing pass any more, for that reason.
    pub(crate) fn shut(&self, reason: String) {
        self.0.send_replace(State::Shut(reason));
    }

    /// Whether it is neither open nor shut yet.
    pub(crate) fn is_closed(&self) -> bool {
        *self.0.borrow() == State::Closed
    }

    /// Whether nothing passes any more.
    pub(crate) fn is_shut(&self) -> bool {
        matches!(*self.0.borrow(), State::Shut(_))
    }

    /// Waits until it opens.
    ///
    /// # Errors
    /// Why it was shut; the interruption, where that comes first.
    pub(crate) async fn passed(&self, stop: &Stop) -> Result<(), Lack> {
        let mut state = self.0.subscribe();
        let decided = state.wait_for(|state| *state != State::Closed);
        let state = tokio::select! {
            state = decided => state.expect("because the sender is this gate's own").clone(),
            () = stop.requested() => return Err(Lack::NOT_REACHED),
        };
        match state {
            State::Shut(reason) => Err(Lack::Failed(reason)),
            State::Open | State::Closed => Ok(()),
        }
    }
}
