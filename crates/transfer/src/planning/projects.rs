//! Whether the registry can be used, and holds every project that the images need.

use std::collections::BTreeSet;

use portolan_chartrepo::ChartRepoError;
use portolan_registry::{Registry, RegistryError};

use crate::{failure::Precondition, options::MissingProjects, plan::PlannedProject, wanted::WantedImage};

/// Signs in, and finds the projects to be created; a registry without projects needs none.
///
/// # Errors
/// Where the registry can't be used, or lacks projects that may not be created.
pub(super) async fn check(
    registry: &Registry,
    images: &[WantedImage],
    policy: MissingProjects,
) -> Result<Vec<PlannedProject>, Precondition> {
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let missing = missing(registry, images).await.map_err(|source| Precondition::Registry { source })?;
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
pub(super) async fn for_charts(
    registry: &Registry,
    refusal: &ChartRepoError,
    policy: MissingProjects,
) -> Option<PlannedProject> {
    let (Some(project), MissingProjects::Create(visibility)) = (refusal.missing_project(), policy) else {
        return None;
    };
    // Charts may go to another Harbor than images: its projects are not this registry's to create.
    let lacks = registry.is_harbor().await.ok()? && !registry.project_exists(project).await.ok()?;
    lacks.then(|| PlannedProject { name: project.to_owned(), visibility })
}

async fn missing(registry: &Registry, images: &[WantedImage]) -> Result<Vec<String>, RegistryError> {
    registry.ping().await?;
    if !registry.is_harbor().await? {
        return Ok(Vec::new());
    }
    let projects: BTreeSet<&str> = images.iter().map(|image| image.target.repository.project()).collect();
    let mut missing = Vec::new();
    for project in projects {
        if !registry.project_exists(project).await? {
            missing.push(project.to_owned());
        }
    }
    Ok(missing)
}
