//! Bearer tokens: who is asked for them, what they look like, and how long they are kept
//! (distribution's token authentication specification).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{Url, header::HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::{sync::Mutex as AsyncMutex, time::Instant};

use crate::scope::Scope;

/// How long a token counts that does not say so itself (the specification's default).
const DEFAULT_LIFE: u64 = 60;

/// How many sets of scopes are remembered; a bundle names some hundred repositories.
const REMEMBERED: usize = 4096;

/// A token ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    expires: Instant,
}

#[derive(Deserialize)]
struct TokenBody {
    #[serde(default)]
    token: Option<SecretString>,
    #[serde(default)]
    access_token: Option<SecretString>,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Token {
    /// Reads a token server's answer that came at `now`. `None` where it holds no token.
    pub(crate) fn parse(body: &[u8], now: Instant) -> Option<Self> {
        let body: TokenBody = serde_json::from_slice(body).ok()?;
        let text = body.token.or(body.access_token).filter(|text| !text.expose_secret().is_empty())?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", text.expose_secret())).ok()?;
        header.set_sensitive(true);
        let life = usable_life(Duration::from_secs(body.expires_in.unwrap_or(DEFAULT_LIFE)));
        Some(Self { header, expires: now.checked_add(life).unwrap_or(now) })
    }

    fn is_fresh(&self, now: Instant) -> bool {
        now < self.expires
    }
}

/// A token is given up before its end, so that it doesn't expire on its way: a fifth of its life
/// early, at most 30 s.
fn usable_life(life: Duration) -> Duration {
    life - (life / 5).min(Duration::from_secs(30))
}

/// Tokens by the scopes they were asked for. One request is in flight for each set of scopes; the
/// others wait for its answer.
#[derive(Debug, Default)]
pub(crate) struct TokenCache {
    slots: Mutex<HashMap<Vec<Scope>, Arc<Slot>>>,
}

type Slot = AsyncMutex<Option<Token>>;

impl TokenCache {
    /// The token for `scopes`, from `fetch` where none is fresh.
    pub(crate) async fn get<E>(
        &self,
        scopes: &[Scope],
        fetch: impl Future<Output = Result<Token, E>>,
    ) -> Result<Token, E> {
        let slot = self.slot(scopes);
        let mut held = slot.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.is_fresh(Instant::now())) {
            return Ok(token.clone());
        }
        let token = fetch.await?;
        *held = Some(token.clone());
        Ok(token)
    }

    /// Forgets the token for `scopes` if it is still the one that was refused.
    pub(crate) async fn forget(&self, scopes: &[Scope], refused: &HeaderValue) {
        let slot = self.slot(scopes);
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|token| token.header == *refused) {
            *held = None;
        }
    }

    fn slot(&self, scopes: &[Scope]) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED && !slots.contains_key(scopes) {
            slots.clear();
        }
        Arc::clone(slots.entry(scopes.to_vec()).or_default())
    }
}

/// The URL that asks `realm` for a token. Parameters that the realm has stay.
pub(crate) fn token_url(realm: &Url, service: Option<&str>, scopes: &[Scope]) -> Url {
    let mut url = realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        for scope in scopes {
            query.append_pair("scope", &scope.to_string());
        }
    }
    if url.query() == Some("") {
        url.set_query(None);
    }
    url
}

#[cfg(test)]
mod tests;
