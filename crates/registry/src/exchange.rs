//! One exchange with the registry: a request is signed, sent, led on where it may be, and its refusal
//! to let us in is learned from.

use std::time::Duration;

use bytes::Bytes;
use portolan_oci::Repository;
use reqwest::{
    Body, Method, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, LOCATION},
};

use crate::{
    answer::{self, read_body},
    auth::{Authenticator, Learned},
    clients::Clients,
    error::{Attempted, RegistryError},
    http::same_place,
    proxy::Proxy,
    retry::{self, Policy},
    scope::{Access, Scope},
    stop::Stop,
};

/// How many redirects of a read are followed.
const REDIRECT_LIMIT: usize = 5;

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

/// A request that can be sent any number of times.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) attempted: Box<Attempted>,
    pub(crate) url: Url,
    pub(crate) scopes: Vec<Scope>,
    headers: HeaderMap,
    body: Option<Bytes>,
}

impl Call {
    pub(crate) fn new(doing: impl Into<String>, method: Method, url: Url) -> Self {
        Self {
            attempted: Attempted::new(doing, method, &url),
            url,
            scopes: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
        }
    }

    pub(crate) fn scope(mut self, scope: Scope) -> Self {
        self.scopes.push(scope);
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn body(mut self, body: Bytes) -> Self {
        self.body = Some(body);
        self
    }

    /// Says that there is no body: without it, proxies answer writes with 411.
    pub(crate) fn empty(self) -> Self {
        self.header(CONTENT_LENGTH, HeaderValue::from_static("0"))
    }

    /// The same, whose errors name the proxy that it is sent through.
    pub(crate) fn through(self, proxy: Option<&Proxy>) -> Self {
        Self { attempted: self.attempted.through(proxy), ..self }
    }

    /// An error about the answer to this call.
    pub(crate) fn malformed(&self, problem: impl Into<String>) -> RegistryError {
        RegistryError::Malformed { attempted: self.attempted.clone(), problem: problem.into() }
    }
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

    /// Sends `call`, again where that may help, and returns the answer if its status is a success or
    /// in `also`.
    pub(crate) async fn send(&self, call: &Call, also: &[StatusCode]) -> Result<Response, RegistryError> {
        retry::run(&self.retry, &self.stop, |_| self.send_once(call, also)).await
    }

    /// Like [`Wire::send`], without a second attempt.
    pub(crate) async fn send_once(
        &self,
        call: &Call,
        also: &[StatusCode],
    ) -> Result<Response, RegistryError> {
        let response = self.exchange(call).await?;
        let status = response.status();
        if status.is_success() || also.contains(&status) {
            Ok(response)
        } else {
            Err(self.refusal(call, response).await)
        }
    }

    /// The error that `response` amounts to.
    pub(crate) async fn refusal(&self, call: &Call, response: Response) -> RegistryError {
        let signed_in = self.auth.signed_in();
        let attempted = call.attempted.through(self.clients.proxy_of(response.url()));
        answer::refusal(attempted, response, signed_in, self.timeouts.answer).await
    }

    /// Reads the body of an answer up to `limit` bytes.
    pub(crate) async fn body(
        &self,
        call: &Call,
        mut response: Response,
        limit: u64,
    ) -> Result<Bytes, RegistryError> {
        read_body(&call.attempted, &mut response, limit, self.timeouts.answer).await
    }

    /// Signs in and asks, whatever the answer.
    async fn exchange(&self, call: &Call) -> Result<Response, RegistryError> {
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

    /// The header to send with `call`: none to another host than the registry's own.
    pub(crate) async fn sign(&self, call: &Call) -> Result<Option<HeaderValue>, RegistryError> {
        if !same_place(&self.base, &call.url) {
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
            let learned = self.auth.learn(&call.attempted, response.headers(), &call.scopes, sent).await?;
            return Ok(learned == Learned::TryAgain);
        }
        let let_in = status.is_success() || matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        if let_in && sent.is_some() && self.auth.has_credentials() {
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
            let response = execute(request, &attempted, self.timeouts.answer).await?;
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

/// Sends one request and waits for the head of its answer.
pub(crate) async fn execute(
    request: RequestBuilder,
    attempted: &Attempted,
    silence: Duration,
) -> Result<Response, RegistryError> {
    match tokio::time::timeout(silence, request.send()).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(RegistryError::transport(Box::new(attempted.clone()), error)),
        Err(_) => Err(RegistryError::TimedOut {
            attempted: Box::new(attempted.clone()),
            waiting: "no answer",
            after: silence,
        }),
    }
}

/// Where a read is to be sent on to. Writes are not: their answer stands as it is.
fn led_to(call: &Call, url: &Url, response: &Response) -> Result<Option<Url>, RegistryError> {
    let is_read = matches!(call.attempted.method, Method::GET | Method::HEAD);
    if !is_read || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|text| url.join(text).ok());
    let next = next.ok_or_else(|| call.malformed("a redirect leads nowhere"))?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(call.malformed("a redirect leads from https to http"));
    }
    Ok(Some(next))
}
