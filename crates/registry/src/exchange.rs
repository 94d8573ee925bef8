//! One exchange with the registry: a request is signed, sent, led on where it may be, and its refusal
//! to let us in is learned from.

use std::time::Duration;

use bytes::Bytes;
use portolan_oci::Repository;
use reqwest::{
    Body, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};

use crate::{
    answer::{self, read_body},
    auth::{Authenticator, Learned},
    call::Call,
    clients::Clients,
    error::{Attempted, RegistryError},
    gate::Gate,
    http::same_place,
    rate::RateLimit,
    redirect::{REDIRECT_LIMIT, led_to},
    retry::{self, Policy},
    scope::{Access, Scope},
    stop::Stop,
};

/// The first attempt learns what is wanted, the second one replaces a token that aged, the third one
/// is refused for good.
const SIGN_IN_ROUNDS: u32 = 3;

/// How long a registry may be silent.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// Until it answers, and between two parts of an answer.
    pub answer: Duration,
    /// Until it takes more of an upload.
    pub stall: Duration,
    /// Until it answers an upload that was sent whole: some copy the blob to its place first.
    pub commit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(60),
            stall: Duration::from_secs(60),
            commit: Duration::from_secs(600),
        }
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Empty where the status is no success.
    pub(crate) body: Bytes,
}

/// The connections to one registry and what is needed to use them.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) clients: Clients,
    pub(crate) base: Url,
    pub(crate) auth: Authenticator,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: Policy,
    pub(crate) stop: Stop,
    pub(crate) gate: Gate,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) usual_access: Access,
}

impl Wire {
    /// The URL of `path`, which starts without a slash and needs no escaping.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// A scope that permits at least `access`: where pushing is usual, one token serves both.
    pub(crate) fn scope(&self, repository: &Repository, access: Access) -> Scope {
        Scope::new(repository, access.max(self.usual_access))
    }

    /// How often a request that begins now is tried.
    pub(crate) fn policy(&self) -> Policy {
        if self.gate.is_given_up() { Policy::once() } else { self.retry.clone() }
    }

    /// Sends `call`, again where that may help, and returns the answer if its status is a success or
    /// in `also`.
    pub(crate) async fn send(&self, call: &Call, also: &[StatusCode]) -> Result<Response, RegistryError> {
        retry::run(&self.policy(), &self.stop, |_| self.send_once(call, also)).await
    }

    /// Like [`Wire::send`], without a second attempt.
    pub(crate) async fn send_once(
        &self,
        call: &Call,
        also: &[StatusCode],
    ) -> Result<Response, RegistryError> {
        let response = self.exchange(call).await?;
        if response.status().is_success() || also.contains(&response.status()) {
            return Ok(response);
        }
        Err(self.refusal(call, response).await)
    }

    /// Sends `call` and reads the answer to its end, of at most `limit` bytes; where it breaks off, it is
    /// asked for again from its beginning.
    pub(crate) async fn fetch(
        &self,
        call: &Call,
        also: &[StatusCode],
        limit: u64,
    ) -> Result<Fetched, RegistryError> {
        retry::run(&self.policy(), &self.stop, |_| self.fetch_once(call, also, limit)).await
    }

    /// Like [`Wire::fetch`], without a second attempt.
    pub(crate) async fn fetch_once(
        &self,
        call: &Call,
        also: &[StatusCode],
        limit: u64,
    ) -> Result<Fetched, RegistryError> {
        let mut response = self.send_once(call, also).await?;
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let body = match status.is_success() {
            true => read_body(&call.attempted, &mut response, limit, self.timeouts.answer).await?,
            false => Bytes::new(),
        };
        Ok(Fetched { status, headers, body })
    }

    /// The error that `response` amounts to.
    pub(crate) async fn refusal(&self, call: &Call, response: Response) -> RegistryError {
        let signed_in = self.auth.signed_in();
        let attempted = call.attempted.through(self.clients.proxy_of(response.url()));
        answer::refusal(attempted, response, signed_in, self.timeouts.answer).await
    }

