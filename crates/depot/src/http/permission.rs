//! Whether a request is answered at all.

use std::sync::Arc;

use portolan_oci::Repository;

use super::auth::{Asker, Verdict};
use super::refusal::Refusal;
use super::{App, with_store};
use crate::options::{MetricsAccess, Projects, Visibility};
use crate::protocol::{Access, Place, RepositoryCall, Request};

/// What is known of the project that a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Project {
    /// The request is about none, or projects do not exist on their own.
    None,
    /// It was made.
    There(Visibility),
    /// It was never made.
    Missing,
}

impl Project {
    pub(super) fn visibility(self) -> Option<Visibility> {
        match self {
            Self::There(visibility) => Some(visibility),
            Self::None | Self::Missing => None,
        }
    }
}

/// Refuses what the asker may not do. What could not be understood is answered to whoever is known,
/// so that a stranger learns nothing of what is where.
pub(super) async fn permit(app: &Arc<App>, asker: &Asker, request: Option<&Request>) -> Result<(), Refusal> {
    let access = request.map_or(Access::Known, |request| wanted(app, request));
    let scope = request.and_then(Request::scope);
    let is_pull = scope.is_some() && matches!(access, Access::Read(_));
    // Whoever may pull whatever the project is waits for no database.
    if is_pull && asker.may(access, None, scope.as_ref()) == Verdict::Allowed {
        return Ok(());
    }
    let project = match access.project() {
        Some(name) => known_project(app, name).await?,
        None => Project::None,
    };
    match asker.may(access, project.visibility(), scope.as_ref()) {
        Verdict::Allowed => refuse_missing(project, request, access),
        Verdict::SignIn(fault) => Err(Refusal::Unauthorized(fault)),
        Verdict::Denied => Err(Refusal::denied(asker.name().unwrap_or_default(), access)),
    }
}

fn wanted<'a>(app: &App, request: &'a Request) -> Access<'a> {
    match (request, app.options.metrics) {
        (Request::Metrics, MetricsAccess::Open) => Access::Open,
        _ => request.access(),
    }
}

/// What Harbor says of projects that were never made: charts are not found, and images may not be
/// pushed (formats.md, section 6). Of an image that is pulled the handler says that it isn't there.
fn refuse_missing(project: Project, request: Option<&Request>, access: Access<'_>) -> Result<(), Refusal> {
    match (project, access.project(), request) {
        (Project::Missing, Some(name), Some(Request::Charts(..))) => Err(Refusal::no_chart_project(name)),
        (Project::Missing, Some(name), Some(Request::Repository(..))) if access.changes() => {
            Err(Refusal::no_project(name))
        }
        _ => Ok(()),
    }
}

/// The request with what the asker may do of it: a blob that may not be taken from where it lies is
/// uploaded instead, as if it were not there (OCI Distribution 1.1, end-11).
pub(super) async fn narrowed(app: &Arc<App>, asker: &Asker, request: Request) -> Result<Request, Refusal> {
    match request {
        Request::Repository(target, RepositoryCall::Mount(digest, from))
            if !may_mount(app, asker, from.as_ref()).await? =>
        {
            Ok(Request::Repository(target, RepositoryCall::StartUpload(digest.algorithm())))
        }
        other => Ok(other),
    }
}

/// Whether the asker may read where a blob is taken from; without a source that is anywhere.
async fn may_mount(app: &Arc<App>, asker: &Asker, from: Option<&Repository>) -> Result<bool, Refusal> {
    if asker.allows(Access::Read(Place::Whole), None) {
        return Ok(true);
    }
    let Some(from) = from else { return Ok(false) };
    let project = known_project(app, from.project()).await?;
    Ok(asker.allows(Access::Read(Place::Project(from.project())), project.visibility()))
}

/// What is known of a project, where projects are made.
pub(super) async fn known_project(app: &Arc<App>, name: &str) -> Result<Project, Refusal> {
    if app.options.projects == Projects::Implicit {
        return Ok(Project::None);
    }
    let found = match app.store.metadata.cached_visibility(name) {
        Some(found) => found,
        None => {
            let name = name.to_owned();
            with_store(app, move |store| store.metadata.visibility(&name)).await?
        }
    };
    Ok(found.map_or(Project::Missing, Project::There))
}
