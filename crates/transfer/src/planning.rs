//! Makes the plan: asks every server what is there, and writes nothing.

mod charts;
mod projects;

use std::{collections::HashMap, sync::Arc, time::Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_chartrepo::ChartRepository;
use portolan_oci::Reference;
use portolan_package::Package;
use portolan_registry::{Registry, RegistryError};

use crate::{
    content::{Identity, platforms, stored_bytes},
    event::{Event, Observer},
    failure::{Precondition, Preconditions},
    options::SyncOptions,
    plan::{ImageAction, PLAN_VERSION, Plan, PlannedImage},
    probe::probe,
    wanted::{Inputs, Wanted, WantedImage, wanted},
};

/// Questions about tags and charts that are open at once.
const QUESTIONS_AT_ONCE: usize = 16;

/// The servers that a package goes into.
pub struct Target {
    /// Where images are pushed.
    pub registry: Registry,
    /// Where charts are written.
    pub charts: Box<dyn ChartRepository>,
}

/// Computes all that a run would do, and checks beforehand that it can.
///
/// Hosts, credentials and projects are checked together, so that one run shows everything that is missing.
///
/// # Errors
/// [`Preconditions`] with every failure of a host, a credential or a project. A bundle that can't be
/// read or planned is no error: it stands in [`Plan::broken`].
pub async fn plan(
    package: Arc<Package>,
    target: &Target,
    options: &SyncOptions,
    observer: &dyn Observer,
) -> Result<Plan, Preconditions> {
    let started = Instant::now();
    let only_registry = options.push_host.is_none().then(|| &target.registry.endpoint().host);
    let wanted = wanted(&Inputs { package: &package, options, only_registry });
    observer.event(Event::Checking { targets: wanted.images.len() + wanted.charts.len() });
    let projects = ready(target, &wanted, options).await?;
    let images = ask_images(&target.registry, &wanted.images, observer)
        .await
        .map_err(|source| Preconditions { failures: vec![Precondition::Registry { source }] })?;
    let charts = charts::ask(target.charts.as_ref(), wanted.charts, &images, observer)
        .await
        .map_err(|source| Preconditions { failures: vec![Precondition::ChartRepository { source }] })?;
    let plan = Plan {
        plan_version: PLAN_VERSION,
        registry: target.registry.endpoint().to_string(),
        chart_repository: target.charts.location(),
        projects,
        images,
        charts,
        broken: wanted.broken,
        notes: wanted.notes,
        package,
        started,
    };
    observer.event(Event::Planned { plan: &plan });
    Ok(plan)
}

/// Checks registry, projects and chart repository side by side, and gathers what fails.
async fn ready(
    target: &Target,
    wanted: &Wanted,
    options: &SyncOptions,
) -> Result<Vec<crate::plan::PlannedProject>, Preconditions> {
    let (registry, charts) = tokio::join!(
        projects::check(&target.registry, &wanted.images, options.missing_projects),
        check_charts(target.charts.as_ref(), wanted.charts.is_empty()),
    );
    let mut failures = Vec::new();
    let projects = registry.unwrap_or_else(|failure| {
        failures.push(failure);
        Vec::new()
    });
    failures.extend(charts.err());
    Preconditions::check(failures)?;
    Ok(projects)
}

async fn check_charts(charts: &dyn ChartRepository, unused: bool) -> Result<(), Precondition> {
    if unused {
        return Ok(());
    }
    charts.check().await.map_err(|source| Precondition::ChartRepository { source })
}

/// Asks about every image tag, several at once, and keeps their order.
async fn ask_images(
    registry: &Registry,
    images: &[WantedImage],
    observer: &dyn Observer,
) -> Result<Vec<PlannedImage>, RegistryError> {
    let questions = images.iter().map(async |image| {
        let identity = Identity::of(&image.content);
        let action = probe(registry, &image.target.repository, &image.target.locator(), &identity).await?;
        observer.event(Event::Checked);
        Ok(planned(image, &identity, action))
    });
    stream::iter(questions).buffered(QUESTIONS_AT_ONCE).try_collect().await
}

fn planned(image: &WantedImage, identity: &Identity, action: ImageAction) -> PlannedImage {
    PlannedImage {
        source: image.source.clone(),
        target: image.target.clone(),
        digest: identity.digest().cloned(),
        platforms: platforms(&image.content),
        action,
        bytes: stored_bytes(&image.content),
        content: Arc::clone(&image.content),
    }
}

/// Where each target stands in the plan.
fn positions(images: &[PlannedImage]) -> HashMap<&Reference, usize> {
    images.iter().enumerate().map(|(index, image)| (&image.target, index)).collect()
}