    /// Signs in and asks, whatever the answer.
    pub(crate) async fn exchange(&self, call: &Call) -> Result<Response, RegistryError> {
        let mut round = 1;
        loop {
            let header = self.sign(call).await?;
            let response = self.follow(call, header.as_ref()).await?;
            if round == SIGN_IN_ROUNDS || !self.may_try_again(call, &response, header.as_ref()).await? {
                return Ok(response);
            }
            round += 1;
        }
    }

    /// The header to send with `call`: none to another host than the registry's own, and none beside the
    /// password that a call carries itself, since servers read one of two or refuse both.
    pub(crate) async fn sign(&self, call: &Call) -> Result<Option<HeaderValue>, RegistryError> {
        if !same_place(&self.base, &call.url) || call.carries_password() {
            return Ok(None);
        }
        self.auth.header(&self.clients, &self.timeouts, &call.scopes).await
    }

    /// Learns from the answer to a request that carried `sent`: whether it may go better now.
    pub(crate) async fn may_try_again(
        &self,
        call: &Call,
        response: &Response,
        sent: Option<&HeaderValue>,
    ) -> Result<bool, RegistryError> {
        if !same_place(&self.base, response.url()) {
            return Ok(false);
        }
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            if call.carries_password() {
                return Ok(false);
            }
            let learned = self.auth.learn(&call.attempted, response.headers(), &call.scopes, sent).await?;
            return Ok(learned == Learned::TryAgain);
        }
        let let_in = status.is_success() || matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        if let_in && (sent.is_some() || call.carries_password()) && self.auth.has_credentials() {
            self.auth.was_accepted();
        }
        Ok(false)
    }

    /// Sends a read on where the server leads, credentials left behind on leaving its own address.
    async fn follow(&self, call: &Call, header: Option<&HeaderValue>) -> Result<Response, RegistryError> {
        let mut url = call.url.clone();
        for _ in 0..=REDIRECT_LIMIT {
            let header = header.filter(|_| same_place(&self.base, &url));
            let request = self.request(call, url.clone(), header);
            let attempted = call.attempted.through(self.clients.proxy_of(&url));
            let sent = execute(request, &attempted, self.timeouts.answer);
            let response = self.gate.through(&self.stop, sent, |response| response).await?;
            match led_to(call, &url, &response)? {
                Some(next) => url = next,
                None => return Ok(response),
            }
        }
        Err(call.malformed(format!("more than {REDIRECT_LIMIT} redirects")))
    }

    /// The bare request of `call` to `url`; a password that the call carries itself stays at home.
    pub(crate) fn request(&self, call: &Call, url: Url, header: Option<&HeaderValue>) -> RequestBuilder {
        let client = self.clients.of(&url);
        let mut headers = call.headers.clone();
        if !same_place(&self.base, &url) {
            headers.remove(AUTHORIZATION);
        }
        let mut request = client.request(call.attempted.method.clone(), url).headers(headers);
        if let Some(header) = header {
            request = request.header(AUTHORIZATION, header.clone());
        }
        match &call.body {
            Some(body) => request.body(Body::from(body.clone())),
            None => request,
        }
    }
}

/// A line of the log: no part of a URL, since what a registry leads to may hold secrets.
pub(crate) fn note(attempted: &Attempted, response: &Response) {
    tracing::debug!(status = response.status().as_u16(), "{attempted}");
}

/// Sends one request and waits for the head of its answer.
pub(crate) async fn execute(
    request: RequestBuilder,
    attempted: &Attempted,
    silence: Duration,
) -> Result<Response, RegistryError> {
    match tokio::time::timeout(silence, request.send()).await {
        Ok(Ok(response)) => {
            note(attempted, &response);
            Ok(response)
        }
        Ok(Err(error)) => Err(RegistryError::transport(Box::new(attempted.clone()), error)),
        Err(_) => Err(RegistryError::TimedOut {
            attempted: Box::new(attempted.clone()),
            waiting: "no answer",
            after: silence,
        }),
    }
}
