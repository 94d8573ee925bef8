//! What somebody sees of a list that holds everything.

use std::collections::HashSet;
use std::sync::Arc;

use super::Asker;
use crate::http::refusal::Refusal;
use crate::http::{App, with_store};
use crate::options::{Projects, Visibility};
use crate::protocol::{Access, Place};

/// The projects that somebody may read.
pub(in crate::http) struct Sight {
    asker: Asker,
    reads_all: bool,
    public: HashSet<String>,
}

impl Sight {
    /// What `asker` sees; the projects are looked through only for those who don't see all.
    pub(in crate::http) async fn of(app: &Arc<App>, asker: &Asker) -> Result<Self, Refusal> {
        let reads_all = asker.allows(Access::Read(Place::Whole), None);
        let public = match app.options.projects {
            Projects::Enforced if !reads_all => public_projects(app).await?,
            _ => HashSet::new(),
        };
        Ok(Self { asker: asker.clone(), reads_all, public })
    }

    /// Whether a project, and what it holds, is shown.
    pub(in crate::http) fn sees(&self, project: &str) -> bool {
        let visibility = self.public.contains(project).then_some(Visibility::Public);
        self.reads_all || self.asker.allows(Access::Read(Place::Project(project)), visibility)
    }

    /// The same of a repository, by its name.
    pub(in crate::http) fn sees_repository(&self, name: &str) -> bool {
        self.sees(name.split('/').next().unwrap_or_default())
    }
}

async fn public_projects(app: &Arc<App>) -> Result<HashSet<String>, Refusal> {
    Ok(with_store(app, |store| store.metadata.public_projects()).await?.into_iter().collect())
}
