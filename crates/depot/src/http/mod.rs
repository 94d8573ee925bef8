//! The server: every request is parsed, permitted, and then handled by a thin function.

mod auth;
mod blobs;
mod body;
mod charts;
mod conditions;
mod harbor;
mod lists;
mod manifests;
mod operations;
mod outgoing;
mod permission;
mod refusal;
mod uploads;
mod welcome;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Request as HttpRequest, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portolan_oci::Repository;
use tokio::sync::{Semaphore, watch};

use crate::accounts::Doorkeeper;
use crate::metrics::Metrics;
use crate::names::Tenant;
use crate::options::{ChartDepth, HarborCharts, Mode, Options, Projects};
use crate::protocol::{ChartCall, HarborCall, ParseError, RegistryCall, RepositoryCall, Request};
use crate::serve::Reach;
use crate::store::{Store, StoreError};
use auth::Asker;
use body::blocking;
use permission::{narrowed, permit};
pub(crate) use refusal::chain;
use refusal::{Family, Refusal};

/// The digest of what an answer holds or names; on every answer that has one.
const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Chart archives that are looked into at once: each is held in memory, up to its own limit.
const CHARTS_AT_ONCE: usize = 2;

/// What every handler works with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) options: Options,
    pub(crate) metrics: Metrics,
    /// Set once the server takes no more connections.
    pub(crate) stopping: AtomicBool,
    pub(crate) doorkeeper: Arc<Doorkeeper>,
    chart_readers: Semaphore,
    /// Never sent to: who watches it learns when the last user of the store is gone.
    pub(crate) in_use: watch::Sender<()>,
}

/// Which way a request came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    /// Who can come that way.
    pub(crate) reach: Reach,
    /// Whether it came over TLS.
    pub(crate) encrypted: bool,
}

/// What a handler gets of a request beside what was parsed.
struct Incoming {
    headers: HeaderMap,
    /// Whether the answer's body will not be sent.
    is_head: bool,
    body: Body,
    asker: Asker,
}

type Answer = Result<Response, Refusal>;

impl App {
    pub(crate) fn new(store: Store, options: Options, doorkeeper: Doorkeeper) -> Self {
        Self {
            store,
            options,
            doorkeeper: Arc::new(doorkeeper),
            metrics: Metrics::new(),
            stopping: AtomicBool::new(false),
            chart_readers: Semaphore::new(CHARTS_AT_ONCE),
            in_use: watch::Sender::new(()),
        }
    }

    /// Whether a path is one of those that this depot has.
    fn serves(&self, path: &str) -> bool {
        let is_harbor_chart = path.starts_with("/chartrepo/") || path.starts_with("/api/chartrepo/");
        !is_harbor_chart || self.options.harbor_charts == HarborCharts::Served
    }
}

/// What an answer says of its request to whoever writes it down; travels among its extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    /// What kind of thing was asked; `None` where that could not be understood.
    pub(crate) route: Option<&'static str>,
    /// Who signed in.
    pub(crate) user: Option<String>,
}

/// Answers one request.
pub(crate) async fn handle(app: Arc<App>, origin: Origin, request: HttpRequest<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    if is_head {
        // A range is of a GET alone (RFC 9110, section 14.2): what a HEAD asks about is the whole.
        parts.headers.remove(header::RANGE);
    }
    let family = Family::of(parts.uri.path());
    let parsed = match app.serves(parts.uri.path()) {
        true => Request::parse(&parts.method, parts.uri.path(), parts.uri.query()),
        false => Err(ParseError::UnknownPath),
    };
    let route = parsed.as_ref().ok().map(Request::route);
    let mut about = About { route, user: None };
    let mut response = match admit(&app, origin, &parts, &parsed, &mut about).await {
        Ok(asker) => {
            let incoming = Incoming { headers: parts.headers, is_head, body, asker };
            let answer = answer(app, parsed, incoming).await;
            answer.unwrap_or_else(|refusal| refusal.into_response(family))
        }
        Err(refusal) => {
            let scope = parsed.ok().and_then(|request| request.scope());
            auth::refuse(&app, origin, &parts, scope.as_ref(), refusal)
        }
    };
    response.extensions_mut().insert(about);
    response
}

/// Finds out who asks, and refuses what they may not do.
async fn admit(
    app: &Arc<App>,
    origin: Origin,
    parts: &Parts,
    parsed: &Result<Request, ParseError>,
    about: &mut About,
) -> Result<Asker, Refusal> {
    let asker = match parsed {
        // Whoever looks whether the depot is well waits for nobody who signs in.
        Ok(Request::Health | Request::Ready) => Asker::nobody(app),
        _ => auth::identify(app, origin, parts).await?,
    };
    about.user = asker.name().map(str::to_owned);
    permit(app, &asker, parsed.as_ref().ok()).await?;
    Ok(asker)
}

