//! How long a client may keep the server waiting.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// Bytes that must move before the patience is whole again. A client that sends a byte a minute
/// would hold its connection for ever if each byte were enough.
const STEP: usize = 16 * 1024;

/// Time that is used up only while the server waits for the client, never while it works itself.
#[derive(Debug)]
pub(super) struct Patience {
    whole: Duration,
    left: Duration,
    moved: usize,
    since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(super) fn new(whole: Duration) -> Self {
        Self { whole, left: whole, moved: 0, since: None, timer: None }
    }

    /// To be asked while the client lets the server wait: ready once the patience is used up.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(now + self.left),
                None => self.timer = Some(Box::pin(sleep(self.left))),
            }
        }
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx))
    }

    /// The wait ended, and so many bytes moved.
    pub(super) fn moved(&mut self, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        self.moved += bytes;
        if self.moved >= STEP {
            (self.left, self.moved) = (self.whole, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    /// Waits `time` with the patience running, and says whether it was used up.
    async fn wait(patience: &mut Patience, time: Duration) -> bool {
        tokio::time::timeout(time, poll_fn(|cx| patience.poll_over(cx))).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn is_used_up_by_one_long_wait() {
        let mut patience = Patience::new(MINUTE);
        assert!(!wait(&mut patience, MINUTE - SECOND).await);
        assert!(wait(&mut patience, 2 * SECOND).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_now_and_then_does_not_make_it_whole() {
        let mut patience = Patience::new(MINUTE);
        for _ in 0..2 {
            assert!(!wait(&mut patience, 25 * SECOND).await);
            patience.moved(1);
        }
        assert!(wait(&mut patience, 11 * SECOND).await);
    }

    #[tokio::test(start_paused = true)]
    async fn enough_bytes_make_it_whole_and_the_servers_own_work_costs_nothing() {
        let mut patience = Patience::new(MINUTE);
        for _ in 0..10 {
            assert!(!wait(&mut patience, 50 * SECOND).await);
            patience.moved(STEP);
            tokio::time::sleep(MINUTE).await;
        }
    }
}
