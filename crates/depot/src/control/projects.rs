//! Calls about projects: what they hold, what they may, and who may read them.

use axum::Router;
use serde::{Deserialize, Serialize};

use super::server::{Room, with_call};
use super::users::text;
use super::{Call, Failed, Tell};
use crate::names::ProjectName;
use crate::options::Visibility;
use crate::server::Depot;
use crate::store::{ProjectState, StoreError};

/// Lists the projects.
#[derive(Debug, Serialize, Deserialize)]
pub struct ListProjects {}

/// Changes a project, which is made where it is missing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetProject {
    /// Which.
    #[serde(with = "text")]
    pub name: ProjectName,
    /// How much it may hold; absent leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// Whether it can be read without signing in; absent leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
}

/// A project as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its name; empty for the root of the chart repository.
    pub name: String,
    /// Bytes of all that it holds, every content counted once.
    pub bytes: u64,
    /// How much it may hold.
    pub quota: Quota,
    /// Whether it can be read without signing in.
    pub public: bool,
}

impl From<ProjectState> for Project {
    fn from(state: ProjectState) -> Self {
        Self {
            name: state.name,
            bytes: state.bytes,
            quota: state.quota.map_or(Quota::Unlimited, Quota::Bytes),
            public: state.visibility == Some(Visibility::Public),
        }
    }
}

/// How much a project may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quota {
    /// Any number of bytes.
    Unlimited,
    /// So many bytes.
    Bytes(u64),
}

impl Call for ListProjects {
    const NAME: &'static str = "list-projects";
    type Event = ();
    type Answer = Vec<Project>;

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<Vec<Project>, Failed> {
        let found = depot.store().metadata.project_states().map_err(|error| Failed::from(&error))?;
        Ok(found.into_iter().map(Project::from).collect())
    }
}

impl Call for SetProject {
    const NAME: &'static str = "set-project";
    type Event = ();
    type Answer = ();

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<(), Failed> {
        self.set(depot).map_err(|error| Failed::from(&error))
    }
}

impl SetProject {
    fn set(&self, depot: &Depot) -> Result<(), StoreError> {
        let metadata = &depot.store().metadata;
        if let Some(public) = self.public {
            let visibility = if public { Visibility::Public } else { Visibility::Private };
            metadata.set_visibility(&self.name, visibility)?;
        }
        match self.quota {
            Some(Quota::Unlimited) => metadata.set_quota(&self.name, None),
            Some(Quota::Bytes(bytes)) => metadata.set_quota(&self.name, Some(bytes)),
            None => Ok(()),
        }
    }
}

/// The calls of this module.
pub(super) fn calls(calls: Router<Room>) -> Router<Room> {
    with_call::<SetProject>(with_call::<ListProjects>(calls))
}
