//! Makes the plan: asks every server what is there, and writes nothing.

pub(crate) mod absent;
mod charts;
mod images;
pub(crate) mod projects;
mod ready;

use std::{collections::HashMap, sync::Arc, time::Instant};

use portolan_oci::{Manifest, Reference};
use portolan_package::Package;
use portolan_registry::Registry;

use charts::Asked;
use ready::{Ready, ready};

use crate::{
    brought::Brought,
    chart_places::Charts,
    event::{Event, Observer},
    failure::{Precondition, Preconditions},
    options::{ExistingPolicy, SyncOptions},
    plan::{ChartAction, ImageAction, PLAN_VERSION, Plan, PlannedChart, PlannedImage, PlannedProject},
    report::BrokenBundle,
    saved::{SavedPlan, Settled},
    wanted::{Inputs, Wanted, wanted},
};

/// Questions about tags and charts that are open at once.
const QUESTIONS_AT_ONCE: usize = 16;

/// The servers that a package goes into.
pub struct Target {
    /// Where images are pushed.
    pub registry: Registry,
    /// Where charts are written.
    pub charts: Charts,
}

/// Computes all that a run would do, and checks beforehand that it can.
///
/// Hosts, credentials and projects are checked together, so that one run shows everything that is missing.
///
/// # Errors
/// [`Preconditions`] with every failure of a host, a credential or a project, or with the interruption
/// alone: questions that are open then are given up, since nobody needs their answers. A bundle that
/// can't be read or planned is no error: it stands in [`Plan::broken`].
pub async fn plan(
    package: Arc<Package>,
    target: &Target,
    options: &SyncOptions,
    observer: &dyn Observer,
) -> Result<Plan, Preconditions> {
    tokio::select! {
        biased;
        () = options.stop.requested() => Err(Preconditions::interrupted()),
        plan = made(package, target, options, observer) => plan,
    }
}

async fn made(
    package: Arc<Package>,
    target: &Target,
    options: &SyncOptions,
    observer: &dyn Observer,
) -> Result<Plan, Preconditions> {
    let started = Instant::now();
    let only_registry = options.push_host.is_none().then(|| &target.registry.endpoint().host);
    let inputs = Inputs { package: &package, options, only_registry, charts: &target.charts };
    let mut wanted = wanted(&inputs);
    let absent = absent::charts(&target.charts, &options.selection, &wanted.chart_names());
    narrow(&package, &mut wanted, options)?;
    if options.stop.is_requested() {
        return Err(Preconditions::interrupted());
    }
    observer.event(Event::Checking { targets: wanted.images.len() + wanted.charts.len() });
    let mut broken = std::mem::take(&mut wanted.broken);
    broken.extend(absent);
    let ground = Ground { package, target, options, started, brought: &Brought::default() };
    let plan = answered(ground, wanted, broken, &Foretold::new(), observer).await?;
    observer.event(Event::Planned { plan: &plan });
    Ok(plan)
}

/// What tags were seen to name a moment ago, so that they need not be asked about again.
pub(crate) type Foretold = HashMap<Reference, Option<Manifest>>;

/// The plan of what is wanted, once the servers were asked about it.
///
/// # Errors
/// As [`plan`].
pub(crate) async fn answered(
    ground: Ground<'_>,
    mut wanted: Wanted,
    broken: Vec<BrokenBundle>,
    foretold: &Foretold,
    observer: &dyn Observer,
) -> Result<Plan, Preconditions> {
    let answers = ask(&ground, &mut wanted, foretold, observer).await?;
    Ok(joined(ground, wanted, answers, broken))
}

/// What the servers said to all questions of a plan.
struct Answers {
    projects: Vec<PlannedProject>,
    images: Vec<PlannedImage>,
    charts: Asked,
}

