//! How slowly an answer may come.

use std::time::Duration;

use tokio::time::Instant;

/// The fewest bytes a second, on the average, once the silence that a server is allowed has passed: one that
/// drips keeps nobody for hours.
const SLOWEST: u64 = 1024;

/// Until when the next part of an answer has to come, now that so many bytes of it came since `started`:
/// within `silence` from now, and not so late that the whole came too slowly.
pub fn next_part_due(started: Instant, silence: Duration, received: usize) -> Instant {
    let earned = Duration::from_secs(received as u64 / SLOWEST);
    (Instant::now() + silence).min(started + silence + earned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn drips_end_and_streams_go_on() {
        let (silence, second) = (Duration::from_secs(60), Duration::from_secs(1));
        let started = Instant::now();
        let due = |received| next_part_due(started, silence, received).duration_since(started).as_secs();
        assert_eq!(due(0), 60);
        tokio::time::advance(50 * second).await;
        assert_eq!([due(0), due(10 << 10), due(50 << 10), due(1 << 30)], [60, 70, 110, 110]);
    }
}
