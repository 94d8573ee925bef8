//! For how long a node may make the others wait: two seconds at first, and after that a twentieth of the time.
//!
//! Nodes that are much the same fall behind each other by turns, while they unpack; that is waited for, so
//! that the package is read once. One that is slower is not waited for: what it missed is read again.

use std::time::{Duration, Instant};

/// The most that is saved up.
const MOST: Duration = Duration::from_secs(2);

/// Of so much time a node may take one part.
const ONE_OF: u32 = 20;

/// What is left for one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    left: Duration,
    /// Up to when it is reckoned.
    reckoned: Instant,
}

impl Patience {
    /// All of it, at the beginning.
    pub(super) fn new(now: Instant) -> Self {
        Self { left: MOST, reckoned: now }
    }

    /// None of it.
    #[cfg(test)]
    pub(super) fn spent() -> Self {
        Self { left: Duration::ZERO, reckoned: Instant::now() }
    }

    /// What is left now.
    pub(super) fn left(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.reckoned);
        self.reckoned = self.reckoned.max(now);
        self.left = (self.left + passed / ONE_OF).min(MOST);
        self.left
    }

    /// Takes what somebody waited from `since` to `now`. Where several wait at once it counts once.
    pub(super) fn wait(&mut self, since: Instant, now: Instant) {
        let waited = now.saturating_duration_since(self.reckoned.max(since));
        self.left = self.left.saturating_sub(waited);
        self.reckoned = self.reckoned.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seconds_and_then_a_twentieth() {
        let start = Instant::now();
        let at = |milliseconds: u64| start + Duration::from_millis(milliseconds);
        let mut patience = Patience::new(start);
        patience.wait(at(0), at(1500));
        assert_eq!(patience.left(at(1500)), Duration::from_millis(500));
        // A second one that waited at the same time.
        patience.wait(at(500), at(1500));
        assert_eq!(patience.left(at(1500)), Duration::from_millis(500));
        patience.wait(at(1500), at(9000));
        assert_eq!(patience.left(at(9000)), Duration::ZERO);
        assert_eq!(patience.left(at(10_000)), Duration::from_millis(50));
        assert_eq!(patience.left(at(600_000)), MOST);
    }
}
