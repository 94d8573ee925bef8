//! Requests to chart servers: signed in, limited in size and time, tried again where that makes sense.

mod answer;
mod error;

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use portolan_registry::{
    Credentials, HttpError, HttpOptions, Proxies, RegistryOptions, Stop, http_client, next_part_due,
    retry::{self, Policy},
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use tokio::time::Instant;
use url::Url;

pub(crate) use answer::{Answer, message};
pub use error::{Login, RemoteError};

/// What of an error's body is read, in bytes.
const ERROR_LIMIT: u64 = 64 * 1024;
/// What a proxy answers that wants a password.
const PROXY_LOGIN: StatusCode = StatusCode::PROXY_AUTHENTICATION_REQUIRED;
/// How long a server may take to answer an upload, its body included: 100 MiB over a poor line.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(600);

/// A client of one chart server.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client,
    /// For where the server leads, if `client` shows a certificate that is meant for the server alone.
    elsewhere: Option<Client>,
    proxies: Proxies,
    credentials: Option<Credentials>,
    policy: Policy,
    stop: Stop,
    /// How long the server may be silent, but while it takes an upload.
    patience: Duration,
}

/// A request, as far as reading its answer and telling of its failure need it.
struct Call<'a> {
    method: Method,
    url: &'a Url,
    limit: Limit,
    patience: Duration,
}

/// How much of a body is read, and what happens when it is longer.
#[derive(Clone, Copy)]
enum Limit {
    Refuse(u64),
    Cut(u64),
}

impl Http {
    /// TLS, proxy and retries are those that registries are spoken to with.
    pub(crate) fn new(
        credentials: Option<Credentials>,
        options: &RegistryOptions,
    ) -> Result<Self, HttpError> {
        let patience = options.http.read_timeout;
        // The client's own time-out runs while a request's body is sent, so it has to suit uploads.
        let read_timeout = patience.max(UPLOAD_PATIENCE);
        let own = HttpOptions { read_timeout, ..options.http.clone() };
        let elsewhere = match own.client_certificate {
            Some(_) => Some(http_client(&HttpOptions { client_certificate: None, ..own.clone() })?),
            None => None,
        };
        Ok(Self {
            client: http_client(&own)?,
            elsewhere,
            proxies: own.proxies,
            credentials,
            policy: options.retry.clone(),
            stop: options.stop.clone(),
            patience,
        })
    }

    /// What the client offers to a server.
    pub(crate) fn login(&self) -> Login {
        if self.credentials.is_some() { Login::Basic } else { Login::Anonymous }
    }

    /// `GET`; the body of a success is read up to `limit` bytes, and more is an error.
    pub(crate) async fn get(&self, url: &Url, limit: u64) -> Result<Answer, RemoteError> {
        self.read(Method::GET, url, Limit::Refuse(limit)).await
    }

    /// `GET` of the first `limit` bytes.
    pub(crate) async fn get_beginning(&self, url: &Url, limit: u64) -> Result<Answer, RemoteError> {
        self.read(Method::GET, url, Limit::Cut(limit)).await
    }

    /// `HEAD`.
    pub(crate) async fn head(&self, url: &Url) -> Result<Answer, RemoteError> {
        self.read(Method::HEAD, url, Limit::Cut(0)).await
    }

