//! `portolan load`: images straight onto a node, without a registry.

mod args;
mod documents;
mod from;
mod many;
mod nodes;
mod package;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use portolan_node::{
    Event, LoadCheck, LoadLeft, LoadOptions, LoadReport, LoadReportError, LocalOptions, NodeCheck, NodePlan,
    NodeResult, Observer, Passage, Passed, Runtime, Stock, load_passing, plan_offers,
};
use portolan_transfer::{BrokenBundle, Outcome, PackageImages};

use super::interruption::Interrupted;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, load as text};
pub use args::LoadArgs;
use args::{Goal, Origin, Settings};
use package::Opened;

/// What this machine is called in plans and reports.
const THIS_MACHINE: &str = "this machine";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub fn run(arguments: &LoadArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let settings = arguments.settings(environment)?;
    let stop = settings.options.stop.clone();
    super::carry_out(Interrupted::Run, &stop, console, load(&settings, console))
}

async fn load(settings: &Settings, console: &Console) -> Result<Exit, Failure> {
    if let Some(nodes) = &settings.nodes {
        return many::load(settings, nodes, console).await;
    }
    let started = Instant::now();
    let progress = console.load_progress();
    let runtime = unless_stopped(settings, connect(&settings.local)).await?;
    let (progress, runtime) = (progress.as_ref(), runtime.as_ref());
    let here = Here { settings, console, progress, runtime, started };
    match &settings.origin {
        Origin::Registries(from) => {
            let images = unless_stopped(settings, from::images(from, settings)).await?;
            let plan = plan(settings, &images, runtime, progress).await?;
            here.carry(PackageImages::default(), plan).await
        }
        Origin::Package(path) => here.package(path).await,
    }
}

/// What is awaited, unless the run is interrupted first.
async fn unless_stopped<T>(
    settings: &Settings,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = settings.options.stop.requested() => Err(Failure::interrupted()),
        done = work => done,
    }
}

/// A load onto this machine.
struct Here<'a> {
    settings: &'a Settings,
    console: &'a Console,
    progress: &'a dyn Observer,
    runtime: &'a dyn Runtime,
    started: Instant,
}

impl Here<'_> {
    async fn package(&self, path: &Path) -> Result<Exit, Failure> {
        let Self { settings, runtime, progress, .. } = *self;
        match unless_stopped(settings, package::open(path, settings)).await? {
            Opened::Whole(images) => {
                let plan = plan(settings, &images, runtime, progress).await?;
                self.carry(images, plan).await
            }
            Opened::Passing(package) => {
                let (options, left) = (&settings.options, settings.left.as_deref());
                known_to(left, [THIS_MACHINE])?;
                let passage = Passage { node: THIS_MACHINE, runtime, options, left, observer: progress };
                let passed = load_passing(*package, &settings.choice, passage).await;
                let Passed { nodes, broken, notes } = passed.map_err(|error| Failure::of(&error))?;
                finish(nodes, broken, notes, self.started, (settings, progress, self.console))
            }
        }
    }

    /// Does with a plan what the command is for.
    async fn carry(&self, images: PackageImages, plan: NodePlan) -> Result<Exit, Failure> {
        let Self { settings, console, progress, runtime, .. } = *self;
        let plan = narrowed(settings, plan, progress)?;
        match settings.goal {
            Goal::Check => show_check(&LoadCheck::new(vec![NodeCheck::of(&plan)]), settings.output, console),
            Goal::ShowPlan => show_plan(&[plan], &[], &images, settings.output, console),
            Goal::Write => {
                console.say(&text::outline(&plan));
                let node = portolan_node::execute(&plan, runtime, &settings.options, progress).await;
                let PackageImages { broken, notes, .. } = images;
                self.finish(node, broken, notes)
            }
        }
    }

    fn finish(
        &self,
        node: NodeResult,
        broken: Vec<BrokenBundle>,
        notes: Vec<String>,
    ) -> Result<Exit, Failure> {
        finish(vec![node], broken, notes, self.started, (self.settings, self.progress, self.console))
    }
}

async fn connect(local: &LocalOptions) -> Result<Box<dyn Runtime>, Failure> {
    local.connect().await.map_err(|error| Failure::of(&error))
}

/// Tells what became of everything.
fn finish(
    nodes: Vec<NodeResult>,
    broken: Vec<BrokenBundle>,
    notes: Vec<String>,
    started: Instant,
    (settings, progress, console): (&Settings, &dyn Observer, &Console),
) -> Result<Exit, Failure> {
    let report = LoadReport::new(nodes, broken, notes, started.elapsed().as_secs_f64());
    progress.event(Event::Finished { report: &report });
    show_report(&report, settings.output, console)
}

async fn plan(
    settings: &Settings,
    stock: &dyn Stock,
    runtime: &dyn Runtime,
    progress: &dyn Observer,
) -> Result<NodePlan, Failure> {
    let options: &LoadOptions = &settings.options;
    progress.event(Event::Asking { node: THIS_MACHINE });
    let survey = runtime.survey(&stock.names(options)).await.map_err(|error| Failure::of(&error))?;
    let offers = stock.offers(options.platform.as_ref().unwrap_or(&survey.platform)).await;
    Ok(plan_offers((THIS_MACHINE, &runtime.address()), offers, survey, options))
}

/// What of a plan is carried out: what an earlier run left, where only that is taken.
fn narrowed(settings: &Settings, mut plan: NodePlan, progress: &dyn Observer) -> Result<NodePlan, Failure> {
    if let Some(left) = &settings.left {
        narrow(left, &mut plan)?;
    }
    progress.event(Event::Planned { plan: &plan });
    Ok(plan)
}

fn narrow(left: &Arc<LoadLeft>, plan: &mut NodePlan) -> Result<(), Failure> {
    left.narrow(plan).map_err(|error| of_report(&error))
}

/// Whether the report of an earlier run, where one was given, tells of these nodes.
fn known_to<'a>(left: Option<&LoadLeft>, nodes: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    let Some(left) = left else { return Ok(()) };
    nodes.into_iter().try_for_each(|node| left.knows(node)).map_err(|error| of_report(&error))
}

fn of_report(error: &LoadReportError) -> Failure {
    let failure = Failure::usage(error);
    Failure { message: format!("the report of --only-failed {}", failure.message), ..failure }
}

fn show_check(check: &LoadCheck, format: Format, console: &Console) -> Result<Exit, Failure> {
    match format {
        Format::Text => console.result(&text::check(check, console.style())),
        Format::Json => console.json(check)?,
    }
    Ok(if check.is_whole() { Exit::Done } else { Exit::InPart })
}

fn show_plan(
    plans: &[NodePlan],
    lost: &[NodeResult],
    images: &PackageImages,
    format: Format,
    console: &Console,
) -> Result<Exit, Failure> {
    let document = text::PlanDocument::new(plans, lost, images);
    match format {
        Format::Text => console.result(&text::plan(&document, console.style())),
        Format::Json => console.json(&document)?,
    }
    Ok(match (document.leaves_out(), plans.iter().all(|plan| plan.images.is_empty())) {
        (false, _) => Exit::Done,
        (true, true) => Exit::Failed,
        (true, false) => Exit::InPart,
    })
}

fn show_report(report: &LoadReport, format: Format, console: &Console) -> Result<Exit, Failure> {
    match format {
        Format::Text => console.result(&text::report(report, console.style())),
        Format::Json => console.json(report)?,
    }
    Ok(match report.outcome() {
        Outcome::Done => Exit::Done,
        Outcome::InPart => Exit::InPart,
        Outcome::Failed => Exit::Failed,
    })
}
