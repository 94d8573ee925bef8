//! Signing in: what a registry wants to see is learned from its first refusal and sent up front
//! from then on, so that a question costs one request.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use portolan_oci::RegistryHost;
use reqwest::{
    Url,
    header::{HeaderMap, HeaderValue},
};
use tokio::time::Instant;

use crate::{
    answer::{SMALL_BODY_LIMIT, SignedIn, read_body, refusal},
    challenge::{Bearer, Challenge, strongest},
    clients::Clients,
    credentials::Credentials,
    error::{Attempted, RegistryError, bare_address},
    exchange::{Timeouts, execute},
    realm::trusted_realm,
    scope::Scope,
    token::{Token, TokenCache, TokenServer, answered_at},
};

/// What the registry wants, as far as it is known.
#[derive(Clone, Debug, Default)]
enum Wanted {
    /// It never refused anything: no header is sent.
    #[default]
    Nothing,
    Password,
    Token(TokenServer),
}

/// What a refusal (401) led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learned {
    /// Something that the next attempt may do better with.
    TryAgain,
    /// Nothing: the refusal stands.
    Refused,
}

/// Signs requests to one registry.
#[derive(Debug)]
pub(crate) struct Authenticator {
    base: Url,
    credentials: Option<Credentials>,
    token_hosts: Vec<RegistryHost>,
    wanted: Mutex<Wanted>,
    tokens: TokenCache,
    accepted: AtomicBool,
}

impl Authenticator {
    pub(crate) fn new(base: Url, credentials: Option<Credentials>, token_hosts: Vec<RegistryHost>) -> Self {
        Self {
            base,
            credentials,
            token_hosts,
            wanted: Mutex::default(),
            tokens: TokenCache::default(),
            accepted: AtomicBool::new(false),
        }
    }

    /// Whether there is anything to sign in with.
    pub(crate) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Whether the registry has named a token server.
    pub(crate) fn has_token_server(&self) -> bool {
        matches!(*self.wanted.lock().unwrap_or_else(PoisonError::into_inner), Wanted::Token(_))
    }

    /// The password as a header, for interfaces that never challenge (Harbor's projects).
    pub(crate) fn password_header(&self) -> Option<HeaderValue> {
        self.credentials.as_ref().filter(|given| !given.is_identity_token()).map(Credentials::basic_header)
    }

    /// What is known of the sign-in so far.
    pub(crate) fn signed_in(&self) -> SignedIn {
        match (&self.credentials, self.accepted.load(Ordering::Relaxed)) {
            (None, _) => SignedIn::Anonymous,
            (Some(_), false) => SignedIn::Untried,
            (Some(_), true) => SignedIn::Accepted,
        }
    }

    /// A request with our credentials was not refused as such.
    pub(crate) fn was_accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    /// The header for a request that needs `scopes`; fetches a token where one is needed.
    pub(crate) async fn header(
        &self,
        clients: &Clients,
        timeouts: &Timeouts,
        scopes: &[Scope],
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match wanted {
            Wanted::Nothing => Ok(None),
            Wanted::Password => Ok(self.password_header()),
            Wanted::Token(server) => {
                let fetch = |scopes| self.fetch(clients, timeouts, &server, scopes);
                Ok(Some(self.tokens.get(scopes, fetch).await?.header))
            }
        }
    }

    /// Learns from a refusal of a request that carried `sent`.
    pub(crate) async fn learn(
        &self,
        attempted: &Attempted,
        headers: &HeaderMap,
        scopes: &[Scope],
        sent: Option<&HeaderValue>,
    ) -> Result<Learned, RegistryError> {
        match (strongest(headers), sent) {
            (Some(Challenge::Bearer(bearer)), None) => self.want_token(attempted, bearer),
            (Some(Challenge::Bearer(bearer)), Some(refused)) => {
                self.tokens.forget(scopes, refused, bearer.scope.as_deref()).await;
                self.want_token(attempted, bearer)
            }
            (Some(Challenge::Basic), None) if self.password_header().is_some() => {
                self.want(Wanted::Password);
                Ok(Learned::TryAgain)
            }
            _ => Ok(Learned::Refused),
        }
    }

    fn want(&self, wanted: Wanted) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
    }

    fn want_token(&self, attempted: &Attempted, bearer: Bearer) -> Result<Learned, RegistryError> {
        let realm = trusted_realm(&self.base, &bearer.realm, &self.token_hosts).map_err(|reason| {
            let realm = bare_address(&bearer.realm);
            RegistryError::Realm { attempted: Box::new(attempted.clone()), realm, reason }
        })?;
        self.want(Wanted::Token(TokenServer { realm, service: bearer.service }));
        Ok(Learned::TryAgain)
    }

    async fn fetch(
        &self,
        clients: &Clients,
        timeouts: &Timeouts,
        server: &TokenServer,
        scopes: Vec<String>,
    ) -> Result<Token, RegistryError> {
        let (request, attempted) = server.request(clients, self.credentials.as_ref(), &scopes);
        let mut response = execute(request, &attempted, timeouts.answer).await?;
        if !response.status().is_success() {
            let signed_in = if self.has_credentials() { SignedIn::Untried } else { SignedIn::Anonymous };
            return Err(refusal(attempted, response, signed_in, timeouts.answer).await);
        }
        let answered = answered_at(response.headers());
        let body = read_body(&attempted, &mut response, SMALL_BODY_LIMIT, timeouts.answer).await?;
        let token = Token::parse(&body, answered, Instant::now());
        if token.is_some() && self.has_credentials() {
            self.was_accepted();
        }
        token.ok_or_else(|| RegistryError::Malformed {
            attempted,
            problem: "the token server's answer holds no token".to_owned(),
        })
    }
}
