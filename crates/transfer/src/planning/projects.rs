//! Whether the registry can be used, and holds every project that the images need.

use std::collections::BTreeMap;

use portolan_chartrepo::ChartRepoError;
use portolan_oci::Repository;
use portolan_registry::{ProjectName, ProjectView, Registry, RegistryError};

use crate::{failure::Precondition, options::MissingProjects, plan::PlannedProject};

/// Projects that are not there to be pushed into.
#[derive(Debug, Default)]
struct Lacking {
    missing: Vec<String>,
    /// Missing, or not for this user, who sees no projects.
    hidden: Vec<String>,
}

/// Signs in, and finds the projects to be created; a registry without projects needs none.
///
/// # Errors
/// Where the registry can't be used, or lacks projects that may not be created.
pub(crate) async fn check(
    registry: &Registry,
    repositories: &[&Repository],
    policy: MissingProjects,
) -> Result<Vec<PlannedProject>, Precondition> {
    if repositories.is_empty() {
        return Ok(Vec::new());
    }
    registry.ping().await.map_err(|source| Precondition::Registry { source })?;
    let is_harbor = registry.is_harbor().await.map_err(|source| Precondition::Registry { source })?;
    if !is_harbor {
        return Ok(Vec::new());
    }
    let Lacking { missing, hidden } =
        lacking(registry, repositories).await.map_err(|source| Precondition::Registry { source })?;
    if !hidden.is_empty() {
        return Err(Precondition::HiddenProjects { names: hidden });
    }
    for name in &missing {
        name.parse::<ProjectName>().map_err(|source| Precondition::ProjectName { source })?;
    }
    if registry.is_read_only().await {
        return Err(Precondition::ReadOnly);
    }
    match policy {
        _ if missing.is_empty() => Ok(Vec::new()),
        MissingProjects::Refuse => Err(Precondition::MissingProjects { names: missing }),
        MissingProjects::Create(visibility) => {
            Ok(missing.into_iter().map(|name| PlannedProject { name, visibility }).collect())
        }
    }
}

/// The project that a chart repository lacks, where it is one of this registry's and may be created;
/// `None` where `refusal` is about something else.
pub(crate) async fn for_charts(
    registry: &Registry,
    refusal: &ChartRepoError,
    policy: MissingProjects,
) -> Option<PlannedProject> {
    let (Some(project), MissingProjects::Create(visibility)) = (refusal.missing_project(), policy) else {
        return None;
    };
    let name = project.parse::<ProjectName>().ok()?.to_string();
    // Charts may go to another Harbor than images: its projects are not this registry's to create.
    let lacks = registry.is_harbor().await.ok()? && !registry.project_exists(&name).await.ok()?;
    lacks.then_some(PlannedProject { name, visibility })
}

/// Asks about every project once, by the first repository of it.
async fn lacking(registry: &Registry, repositories: &[&Repository]) -> Result<Lacking, RegistryError> {
    let mut projects: BTreeMap<&str, &Repository> = BTreeMap::new();
    for repository in repositories {
        projects.entry(repository.project()).or_insert(repository);
    }
    let mut lacking = Lacking::default();
    for (project, repository) in projects {
        match registry.view_project(repository).await? {
            ProjectView::There => {}
            ProjectView::Missing => lacking.missing.push(project.to_owned()),
            ProjectView::Hidden => lacking.hidden.push(project.to_owned()),
        }
    }
    Ok(lacking)
}
