//! Bearer tokens: what they look like, how long they are kept, and how they are asked for
//! (distribution's token authentication specification).

mod request;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

use crate::scope::Scope;
pub(crate) use request::TokenServer;

/// How long a token counts that does not say so itself (the specification's default).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);

/// The longest that any token is believed to count; some servers say years.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest list of scopes that a registry may demand, in bytes: all of it goes into a request's URL.
const LONGEST_DEMAND: usize = 2048;

/// How many sets of scopes are remembered; a bundle names some hundred repositories.
const REMEMBERED: usize = 4096;

/// A token ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    pub(crate) expires: Instant,
}

#[derive(Deserialize)]
struct TokenBody {
    #[serde(default)]
    token: Option<SecretString>,
    #[serde(default)]
    access_token: Option<SecretString>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    issued_at: Value,
}

impl TokenBody {
    fn secret(&self) -> Option<&SecretString> {
        let given = [self.token.as_ref(), self.access_token.as_ref()];
        given.into_iter().flatten().find(|text| !text.expose_secret().is_empty())
    }

    /// What is no number of seconds, or none at all, says nothing: then the default stands, as with Docker.
    fn life(&self) -> Duration {
        let seconds = match &self.expires_in {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        match seconds {
            Some(seconds) if seconds > 0.0 => {
                Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE)
            }
            _ => DEFAULT_LIFE,
        }
    }

    /// How old the token is. Both times are the server's own, since this machine's clock may be wrong; without
    /// the time of the answer nothing is known.
    fn age(&self, answered: Option<SystemTime>) -> Duration {
        let issued = self.issued_at.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        match (issued, answered) {
            (Some(issued), Some(answered)) => answered.duration_since(issued.into()).unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }
}

impl Token {
    /// Reads a token server's answer that came at `now`, which is `answered` by the server's clock. `None` where
    /// it holds no token.
    pub(crate) fn parse(body: &[u8], answered: Option<SystemTime>, now: Instant) -> Option<Self> {
        let body: TokenBody = serde_json::from_slice(body).ok()?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", body.secret()?.expose_secret())).ok()?;
        header.set_sensitive(true);
        let life = body.life();
        // Nobody hands out what has run out already: such a time of issue is nonsense, as Go's zero time is.
        let rest = life.checked_sub(body.age(answered)).filter(|rest| !rest.is_zero()).unwrap_or(life);
        Some(Self { header, expires: now + usable_life(rest) })
    }

    fn is_fresh(&self, now: Instant) -> bool {
        now < self.expires
    }
}

/// The time of an answer by its server's clock (RFC 9110, section 6.6.1).
pub(crate) fn answered_at(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// A token is given up before its end, so that it doesn't expire on its way: a fifth of its life
/// early, at most 30 s.
fn usable_life(life: Duration) -> Duration {
    life - (life / 5).min(Duration::from_secs(30))
}

/// Tokens by the scopes they are needed for. One request is in flight for each set of scopes; the
/// others wait for its answer.
#[derive(Debug, Default)]
pub(crate) struct TokenCache {
    slots: Mutex<HashMap<Vec<Scope>, Arc<AsyncMutex<Slot>>>>,
}

#[derive(Debug, Default)]
struct Slot {
    token: Option<Token>,
    /// Scopes that the registry named when it refused a token: it may know a repository by another name, or
    /// want more than the specification does.
    demanded: String,
}

impl TokenCache {
    /// The token for `scopes`; where none is fresh, `fetch` gets one for the scopes that it is given.
    pub(crate) async fn get<E, F>(
        &self,
        scopes: &[Scope],
        fetch: impl FnOnce(Vec<String>) -> F,
    ) -> Result<Token, E>
    where
        F: Future<Output = Result<Token, E>>,
    {
        let slot = self.slot(scopes);
        let mut slot = slot.lock().await;
        if let Some(token) = slot.token.as_ref().filter(|token| token.is_fresh(Instant::now())) {
            return Ok(token.clone());
        }
        let token = fetch(asked_for(scopes, &slot.demanded)).await?;
        slot.token = Some(token.clone());
        Ok(token)
    }

    /// Forgets the token for `scopes` if it is still the one that was refused; the next one is asked for what
    /// the refusal `demanded`, too.
    pub(crate) async fn forget(&self, scopes: &[Scope], refused: &HeaderValue, demanded: Option<&str>) {
        let slot = self.slot(scopes);
        let mut slot = slot.lock().await;
        if slot.token.as_ref().is_some_and(|token| token.header == *refused) {
            slot.token = None;
        }
        if let Some(demanded) = demanded.filter(|text| text.len() <= LONGEST_DEMAND) {
            demanded.clone_into(&mut slot.demanded);
        }
    }

    fn slot(&self, scopes: &[Scope]) -> Arc<AsyncMutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED && !slots.contains_key(scopes) {
            slots.clear();
        }
        Arc::clone(slots.entry(scopes.to_vec()).or_default())
    }
}

/// The scopes to ask a token for: those that are needed, and what is demanded beyond them.
fn asked_for(scopes: &[Scope], demanded: &str) -> Vec<String> {
    let mut asked: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    for scope in demanded.split_whitespace() {
        if !asked.iter().any(|wider| covers(wider, scope)) {
            asked.push(scope.to_owned());
        }
    }
    asked
}

/// Whether `wider` permits all that `scope` does. Registries name the actions in any order.
fn covers(wider: &str, scope: &str) -> bool {
    let (Some((resource, permitted)), Some((same, actions))) =
        (wider.rsplit_once(':'), scope.rsplit_once(':'))
    else {
        return wider == scope;
    };
    let permits = |action| permitted.split(',').any(|known| known == action);
    resource == same && actions.split(',').all(permits)
}

#[cfg(test)]
mod tests;
