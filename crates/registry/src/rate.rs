//! A limit on bytes per second, shared by all uploads of a run.
//!
//! The arithmetic ([`Bucket`]) is given the time; whoever sends bytes is told how long to wait before.

use std::{
    num::NonZeroU64,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What may be sent at once after a time of sending less.
const BURST: Duration = Duration::from_millis(100);

/// How many portions a second an upload is read in, so that the bytes flow evenly at low rates too.
const PORTIONS: u64 = 10;

/// So many bytes of blobs a second; all clones share them.
#[derive(Clone, Debug)]
pub struct RateLimit {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rate: NonZeroU64,
    start: Instant,
    bucket: Mutex<Bucket>,
}

impl RateLimit {
    /// At most so many bytes a second.
    pub fn new(bytes_per_second: NonZeroU64) -> Self {
        let bucket = Mutex::new(Bucket::new(bytes_per_second));
        Self { shared: Arc::new(Shared { rate: bytes_per_second, start: Instant::now(), bucket }) }
    }

    /// How many bytes are to be read at once at most.
    pub(crate) fn portion(&self) -> u64 {
        (self.shared.rate.get() / PORTIONS).max(1)
    }

    /// Takes so many bytes: how long to wait before they are sent.
    pub(crate) fn take(&self, bytes: u64) -> Duration {
        let mut bucket = self.shared.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(self.shared.start.elapsed(), bytes)
    }
}

/// A token bucket, kept as the time at which all that was taken is paid for (the generic cell rate
/// algorithm, ITU-T I.371). Times count from an instant of its own.
#[derive(Debug)]
struct Bucket {
    rate: NonZeroU64,
    paid_at: Duration,
}

impl Bucket {
    fn new(rate: NonZeroU64) -> Self {
        Self { rate, paid_at: Duration::ZERO }
    }

    /// Takes so many bytes at `now`: how long until they are paid for.
    fn take(&mut self, now: Duration, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate.get());
        let price = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.paid_at = self.paid_at.max(now.saturating_sub(BURST)).saturating_add(price);
        self.paid_at.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_wait_until_they_are_paid_for() {
        let mut bucket = Bucket::new(NonZeroU64::new(1000).unwrap());
        let mut check = |now: u64, bytes: u64, expected: u64| {
            let wait = bucket.take(Duration::from_millis(now), bytes);
            assert_eq!(wait, Duration::from_millis(expected), "{bytes} at {now}");
        };
        check(0, 500, 500);
        // Two that come at once wait one after the other.
        check(500, 200, 200);
        check(500, 200, 400);
        // On time.
        check(900, 100, 100);
        // A pause saves up a tenth of a second and no more.
        check(5000, 100, 0);
        check(5000, 100, 100);
        check(9_000, 1_000_000, 999_900);
    }

    #[test]
    fn numbers_of_any_size() {
        let mut bucket = Bucket::new(NonZeroU64::MAX);
        assert_eq!(bucket.take(Duration::ZERO, 1 << 40), Duration::from_nanos(59));
        let mut bucket = Bucket::new(NonZeroU64::MIN);
        bucket.take(Duration::ZERO, u64::MAX);
        assert!(bucket.take(Duration::ZERO, u64::MAX) > Duration::from_secs(1 << 33));
    }

    #[test]
    fn portions() {
        let portion = |rate| RateLimit::new(NonZeroU64::new(rate).unwrap()).portion();
        assert_eq!([portion(1), portion(1000), portion(10_000_000)], [1, 100, 1_000_000]);
    }
}
