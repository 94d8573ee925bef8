//! Tests of the back-off policy, its driver and `Retry-After`.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use super::*;

const PASSING: Verdict = Verdict::Passing { after: None };
const NONE: Duration = Duration::ZERO;

fn policy() -> Policy {
    Policy {
        attempts: 5,
        first_wait: Duration::from_millis(100),
        longest_wait: Duration::from_millis(300),
        longest_asked: Duration::from_secs(10),
        longest_in_all: Duration::from_secs(15),
    }
}

#[test]
fn waits_double_up_to_the_longest_and_end() {
    #[track_caller]
    fn check(failed: u32, jitter: f64, expected: Option<u64>) {
        assert_eq!(policy().wait(failed, NONE, PASSING, jitter), expected.map(Duration::from_millis));
    }
    check(1, 0.0, Some(100));
    check(2, 0.0, Some(200));
    check(3, 0.0, Some(300));
    check(4, 0.0, Some(300));
    check(5, 0.0, None);
    check(1, 1.0, Some(50));
    check(2, 0.5, Some(150));
}

#[test]
fn what_the_server_asks_for_counts() {
    let asked = |seconds| Verdict::Passing { after: Some(Duration::from_secs(seconds)) };
    assert_eq!(policy().wait(1, NONE, asked(7), 1.0), Some(Duration::from_secs(7)));
    assert_eq!(policy().wait(1, NONE, asked(0), 0.0), Some(Duration::from_millis(100)));
    assert_eq!(policy().wait(1, NONE, asked(11), 0.0), None);
    assert_eq!(policy().wait(1, NONE, Verdict::Final, 0.0), None);
}

#[test]
fn all_waits_together_have_a_bound() {
    let asked = Verdict::Passing { after: Some(Duration::from_secs(8)) };
    assert_eq!(policy().wait(2, Duration::from_secs(7), asked, 0.0), Some(Duration::from_secs(8)));
    assert_eq!(policy().wait(2, Duration::from_secs(8), asked, 0.0), None);
}

#[test]
fn both_forms_of_retry_after() {
    #[track_caller]
    fn check(value: &str, expected: Option<u64>) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
    }
    check("120", Some(120));
    check(" 0", Some(0));
    check("Sun, 06 Nov 1994 08:49:37 GMT", Some(7));
    check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
    check("soon", None);
    check("-1", None);
}

#[test]
fn statuses_that_can_pass() {
    for status in 100..600 {
        let code = StatusCode::from_u16(status).unwrap();
        let passes = [408, 429, 500, 502, 503, 504].contains(&status);
        let expected = if passes { PASSING } else { Verdict::Final };
        assert_eq!(verdict_of_status(code, &HeaderMap::new(), SystemTime::now()), expected, "{status}");
    }
}

#[derive(Debug, thiserror::Error)]
#[error("attempt {attempt} failed")]
struct Failed {
    attempt: u32,
    verdict: Verdict,
}

impl Transient for Failed {
    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

#[tokio::test(start_paused = true)]
async fn tries_until_it_succeeds_or_gives_up() {
    async fn attempts(succeeds_at: u32, verdict: Verdict) -> (u32, bool) {
        let calls = AtomicU32::new(0);
        let outcome = run(&policy(), &Stop::default(), |attempt| {
            calls.fetch_add(1, Ordering::Relaxed);
            async move { if attempt < succeeds_at { Err(Failed { attempt, verdict }) } else { Ok(()) } }
        })
        .await;
        (calls.into_inner(), outcome.is_ok())
    }
    assert_eq!(attempts(1, PASSING).await, (1, true));
    assert_eq!(attempts(3, PASSING).await, (3, true));
    assert_eq!(attempts(9, PASSING).await, (5, false));
    assert_eq!(attempts(3, Verdict::Final).await, (1, false));
}

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_the_wait_short() {
    let stop = Stop::default();
    stop.request();
    let calls = AtomicU32::new(0);
    let outcome: Result<(), _> = run(&policy(), &stop, |attempt| {
        calls.fetch_add(1, Ordering::Relaxed);
        async move { Err(Failed { attempt, verdict: PASSING }) }
    })
    .await;
    assert_eq!(outcome.unwrap_err().attempt, 1);
    assert_eq!(calls.into_inner(), 1);
}
