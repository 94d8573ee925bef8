//! Whether the registry can be used, and holds every project that the images need.

use std::collections::{BTreeMap, BTreeSet};

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

/// Signs in, and finds the projects that the images lack; a registry without projects needs none.
///
/// # Errors
/// Where the registry can't be used, or a project can't be made there at all.
pub(crate) async fn lacking_of_images(
    registry: &Registry,
    repositories: &[&Repository],
) -> Result<BTreeSet<String>, Precondition> {
    if repositories.is_empty() {
        return Ok(BTreeSet::new());
    }
    registry.ping().await.map_err(|source| Precondition::Registry { source })?;
    let is_harbor = registry.is_harbor().await.map_err(|source| Precondition::Registry { source })?;
    if !is_harbor {
        return Ok(BTreeSet::new());
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
    Ok(missing.into_iter().collect())
}

/// The project that a chart repository lacks, where it is one of this registry's; `None` where `refusal` is
/// about something else.
pub(crate) async fn lacking_of_charts(registry: &Registry, refusal: &ChartRepoError) -> Option<String> {
    let named = refusal.missing_project().or_else(|| missing_tenant(registry, refusal))?;
    let name = named.parse::<ProjectName>().ok()?.to_string();
    // Charts may go to another Harbor than images: its projects are not this registry's to create.
    let lacks = registry.is_harbor().await.ok()? && !registry.project_exists(&name).await.ok()?;
    lacks.then_some(name)
}

/// The tenant that a ChartMuseum on the registry's own host lacks: the depot keeps both.
fn missing_tenant<'a>(registry: &Registry, refusal: &'a ChartRepoError) -> Option<&'a str> {
    let (host, tenant) = refusal.missing_tenant()?;
    (host == registry.endpoint().host.host()).then_some(tenant)
}

/// The projects to be created of those that lack.
///
/// # Errors
/// All of them, where none may be created.
pub(crate) fn to_create(
    lacking: BTreeSet<String>,
    policy: MissingProjects,
) -> Result<Vec<PlannedProject>, Precondition> {
    match policy {
        _ if lacking.is_empty() => Ok(Vec::new()),
        MissingProjects::Refuse => {
            Err(Precondition::MissingProjects { names: lacking.into_iter().collect() })
        }
        MissingProjects::Create(visibility) => {
            Ok(lacking.into_iter().map(|name| PlannedProject { name, visibility }).collect())
        }
    }
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
