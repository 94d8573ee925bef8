//! Harbor's projects, as far as its clients need them (formats.md, section 6).

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use portolan_oci::Repository;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::{Asker, Sight};
use super::body::whole;
use super::refusal::Refusal;
use super::{Answer, App, Incoming, json, with_store};
use crate::names::ProjectName;
use crate::options::{Mode, Visibility};
use crate::store::{Store, StoreError};

/// Longest body of a new project: far above what its few keys need.
const BODY_LIMIT: u64 = 64 * 1024;

/// `POST projects`.
#[derive(Deserialize)]
struct NewProject {
    project_name: String,
    #[serde(default)]
    metadata: NewMetadata,
    /// The older form of `metadata.public`.
    #[serde(default)]
    public: Option<bool>,
    /// Bytes that it may hold; -1 is any number.
    #[serde(default)]
    storage_limit: Option<i64>,
}

#[derive(Deserialize, Default)]
struct NewMetadata {
    #[serde(default)]
    public: Option<String>,
}

impl NewProject {
    /// Private unless told otherwise (design decision 11).
    fn visibility(&self) -> Visibility {
        let told = self.metadata.public.as_deref().map(|text| text == "true").or(self.public);
        if told == Some(true) { Visibility::Public } else { Visibility::Private }
    }

    fn quota(&self) -> Option<u64> {
        self.storage_limit.and_then(|limit| u64::try_from(limit).ok()).filter(|&limit| limit > 0)
    }

    /// A name that can be both: a project, and the first element of a repository.
    fn name(&self) -> Result<ProjectName, Refusal> {
        let refuse = |message: String| Refusal::plain(StatusCode::BAD_REQUEST, message);
        let name: ProjectName =
            self.project_name.parse().map_err(|error: crate::names::NameError| refuse(error.to_string()))?;
        name.as_str().parse::<Repository>().map_err(|error| refuse(error.to_string()))?;
        Ok(name)
    }
}

/// Makes a project.
pub(super) async fn create(app: &Arc<App>, incoming: Incoming) -> Answer {
    let body = whole(incoming.body, BODY_LIMIT).await?;
    let new: NewProject = serde_json::from_slice(&body)
        .map_err(|error| Refusal::plain(StatusCode::BAD_REQUEST, format!("body is no project: {error}")))?;
    let (name, visibility, quota) = (new.name()?, new.visibility(), new.quota());
    let made = name.clone();
    let make = move |store: &Store| match store.metadata.create_project(&made, visibility)? {
        true if quota.is_some() => store.metadata.set_quota(&made, quota).map(|()| true),
        made => Ok(made),
    };
    if !with_store(app, make).await? {
        return Err(Refusal::plain(StatusCode::CONFLICT, format!("the project named {name} already exists")));
    }
    let location = [(header::LOCATION, format!("/api/v2.0/projects/{name}"))];
    Ok((StatusCode::CREATED, location).into_response())
}

/// Whether there is a project of that name.
pub(super) async fn has(app: &Arc<App>, name: ProjectName) -> Answer {
    let found = with_store(app, move |store| store.metadata.visibility(name.as_str())).await?;
    Ok(if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND }.into_response())
}

/// One project.
pub(super) async fn get(app: &Arc<App>, name: ProjectName) -> Answer {
    let wanted = name.clone();
    let found = with_store(app, move |store| described(store, wanted.as_str())).await?;
    let missing = || Refusal::plain(StatusCode::NOT_FOUND, format!("project {name} not found"));
    found.map(|project| json(StatusCode::OK, project.to_string())).ok_or_else(missing)
}

/// All projects that the asker may read.
pub(super) async fn list(app: &Arc<App>, asker: &Asker) -> Answer {
    let sight = Sight::of(app, asker).await?;
    let projects = with_store(app, move |store| {
        let mut names = store.metadata.projects()?;
        names.retain(|name| sight.sees(name));
        names.iter().filter_map(|name| described(store, name).transpose()).collect::<Result<Vec<Value>, _>>()
    });
    Ok(json(StatusCode::OK, Value::from(projects.await?).to_string()))
}

/// What of Harbor's system information its clients decide by.
pub(super) fn system_info(app: &App) -> Response {
    let is_read_only = app.options.mode == Mode::ReadOnly;
    json(StatusCode::OK, json!({"read_only": is_read_only}).to_string())
}

/// Who asks, and whether they may do everything.
pub(super) fn current_user(asker: &Asker) -> Answer {
    let name = asker.name().ok_or(Refusal::Unauthorized(None))?;
    Ok(json(StatusCode::OK, json!({"username": name, "sysadmin_flag": asker.is_admin()}).to_string()))
}

fn described(store: &Store, name: &str) -> Result<Option<Value>, StoreError> {
    let public = |visibility| if visibility == Visibility::Public { "true" } else { "false" };
    let found = store.metadata.visibility(name)?;
    Ok(found.map(|visibility| json!({"name": name, "metadata": {"public": public(visibility)}})))
}