/// Asks the servers everything: whether they can be used, then about every image, then about every chart.
/// The charts are taken out of `wanted`.
async fn ask(
    ground: &Ground<'_>,
    wanted: &mut Wanted,
    foretold: &Foretold,
    observer: &dyn Observer,
) -> Result<Answers, Preconditions> {
    let Ground { target, options, brought, .. } = *ground;
    let Ready { projects, unmade } = ready(target, wanted, options).await?;
    let questions = images::Questions {
        registry: &target.registry,
        check: options.check,
        existing: options.existing,
        projects: &projects,
        foretold,
        brought,
    };
    let images = images::ask(&questions, &wanted.images, observer)
        .await
        .map_err(|source| Preconditions { failures: vec![Precondition::Registry { source }] })?;
    let questions = charts::Questions { check: options.check, unmade };
    let charts = charts::ask(&questions, std::mem::take(&mut wanted.charts), &images, observer)
        .await
        .map_err(|source| Preconditions { failures: vec![Precondition::ChartRepository { source }] })?;
    refuse_existing(options.existing.policy, &images, &charts.charts)?;
    Ok(Answers { projects, images, charts })
}

/// Ends a run that is to find nothing of other content.
fn refuse_existing(
    policy: ExistingPolicy,
    images: &[PlannedImage],
    charts: &[PlannedChart],
) -> Result<(), Preconditions> {
    if policy != ExistingPolicy::Error {
        return Ok(());
    }
    let is_kept = |image: &&PlannedImage| matches!(image.action, ImageAction::Keep { .. });
    let images = images.iter().filter(is_kept).map(|image| image.target.to_string());
    let charts = charts.iter().filter(|chart| chart.action == ChartAction::Keep);
    let targets: Vec<String> = images.chain(charts.map(|chart| chart.target.clone())).collect();
    match targets.is_empty() {
        true => Ok(()),
        false => Err(Preconditions { failures: vec![Precondition::Existing { targets }] }),
    }
}

/// What a plan stands on.
pub(crate) struct Ground<'a> {
    pub(crate) package: Arc<Package>,
    pub(crate) target: &'a Target,
    pub(crate) options: &'a SyncOptions,
    pub(crate) started: Instant,
    /// What the run has brought by now.
    pub(crate) brought: &'a Brought,
}

/// Joins what is wanted and what the servers said to the plan.
fn joined(ground: Ground<'_>, wanted: Wanted, answers: Answers, broken: Vec<BrokenBundle>) -> Plan {
    let Ground { package, target, options, started, .. } = ground;
    let Answers { projects, images, charts: Asked { charts, notes } } = answers;
    let (registry, chart_repository) = (target.registry.endpoint().to_string(), target.charts.location());
    let saved = SavedPlan::of(&Settled {
        package: &package,
        options,
        registry: &registry,
        chart_repository: &chart_repository,
        contents: &wanted.contents,
        projects: &projects,
        images: &images,
        charts: &charts,
        broken: &broken,
    });
    Plan {
        plan_version: PLAN_VERSION,
        digest: saved.digest(),
        registry,
        chart_repository,
        projects,
        images,
        charts,
        broken,
        notes: [wanted.notes, notes].concat(),
        saved,
        package,
        started,
    }
}

/// Leaves of `wanted` what an earlier run left, where the options say so.
fn narrow(package: &Package, wanted: &mut Wanted, options: &SyncOptions) -> Result<(), Preconditions> {
    let Some(left) = &options.only else { return Ok(()) };
    left.narrow(package, wanted)
        .map_err(|targets| Preconditions { failures: vec![Precondition::OtherReport { targets }] })
}

/// Where each target stands in the plan, once for each image that goes there.
fn positions(images: &[PlannedImage]) -> HashMap<&Reference, Vec<usize>> {
    let mut positions: HashMap<&Reference, Vec<usize>> = HashMap::new();
    for (index, image) in images.iter().enumerate() {
        positions.entry(&image.target).or_default().push(index);
    }
    positions
}