    /// `POST`; `body` makes the request's body anew for each attempt.
    pub(crate) async fn post(
        &self,
        url: &Url,
        body: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, RemoteError> {
        let limit = Limit::Cut(ERROR_LIMIT);
        let call = Call { method: Method::POST, url, limit, patience: UPLOAD_PATIENCE.max(self.patience) };
        self.repeat(&call, body).await
    }

    /// `POST` without a body, once, whatever the answer.
    pub(crate) async fn post_nothing(&self, url: &Url) -> Result<Answer, RemoteError> {
        let limit = Limit::Cut(ERROR_LIMIT);
        let call = Call { method: Method::POST, url, limit, patience: self.patience };
        self.send(&call, self.client.post(url.clone()).header(header::CONTENT_LENGTH, "0")).await
    }

    async fn read(&self, method: Method, url: &Url, limit: Limit) -> Result<Answer, RemoteError> {
        let call = Call { method, url, limit, patience: self.patience };
        self.repeat(&call, |request| request).await
    }

    async fn repeat(
        &self,
        call: &Call<'_>,
        finish: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, RemoteError> {
        let step = |_| {
            let request = finish(self.client.request(call.method.clone(), call.url.clone()));
            async { self.send(call, request).await?.or_passing_error(&call.method, call.url) }
        };
        retry::run(&self.policy, &self.stop, step).await
    }

    async fn send(&self, call: &Call<'_>, request: RequestBuilder) -> Result<Answer, RemoteError> {
        let request = match &self.credentials {
            Some(credentials) => request.header(header::AUTHORIZATION, credentials.basic_header()),
            None => request,
        };
        let response = self.led_on(call, self.answer(call, request).await?).await?;
        if call.method == Method::POST && response.url() != call.url {
            // What followed was a GET of the other address, so nothing was written.
            return Err(RemoteError::redirected(call.url, response.url()));
        }
        let proxy = self.proxies.of(response.url()).filter(|_| response.status() == PROXY_LOGIN);
        match proxy {
            Some(proxy) => Err(RemoteError::proxy_login(&call.method, call.url, proxy)),
            None => call.read(response).await,
        }
    }

    async fn answer(&self, call: &Call<'_>, request: RequestBuilder) -> Result<Response, RemoteError> {
        let answered = call.in_time(request.send()).await?;
        let proxy = self.proxies.of(call.url);
        let response =
            answered.map_err(|source| RemoteError::unreachable(&call.method, call.url, proxy, source))?;
        let (status, host) = (response.status().as_u16(), call.url.host_str().unwrap_or_default());
        tracing::debug!(status, "{} {} at {host}", call.method, call.url.path());
        Ok(response)
    }

    /// Follows a redirect that the client with the certificate stopped at, since it leads to another place. What
    /// is asked there bears neither certificate nor password.
    async fn led_on(&self, call: &Call<'_>, response: Response) -> Result<Response, RemoteError> {
        let Some(to) = redirect_of(&response) else { return Ok(response) };
        if call.method == Method::POST {
            return Err(RemoteError::redirected(call.url, &to));
        }
        let Some(elsewhere) = &self.elsewhere else { return Ok(response) };
        self.answer(call, elsewhere.request(call.method.clone(), to)).await
    }
}

/// Where an answer leads.
fn redirect_of(response: &Response) -> Option<Url> {
    let location = response.headers().get(header::LOCATION).filter(|_| response.status().is_redirection())?;
    response.url().join(location.to_str().ok()?).ok()
}

impl Call<'_> {
    async fn read(&self, response: Response) -> Result<Answer, RemoteError> {
        let status = response.status();
        let verdict = retry::verdict_of_status(status, response.headers(), SystemTime::now());
        let limit = if status.is_success() { self.limit } else { Limit::Cut(ERROR_LIMIT) };
        let body = self.read_body(response, limit).await?;
        Ok(Answer { status, body, verdict })
    }

    async fn read_body(&self, mut response: Response, limit: Limit) -> Result<Bytes, RemoteError> {
        let (Limit::Refuse(bytes) | Limit::Cut(bytes)) = limit;
        let too_large = |limit| RemoteError::TooLarge { url: self.url.to_string(), limit };
        if let (Limit::Refuse(limit), Some(length)) = (limit, response.content_length())
            && length > limit
        {
            return Err(too_large(limit));
        }
        let most = usize::try_from(bytes).unwrap_or(usize::MAX);
        let started = Instant::now();
        let mut body = BytesMut::new();
        while let Some(chunk) = self.next_chunk(&mut response, started, body.len()).await? {
            let room = most - body.len();
            match limit {
                _ if chunk.len() <= room => body.extend_from_slice(&chunk),
                Limit::Refuse(limit) => return Err(too_large(limit)),
                Limit::Cut(_) => {
                    body.extend_from_slice(&chunk[..room]);
                    break;
                }
            }
        }
        Ok(body.freeze())
    }

    async fn next_chunk(
        &self,
        response: &mut Response,
        started: Instant,
        received: usize,
    ) -> Result<Option<Bytes>, RemoteError> {
        let due = next_part_due(started, self.patience, received);
        let chunk = self.until(due, response.chunk()).await?;
        chunk.map_err(|source| RemoteError::interrupted(&self.method, self.url, source))
    }

    /// What `step` gives, unless it takes longer than this call may.
    async fn in_time<T>(&self, step: impl Future<Output = T>) -> Result<T, RemoteError> {
        self.until(Instant::now() + self.patience, step).await
    }

    async fn until<T>(&self, due: Instant, step: impl Future<Output = T>) -> Result<T, RemoteError> {
        tokio::time::timeout_at(due, step).await.map_err(|_| RemoteError::Silent {
            method: self.method.to_string(),
            url: self.url.to_string(),
            patience: self.patience,
        })
    }
}
