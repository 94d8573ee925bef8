//! Where tokens are handed out (CNCF distribution, "Token Authentication Specification", and the
//! same "using OAuth2").
//!
//! There are no refresh tokens: a client that asks for one (`offline_token`, `access_type`) keeps
//! the password it has, as `docker login` does.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::identify::by_password;
use super::{Asker, Fault, Who};
use crate::accounts::{Known, Login};
use crate::http::body::whole;
use crate::http::permission::{Project, known_project};
use crate::http::refusal::Refusal;
use crate::http::{Answer, App, json};
use crate::options::Projects;
use crate::protocol::{Access, Actions, Place, Resource, Scope, TokenForm};

/// Longest form: far above what its few keys need.
const FORM_LIMIT: u64 = 64 * 1024;

/// `GET`: a token for who sent the request, as its header says.
pub(in crate::http) async fn get(app: &Arc<App>, asker: &Asker, asked: Vec<Scope>) -> Answer {
    let user = match &asker.who {
        Who::User(user) => Some(user.as_ref()),
        Who::Everybody | Who::Nobody => None,
        // A token is no way to a wider one.
        Who::Bearer(..) => return Err(Refusal::Unauthorized(Some(Fault::Credentials))),
        Who::Impostor(fault) => return Err(Refusal::Unauthorized(Some(*fault))),
    };
    let granted = narrow(app, asker, asked).await?;
    Ok(answer(app, user, granted))
}

/// `POST`: a token for the user whose name and password the form holds.
pub(in crate::http) async fn post(app: &Arc<App>, asker: Asker, body: Body) -> Answer {
    let form = whole(body, FORM_LIMIT).await?;
    let TokenForm { scopes, username, password } = TokenForm::parse(&form).map_err(|grant_type| {
        Refusal::plain(
            StatusCode::BAD_REQUEST,
            format!("unsupported grant_type {grant_type:?}: it is password"),
        )
    })?;
    let who = match asker.who {
        Who::Everybody => Who::Everybody,
        _ => by_password(&app.doorkeeper, Login { name: username, password }).await?,
    };
    get(app, &Asker { who, ..asker }, scopes).await
}

/// Of what was asked, what the asker may do now.
async fn narrow(app: &Arc<App>, asker: &Asker, asked: Vec<Scope>) -> Result<Vec<Scope>, Refusal> {
    let mut granted = Vec::with_capacity(asked.len());
    for Scope { resource, actions } in asked {
        let permitted = match &resource {
            Resource::Repository(repository) => {
                let project = known_project(app, repository.project()).await?;
                on_project(app, asker, repository.project(), project)
            }
            Resource::Catalog if asker.allows(Access::List, None) => Actions::ALL,
            Resource::Catalog => Actions::default(),
        };
        let actions = actions.only(permitted);
        if !actions.is_empty() {
            granted.push(Scope { resource, actions });
        }
    }
    Ok(granted)
}

/// Nothing may be written into a project that has to be made first, as with Harbor.
fn on_project(app: &App, asker: &Asker, name: &str, project: Project) -> Actions {
    let place = Place::Project(name);
    let is_there = app.options.projects == Projects::Implicit || project != Project::Missing;
    let may = |access| asker.allows(access, project.visibility());
    Actions {
        pull: may(Access::Read(place)),
        push: is_there && may(Access::Write(place)),
        delete: is_there && may(Access::Delete(place)),
    }
}

fn answer(app: &App, user: Option<&Known>, granted: Vec<Scope>) -> Response {
    let life = app.options.access.token_life.0;
    let scope: Vec<String> = granted.iter().map(ToString::to_string).collect();
    let token: SecretString = app.doorkeeper.issue(user, granted, life);
    let body = json!({
        "token": token.expose_secret(),
        "access_token": token.expose_secret(),
        "token_type": "Bearer",
        "expires_in": life.as_secs(),
        "issued_at": Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default().to_string(),
        "scope": scope.join(" "),
    });
    let mut response = json(StatusCode::OK, body.to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