async fn answer(app: Arc<App>, request: Result<Request, ParseError>, incoming: Incoming) -> Answer {
    let request = request?;
    if request.access().changes() && app.options.mode == Mode::ReadOnly {
        return Err(Refusal::ReadOnly);
    }
    match narrowed(&app, &incoming.asker, request).await? {
        Request::Health => operations::health(),
        Request::Ready => operations::ready(&app).await,
        Request::Metrics => operations::metrics(&app).await,
        Request::Welcome => welcome::page(&app, &incoming.asker).await,
        Request::Registry(call) => registry_call(&app, call, incoming).await,
        Request::Repository(repository, call) => repository_call(&app, repository, call, incoming).await,
        Request::Charts(tenant, call) => chart_call(&app, tenant, call, incoming).await,
        Request::Harbor(call) if app.options.projects == Projects::Enforced => {
            harbor_call(&app, call, incoming).await
        }
        Request::Harbor(_) => Err(Refusal::NotFound),
    }
}

async fn registry_call(app: &Arc<App>, call: RegistryCall, incoming: Incoming) -> Answer {
    match call {
        RegistryCall::Base => Ok(lists::base()),
        RegistryCall::Catalog(page) => lists::catalog(app, page, &incoming.asker).await,
        RegistryCall::Token(scopes) => auth::token::get(app, &incoming.asker, scopes).await,
        RegistryCall::TokenForm => auth::token::post(app, incoming.asker, incoming.body).await,
    }
}

async fn repository_call(
    app: &Arc<App>,
    repository: Repository,
    call: RepositoryCall,
    incoming: Incoming,
) -> Answer {
    match call {
        RepositoryCall::GetBlob(digest) if incoming.is_head => {
            blobs::head(app, repository, digest, &incoming.headers).await
        }
        RepositoryCall::GetBlob(digest) => blobs::get(app, repository, digest, &incoming.headers).await,
        RepositoryCall::DeleteBlob(digest) => blobs::delete(app, repository, digest).await,
        RepositoryCall::GetManifest(locator) => {
            manifests::get(app, repository, locator, &incoming.headers).await
        }
        RepositoryCall::PutManifest(locator, tags) => {
            manifests::put(app, repository, locator, tags, incoming).await
        }
        RepositoryCall::DeleteManifest(locator) => manifests::delete(app, repository, locator).await,
        RepositoryCall::StartUpload(algorithm) => uploads::start(app, &repository, algorithm).await,
        RepositoryCall::UploadWhole(digest) => uploads::whole(app, repository, digest, incoming).await,
        RepositoryCall::Mount(digest, from) => uploads::mount(app, repository, digest, from).await,
        RepositoryCall::UploadStatus(id) => uploads::status(app, &repository, &id),
        RepositoryCall::AppendUpload(id) => uploads::append(app, repository, id, incoming).await,
        RepositoryCall::FinishUpload(id, digest) => {
            uploads::finish(app, repository, id, digest, incoming).await
        }
        RepositoryCall::CancelUpload(id) => uploads::cancel(app, repository, id).await,
        RepositoryCall::Tags(page) => lists::tags(app, repository, page).await,
        RepositoryCall::Referrers(digest, wanted) => lists::referrers(app, repository, digest, wanted).await,
    }
}

async fn chart_call(app: &Arc<App>, tenant: Tenant, call: ChartCall, incoming: Incoming) -> Answer {
    match (&tenant, app.options.chart_depth) {
        (Tenant::Root, ChartDepth::Root) | (Tenant::Project(_), ChartDepth::Project) => {}
        // A real ChartMuseum with tenants greets people here; a client must not take it for an index.
        (Tenant::Root, ChartDepth::Project) if call == ChartCall::Index => {
            return welcome::page(app, &incoming.asker).await;
        }
        _ => return Err(Refusal::NotFound),
    }
    charts::answer(app, tenant, call, incoming).await
}

async fn harbor_call(app: &Arc<App>, call: HarborCall, incoming: Incoming) -> Answer {
    match call {
        HarborCall::Ping => Ok("Pong".into_response()),
        HarborCall::ChartHealth => Ok(json(StatusCode::OK, r#"{"healthy":true}"#)),
        HarborCall::ListProjects => harbor::list(app, &incoming.asker).await,
        HarborCall::HasProject(name) => harbor::has(app, name).await,
        HarborCall::GetProject(name) => harbor::get(app, name).await,
        HarborCall::CreateProject => harbor::create(app, incoming).await,
        HarborCall::SystemInfo => Ok(harbor::system_info(app)),
        HarborCall::CurrentUser => harbor::current_user(&incoming.asker),
    }
}

/// Runs work on the store where it may block.
pub(crate) async fn with_store<T, W>(app: &Arc<App>, work: W) -> Result<T, StoreError>
where
    T: Send + 'static,
    W: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
{
    let app = Arc::clone(app);
    blocking(move || work(&app.store)).await
}

fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.into()).into_response()
}

fn text_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
