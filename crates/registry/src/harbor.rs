//! Harbor's projects (its API, version 2.0): whether a registry is a Harbor, and the projects that
//! must exist before anything is pushed into them.

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};

use crate::{answer::SMALL_BODY_LIMIT, call::Call, error::RegistryError, registry::Registry};

/// Who may pull from a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Its members.
    #[default]
    Private,
    /// Everybody.
    Public,
}

/// What became of creating a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectCreation {
    /// It is new.
    Created,
    /// It was there before.
    Existed,
}

impl Registry {
    /// Whether the registry is a Harbor (`GET /api/v2.0/ping` answers `Pong`).
    ///
    /// # Errors
    /// Any [`RegistryError`] of the transport; an answer of another server is no error.
    pub async fn is_harbor(&self) -> Result<bool, RegistryError> {
        let call = Call::new("ask whether it is a Harbor", Method::GET, self.wire.url("api/v2.0/ping"));
        let others = [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::NOT_FOUND,
            StatusCode::METHOD_NOT_ALLOWED,
            StatusCode::BAD_REQUEST,
        ];
        match self.wire.fetch(&call, &others, SMALL_BODY_LIMIT).await {
            Ok(answer) => Ok(answer.body.trim_ascii().eq_ignore_ascii_case(b"pong")),
            Err(RegistryError::TooLarge { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether a project exists (`HEAD /api/v2.0/projects?project_name=…`).
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`] where the credentials are refused, and any other.
    pub async fn project_exists(&self, project: &str) -> Result<bool, RegistryError> {
        let mut url = self.wire.url("api/v2.0/projects");
        url.query_pairs_mut().append_pair("project_name", project);
        let call = Call::new(format!("ask for the project {project}"), Method::HEAD, url);
        let response = self.wire.send(&self.with_password(call), &[StatusCode::NOT_FOUND]).await?;
        Ok(response.status().is_success())
    }

    /// Creates a project; that it exists already is no error (`POST /api/v2.0/projects`).
    ///
    /// # Errors
    /// [`RegistryError::Denied`] where the credentials don't suffice for it, and any other.
    pub async fn create_project(
        &self,
        project: &str,
        visibility: Visibility,
    ) -> Result<ProjectCreation, RegistryError> {
        let public = if visibility == Visibility::Public { "true" } else { "false" };
        let body = serde_json::json!({"project_name": project, "metadata": {"public": public}});
        let url = self.wire.url("api/v2.0/projects");
        let call = Call::new(format!("create the project {project}"), Method::POST, url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Bytes::from(body.to_string()));
        let response = self.wire.send(&self.with_password(call), &[StatusCode::CONFLICT]).await?;
        match response.status() {
            StatusCode::CONFLICT => Ok(ProjectCreation::Existed),
            _ => Ok(ProjectCreation::Created),
        }
    }

    /// Harbor's own interface takes passwords and never challenges; its tokens are for images alone.
    fn with_password(&self, call: Call) -> Call {
        match self.wire.auth.password_header() {
            Some(header) => call.header(AUTHORIZATION, header),
            None => call,
        }
    }
}
