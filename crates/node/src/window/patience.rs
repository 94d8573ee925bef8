//! For how long a node may make the others wait: a while at first, and after that a part of the time.
//!
//! Nodes that are much the same fall behind each other by turns, while they unpack; that is waited for, so
//! that the package is read once. One that is slower is not waited for: what it missed is read again. The more
//! that costs, the longer it is waited.

use std::time::{Duration, Instant};

/// What nodes are granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tolerance {
    /// The most that is saved up, and what there is at first.
    most: Duration,
    /// Of so much time a node may take one part.
    one_of: u32,
}

impl Tolerance {
    /// What a node misses can be read by itself: two seconds, and a twentieth of the time.
    pub(crate) const READ_AGAIN: Self = Self { most: Duration::from_secs(2), one_of: 20 };
    /// The package has to be read once more from its start: ten seconds, and a tenth.
    pub(crate) const PASSED_AGAIN: Self = Self { most: Duration::from_secs(10), one_of: 10 };
    /// It goes by once: twenty seconds, and half of the time.
    pub(crate) const PASSES_ONCE: Self = Self { most: Duration::from_secs(20), one_of: 2 };
    /// Nobody else waits.
    pub(crate) const ALONE: Self = Self { most: Duration::MAX, one_of: 1 };
}

/// What is left for one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    tolerance: Tolerance,
    left: Duration,
    /// Up to when it is reckoned.
    reckoned: Instant,
}

impl Patience {
    /// All of it, at the beginning.
    pub(super) fn new(tolerance: Tolerance, now: Instant) -> Self {
        Self { tolerance, left: tolerance.most, reckoned: now }
    }

    /// None of it.
    #[cfg(test)]
    pub(super) fn spent() -> Self {
        Self { left: Duration::ZERO, ..Self::new(Tolerance::READ_AGAIN, Instant::now()) }
    }

    /// What is left now.
    pub(super) fn left(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.reckoned);
        self.reckoned = self.reckoned.max(now);
        let Tolerance { most, one_of } = self.tolerance;
        self.left = self.left.saturating_add(passed / one_of).min(most);
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
        let mut patience = Patience::new(Tolerance::READ_AGAIN, start);
        patience.wait(at(0), at(1500));
        assert_eq!(patience.left(at(1500)), Duration::from_millis(500));
        // A second one that waited at the same time.
        patience.wait(at(500), at(1500));
        assert_eq!(patience.left(at(1500)), Duration::from_millis(500));
        patience.wait(at(1500), at(9000));
        assert_eq!(patience.left(at(9000)), Duration::ZERO);
        assert_eq!(patience.left(at(10_000)), Duration::from_millis(50));
        assert_eq!(patience.left(at(600_000)), Tolerance::READ_AGAIN.most);
    }
}
