//! The client of one registry: how it is made, and whether it answers at all.

use std::{sync::Arc, time::Duration};

use portolan_oci::RegistryHost;
use reqwest::{Method, StatusCode, Url};
use tokio::sync::OnceCell;

use crate::{
    auth::Authenticator,
    call::Call,
    clients::Clients,
    credentials::Credentials,
    endpoint::Endpoint,
    error::{RegistryError, SignIn},
    exchange::{Timeouts, Wire, execute},
    gate::Gate,
    http::HttpOptions,
    rate::RateLimit,
    retry::{self, Policy, Transient, Verdict},
    scope::Access,
    stop::Stop,
    upload::PiecePool,
};

/// How often a registry that doesn't answer is tried before it counts as unreachable at the first question.
const PING_ATTEMPTS: u32 = 2;

/// How long plain HTTP is tried, only to say in an error that it would answer.
const PROBE_TIME: Duration = Duration::from_secs(3);

/// How a registry is used.
#[derive(Clone, Debug, Default)]
pub struct RegistryOptions {
    /// TLS, proxy and connections.
    pub http: HttpOptions,
    /// What is tried again, and how often.
    pub retry: Policy,
    /// How long it may be silent.
    pub timeouts: Timeouts,
    /// What tokens are asked for: where most repositories are pushed to, [`Access::PullPush`] saves a
    /// second token for each of them.
    pub usual_access: Access,
    /// How many bytes of blobs are sent in a second at most; all registries with a clone of it share it.
    pub rate_limit: Option<RateLimit>,
    /// Token servers that the configuration names: they get the credentials on another host than the
    /// registry's too, at private addresses and in the clear.
    pub token_hosts: Vec<RegistryHost>,
    /// Once requested, nothing is tried again, and no wait holds anything up.
    pub stop: Stop,
}

/// The first question failed. An address where nobody answers is more often wrong than busy, and isn't tried for long;
/// a server that answers with an error is tried as with any other question.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
struct Unanswered {
    error: RegistryError,
    attempt: u32,
}

impl Transient for Unanswered {
    fn verdict(&self) -> Verdict {
        match self.error {
            RegistryError::Unreachable { .. } | RegistryError::TimedOut { .. }
                if self.attempt >= PING_ATTEMPTS =>
            {
                Verdict::Final
            }
            _ => self.error.verdict(),
        }
    }
}

/// A client of one registry. Clones share connections, sign-in and buffers.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) pieces: Arc<PiecePool>,
    /// Whether it is a Harbor, once that was asked.
    pub(crate) harbor: Arc<OnceCell<bool>>,
}

impl Registry {
    /// A client of the registry at `endpoint`; nothing is sent yet.
    ///
    /// # Errors
    /// [`RegistryError::Address`] where the endpoint makes no URL, [`RegistryError::Client`] where the
    /// options are unusable.
    pub fn new(
        endpoint: Endpoint,
        credentials: Option<Credentials>,
        options: &RegistryOptions,
    ) -> Result<Self, RegistryError> {
        let base = endpoint
            .base()
            .map_err(|source| RegistryError::Address { endpoint: endpoint.to_string(), source })?;
        let wire = Wire {
            clients: Clients::new(&base, &options.http, options.timeouts.stall)?,
            auth: Authenticator::new(base.clone(), credentials, options.token_hosts.clone()),
            base,
            timeouts: options.timeouts.clone(),
            retry: options.retry.clone(),
            stop: options.stop.clone(),
            rate_limit: options.rate_limit.clone(),
            gate: Gate::new(options.retry.longest_asked),
            usual_access: options.usual_access,
        };
        Ok(Self {
            endpoint: Arc::new(endpoint),
            wire: Arc::new(wire),
            pieces: Arc::default(),
            harbor: Arc::default(),
        })
    }

    /// The registry's address.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Asks whether the registry answers, and signs in (distribution specification, end-1).
    ///
    /// # Errors
    /// Any [`RegistryError`]; where TLS fails and plain HTTP would answer, it says so.
    pub async fn ping(&self) -> Result<(), RegistryError> {
        let call = Call::new("ask for the registry's version", Method::GET, self.wire.url("v2/"));
        let call = &call;
        let ask = |attempt| async move {
            self.wire.send_once(call, &[]).await.map_err(|error| Unanswered { error, attempt })
        };
        let answer = retry::run(&self.wire.retry, &self.wire.stop, ask).await;
        match answer.map_err(|unanswered| unanswered.error) {
            Ok(response) => call.refuse_web_page(response.headers()),
            Err(error) if self.may_read_anonymously(&error) => Ok(()),
            Err(error) => Err(self.advised(error).await),
        }
    }

    /// Without credentials, a registry with a token server may still let everybody read some of its
    /// repositories: whether it does shows only when one is asked for.
    fn may_read_anonymously(&self, error: &RegistryError) -> bool {
        matches!(error, RegistryError::Unauthorized { reason: SignIn::Missing, .. })
            && self.wire.auth.has_token_server()
    }

    /// `error`, with advice where TLS failed and plain HTTP answers at the same address.
    async fn advised(&self, error: RegistryError) -> RegistryError {
        let may_be_plain = matches!(error, RegistryError::Tls { .. } | RegistryError::Unreachable { .. });
        if may_be_plain && self.wire.base.scheme() == "https" && self.plain_http_answers().await {
            return error.advise_plain();
        }
        error
    }

    /// Asks in the clear, without credentials.
    async fn plain_http_answers(&self) -> bool {
        let Ok(url) = Url::parse(&format!("http://{}/v2/", self.endpoint.host)) else { return false };
        let call = Call::new("try plain HTTP", Method::GET, url.clone());
        let answer = execute(self.wire.request(&call, url, None), &call.attempted, PROBE_TIME).await;
        answer.is_ok_and(|response| speaks_registry(response.status()))
    }
}

/// A port of TLS may answer plain HTTP too: with 400, or a redirect to `https`.
fn speaks_registry(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::UNAUTHORIZED
}
