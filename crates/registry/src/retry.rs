//! Trying again what can pass, and never what cannot.
//!
//! [`Policy`] is pure: how long to wait is computed from the count of attempts, what the server asked
//! for and a random number that is passed in. [`run`] drives it over any error that says by
//! [`Transient`] whether it can pass, so that chart repositories share it.

use std::time::{Duration, SystemTime};

use reqwest::{StatusCode, header::HeaderMap, header::RETRY_AFTER};

use crate::stop::Stop;

/// Whether an error may be gone at the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It can pass; `after` is how long the server asked to wait.
    Passing {
        /// From `Retry-After`, where the answer had one.
        after: Option<Duration>,
    },
    /// It stays as it is.
    Final,
}

/// An error that knows whether trying again makes sense.
pub trait Transient {
    /// Whether the error can pass.
    fn verdict(&self) -> Verdict;
}

/// How often and how long apart something is tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// How many attempts in all; 1 means no second one.
    pub attempts: u32,
    /// The wait after the first failure; it doubles after each further one.
    pub first_wait: Duration,
    /// The longest wait of our own choice.
    pub longest_wait: Duration,
    /// The longest wait a server may ask for; where it asks for more, the error is final.
    pub longest_asked: Duration,
    /// The longest that all waits may take together. The attempts themselves don't count: a large blob
    /// may rightly travel for hours.
    pub longest_in_all: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            // Half a minute to a minute in all, which is what a registry takes to be started anew.
            attempts: 8,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(20),
            longest_asked: Duration::from_secs(300),
            longest_in_all: Duration::from_secs(900),
        }
    }
}

impl Policy {
    /// No second attempt.
    pub fn once() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The same policy with at most `attempts` attempts.
    #[must_use]
    pub fn at_most(&self, attempts: u32) -> Self {
        Self { attempts: self.attempts.min(attempts), ..self.clone() }
    }

    /// How long to wait after the failed attempt number `failed` (from 1), or `None` to give up. `waited` is
    /// the sum of the waits so far.
    ///
    /// `jitter` lies in `0.0..1.0` and takes up to half of the wait away, so that many clients that
    /// failed at once don't come back at once. A wait that the server asked for is never shortened.
    pub fn wait(&self, failed: u32, waited: Duration, verdict: Verdict, jitter: f64) -> Option<Duration> {
        let Verdict::Passing { after } = verdict else { return None };
        if failed >= self.attempts || after.is_some_and(|asked| asked > self.longest_asked) {
            return None;
        }
        let doublings = failed.saturating_sub(1).min(16);
        let full = self.first_wait.saturating_mul(1 << doublings).min(self.longest_wait);
        let own = full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0);
        let wait = own.max(after.unwrap_or_default());
        (waited + wait <= self.longest_in_all).then_some(wait)
    }
}

/// Runs `step` until it succeeds, fails for good, or `policy` gives up; the last error is returned.
///
/// `step` is given the number of the attempt, from 1. Once `stop` was requested, no further attempt
/// is made, and a wait for one ends at once.
///
/// # Errors
/// The error of the last attempt.
pub async fn run<T, E, F>(policy: &Policy, stop: &Stop, mut step: impl FnMut(u32) -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
    E: Transient + std::error::Error,
{
    let (mut attempt, mut waited) = (1, Duration::ZERO);
    loop {
        let error = match step(attempt).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Some(wait) = policy.wait(attempt, waited, error.verdict(), fastrand::f64()) else {
            return Err(error);
        };
        tracing::warn!(attempt, wait_ms = wait.as_millis() as u64, %error, "trying again");
        tokio::select! {
            biased;
            () = stop.requested() => return Err(error),
            () = tokio::time::sleep(wait) => {}
        }
        attempt += 1;
        waited += wait;
    }
}

/// What an HTTP status other than success means for trying again: 408, 429, 500, 502, 503 and 504
/// can pass. `now` is what a `Retry-After` date is counted from.
pub fn verdict_of_status(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Verdict {
    match status.as_u16() {
        408 | 429 | 500 | 502..=504 => Verdict::Passing { after: retry_after(headers, now) },
        _ => Verdict::Final,
    }
}

/// The wait that `Retry-After` asks for, in either of its forms: seconds, or an HTTP date
/// (RFC 9110, section 10.2.3). A date that has passed is no wait; nonsense is none at all.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests;
