//! Harbor's projects (its API, version 2.0): whether a registry is a Harbor, and the projects that
//! must exist before anything is pushed into them.

mod refusal;

use std::{fmt, str::FromStr};

use bytes::Bytes;
use portolan_oci::{Locator, Repository, Tag};
use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;

pub use refusal::{HarborRefusal, QuotaFigures};

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

/// How a project shows itself to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectView {
    /// It is there, and this user may read it.
    There,
    /// There is none of that name.
    Missing,
    /// This user sees no projects, and may not read this one: it is missing, or not for this user.
    Hidden,
}

/// A name that Harbor takes for a project: lower-case letters and digits, with single `.`, `_` and `-`
/// between them, at most 255 characters (Harbor's interface, `ProjectReq`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectName(String);

/// A text that Harbor takes for no project's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} can be no project's name: lower-case letters and digits, with single . _ - between them, at most {NAME_LIMIT}"
)]
pub struct ProjectNameError {
    name: String,
}

/// The longest name of a project.
const NAME_LIMIT: usize = 255;

impl FromStr for ProjectName {
    type Err = ProjectNameError;

    fn from_str(name: &str) -> Result<Self, ProjectNameError> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_part = |part: &str| !part.is_empty() && part.chars().all(is_plain);
        if name.len() <= NAME_LIMIT && name.split(['.', '_', '-']).all(is_part) {
            return Ok(Self(name.to_owned()));
        }
        Err(ProjectNameError { name: name.to_owned() })
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Registry {
    /// Whether the registry is a Harbor (`GET /api/v2.0/ping` answers `Pong`). Asked once: what it is, it stays.
    ///
    /// # Errors
    /// Any [`RegistryError`] of the transport; an answer of another server is no error.
    pub async fn is_harbor(&self) -> Result<bool, RegistryError> {
        self.harbor.get_or_try_init(|| self.asks_for_harbor()).await.copied()
    }

    async fn asks_for_harbor(&self) -> Result<bool, RegistryError> {
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

    /// How a project shows itself. Robot accounts may push where they see no projects; then `repository`,
    /// one of the project, is asked about: a Harbor answers 404 to what may be read and isn't there.
    ///
    /// # Errors
    /// Any [`RegistryError`] but a refusal.
    pub async fn view_project(&self, repository: &Repository) -> Result<ProjectView, RegistryError> {
        match self.project_exists(repository.project()).await {
            Ok(true) => return Ok(ProjectView::There),
            Ok(false) => return Ok(ProjectView::Missing),
            Err(error) if error.is_refused() => {}
            Err(error) => return Err(error),
        }
        match self.head_manifest(repository, &Locator::Tag(Tag::latest())).await {
            Ok(_) => Ok(ProjectView::There),
            Err(error) if error.is_refused() => Ok(ProjectView::Hidden),
            Err(error) => Err(error),
        }
    }

    /// Whether a Harbor says that it takes no changes now (`GET /api/v2.0/systeminfo`). One that says
    /// nothing of it counts as taking them: not every user is told, and the first write shows it too.
    pub async fn is_read_only(&self) -> bool {
        #[derive(Deserialize)]
        struct SystemInfo {
            read_only: bool,
        }
        let url = self.wire.url("api/v2.0/systeminfo");
        let call = self.with_password(Call::new("ask whether it takes changes", Method::GET, url));
        let Ok(answer) = self.wire.fetch_once(&call, &[], SMALL_BODY_LIMIT).await else { return false };
        serde_json::from_slice(&answer.body).is_ok_and(|info: SystemInfo| info.read_only)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_projects() {
        for name in ["a", "release.daocloud.io", "a-b_c.d", "0", &"a".repeat(255)] {
            assert!(name.parse::<ProjectName>().is_ok(), "{name}");
        }
        for name in ["", "A", "a b", "-a", "a-", "a__b", "a/b", ".", "\u{e9}", &"a".repeat(256)] {
            assert!(name.parse::<ProjectName>().is_err(), "{name}");
        }
    }
}
