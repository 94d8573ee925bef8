//! Whether the servers of a plan can be used at all, and which projects have to be made first.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::{StreamExt, stream};
use portolan_chartrepo::{ChartRepoError, ChartRepository};
use portolan_oci::Repository;

use super::{QUESTIONS_AT_ONCE, Target, projects};
use crate::{
    failure::{Precondition, Preconditions},
    options::SyncOptions,
    plan::PlannedProject,
    wanted::{Wanted, WantedChart},
};

/// What the checks before the first question found.
pub(super) struct Ready {
    /// To be made first.
    pub(super) projects: Vec<PlannedProject>,
    /// The locations of chart repositories whose project is among them.
    pub(super) unmade: BTreeSet<String>,
}

/// Checks registry, projects and chart repositories side by side.
///
/// # Errors
/// All that fails, in one go; projects that may not be created in one line.
pub(super) async fn ready(
    target: &Target,
    wanted: &Wanted,
    options: &SyncOptions,
) -> Result<Ready, Preconditions> {
    let repositories: Vec<&Repository> = wanted.images.iter().map(|image| &image.target.repository).collect();
    let (registry, charts) = tokio::join!(
        projects::lacking_of_images(&target.registry, &repositories),
        refused_charts(&wanted.charts),
    );
    let mut failures = Vec::new();
    let mut lacking = registry.unwrap_or_else(|failure| {
        failures.push(failure);
        BTreeSet::new()
    });
    let mut unmade = BTreeSet::new();
    for (location, source) in charts {
        match projects::lacking_of_charts(&target.registry, &source).await {
            Some(project) => {
                unmade.insert(location);
                lacking.insert(project);
            }
            None => failures.push(Precondition::ChartRepository { source }),
        }
    }
    let projects = projects::to_create(lacking, options.missing_projects).unwrap_or_else(|failure| {
        failures.insert(0, failure);
        Vec::new()
    });
    Preconditions::check(failures)?;
    Ok(Ready { projects, unmade })
}

/// Asks each repository that a chart goes to whether it can be used; gives those that can't be, by location.
async fn refused_charts(charts: &[WantedChart]) -> Vec<(String, ChartRepoError)> {
    let repositories: BTreeMap<String, &Arc<dyn ChartRepository>> =
        charts.iter().map(|chart| (chart.repository.location(), &chart.repository)).collect();
    let asked = repositories.into_iter().map(async |(location, repository)| {
        let refusal = repository.check().await.err()?;
        Some((location, refusal))
    });
    stream::iter(asked).buffered(QUESTIONS_AT_ONCE).filter_map(std::future::ready).collect().await
}
