//! The gate that every request to a registry passes: how many may be under way at once, and for how long
//! none at all.
//!
//! The limit is far above what a run ever has under way, until the registry complains: by 429 or 503, by
//! not answering in time, by refusing or breaking connections. Then it halves, and rises by one with each
//! round of requests that go well ([`limit`]). What `Retry-After` asks of one request is kept by all.

mod limit;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use reqwest::Response;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::{
    error::RegistryError,
    retry::{Verdict, verdict_of_status},
    stop::Stop,
};
use limit::{Change, Limit, Told};

/// More requests than a run has under way by itself: its jobs and what is asked ahead of them.
const MOST: usize = 128;

/// How long a registry may be out of reach before nothing is tried again for its sake.
const LONGEST_OUTAGE: Duration = Duration::from_secs(300);

/// The gate before one registry.
#[derive(Debug)]
pub(crate) struct Gate {
    /// One for each request that may begin now.
    slots: Semaphore,
    state: Mutex<State>,
    /// The longest wait that a server may ask of everybody.
    longest_asked: Duration,
}

#[derive(Debug)]
struct State {
    limit: Limit,
    /// Slots that are to go as soon as they come back.
    surplus: usize,
    /// Until when no request begins.
    closed_until: Option<Instant>,
    /// Since when no request reached the registry.
    out_since: Option<Instant>,
}

/// Leave to have one request under way, until this is dropped.
#[derive(Debug)]
struct Pass<'a> {
    gate: &'a Gate,
    /// `None` where nobody waits any more.
    slot: Option<SemaphorePermit<'a>>,
    begun: u64,
    told: Told,
}

impl Gate {
    pub(crate) fn new(longest_asked: Duration) -> Self {
        let state = State { limit: Limit::new(MOST), surplus: 0, closed_until: None, out_since: None };
        Self { slots: Semaphore::new(MOST), state: Mutex::new(state), longest_asked }
    }

    /// Lets a request through as soon as one more may be under way, at once where `stop` was requested, and
    /// learns from how it ends; `answer` finds the registry's answer in what it gives.
    pub(crate) async fn through<T>(
        &self,
        stop: &Stop,
        request: impl Future<Output = Result<T, RegistryError>>,
        answer: impl FnOnce(&T) -> &Response,
    ) -> Result<T, RegistryError> {
        let mut pass = self.enter(stop).await;
        let outcome = request.await;
        match &outcome {
            Ok(given) => pass.note_answer(answer(given)),
            Err(error) => pass.note_error(error),
        }
        outcome
    }

    async fn enter(&self, stop: &Stop) -> Pass<'_> {
        let slot = tokio::select! {
            biased;
            slot = self.slot() => Some(slot),
            () = stop.requested() => None,
        };
        let begun = self.lock().limit.begin();
        Pass { gate: self, slot, begun, told: Told::Nothing }
    }

    /// Whether the registry was out of reach for so long that it hardly comes back: then a thousand requests
    /// are not to wait for it one after the other.
    pub(crate) fn is_given_up(&self) -> bool {
        self.lock().out_since.is_some_and(|since| since.elapsed() > LONGEST_OUTAGE)
    }

    fn note_reached(&self, reached: bool) {
        let mut state = self.lock();
        state.out_since = if reached { None } else { state.out_since.or_else(|| Some(Instant::now())) };
    }

    async fn slot(&self) -> SemaphorePermit<'_> {
        let slot = self.slots.acquire().await.expect("because nobody closes this semaphore");
        // The time may be put off while it is waited for.
        while let Some(until) = self.closed_until() {
            tokio::time::sleep_until(until).await;
        }
        slot
    }

    fn closed_until(&self) -> Option<Instant> {
        let mut state = self.lock();
        state.closed_until = state.closed_until.filter(|until| *until > Instant::now());
        state.closed_until
    }

    fn close_for(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        state.closed_until = state.closed_until.max(Some(until));
    }

    fn leave(&self, slot: Option<SemaphorePermit<'_>>, begun: u64, told: Told) {
        let mut state = self.lock();
        let change = state.limit.end(begun, told);
        match change {
            Some(Change::Falls { by, .. }) => state.surplus += by - self.slots.forget_permits(by),
            Some(Change::Rises { .. }) if state.surplus > 0 => state.surplus -= 1,
            Some(Change::Rises { .. }) => self.slots.add_permits(1),
            None => {}
        }
        if let Some(slot) = slot {
            match state.surplus.checked_sub(1) {
                Some(left) => {
                    state.surplus = left;
                    slot.forget();
                }
                None => drop(slot),
            }
        }
        drop(state);
        tell(change);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    fn note_answer(&mut self, response: &Response) {
        self.told = match response.status().as_u16() {
            429 | 503 | 504 => Told::Complaint,
            500 | 502 => Told::Nothing,
            _ => Told::Well,
        };
        self.gate.note_reached(!matches!(response.status().as_u16(), 502..=504));
        let verdict = verdict_of_status(response.status(), response.headers(), SystemTime::now());
        // Where more is asked for than anybody would wait, each request ends by itself.
        if let Verdict::Passing { after: Some(wait) } = verdict
            && wait <= self.gate.longest_asked
        {
            self.gate.close_for(wait);
        }
    }

    fn note_error(&mut self, error: &RegistryError) {
        if error.is_of_the_connection() {
            self.told = Told::Complaint;
            self.gate.note_reached(false);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.leave(self.slot.take(), self.begun, self.told);
    }
}

fn tell(change: Option<Change>) {
    match change {
        Some(Change::Falls { to, .. }) => {
            tracing::info!(at_once = to, "the registry complains: fewer requests at once");
        }
        Some(Change::Rises { to }) => {
            tracing::info!(at_once = to, "the registry keeps up: more requests at once")
        }
        None => {}
    }
}

#[cfg(test)]
mod tests;
