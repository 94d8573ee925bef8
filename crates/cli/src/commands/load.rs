//! `portolan load`: images straight onto a node, without a registry.

mod args;
mod documents;
mod from;
mod many;
mod nodes;
mod package;

use std::sync::Arc;
use std::time::Instant;

use portolan_node::{
    Event, LoadCheck, LoadLeft, LoadOptions, LoadReport, LocalOptions, NodeCheck, NodePlan, NodeResult,
    Observer, Passed, Runtime, all_names,
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
    let runtime = tokio::select! {
        biased;
        () = settings.options.stop.requested() => return Err(Failure::interrupted()),
        runtime = connect(&settings.local) => runtime?,
    };
    let (images, plan) = match &settings.origin {
        Origin::Registries(from) => {
            let plan = from::plan(from, settings, runtime.as_ref()).await?;
            (PackageImages::default(), plan)
        }
        Origin::Package(path) => {
            let opened = tokio::select! {
                biased;
                () = settings.options.stop.requested() => return Err(Failure::interrupted()),
                opened = package::open(path, settings) => opened?,
            };
            match opened {
                Opened::Whole(images) => {
                    let plan = plan(settings, &images, runtime.as_ref(), progress.as_ref()).await?;
                    (images, plan)
                }
                Opened::Passing(stream) => {
                    let package = (path.as_path(), *stream);
                    let passed =
                        package::load(package, settings, runtime.as_ref(), progress.as_ref()).await?;
                    let Passed { node, broken, notes } = passed;
                    return finish(
                        vec![node],
                        broken,
                        notes,
                        started,
                        (settings, progress.as_ref(), console),
                    );
                }
            }
        }
    };
    let plan = narrowed(settings, plan, progress.as_ref())?;
    match settings.goal {
        Goal::Check => show_check(&LoadCheck::new(vec![NodeCheck::of(&plan)]), settings.output, console),
        Goal::ShowPlan => show_plan(&[plan], &[], &images, settings.output, console),
        Goal::Write => {
            console.say(&text::outline(&plan));
            let options = &settings.options;
            let node = portolan_node::execute(&plan, runtime.as_ref(), options, progress.as_ref()).await;
            let PackageImages { broken, notes, .. } = images;
            finish(vec![node], broken, notes, started, (settings, progress.as_ref(), console))
        }
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
    images: &PackageImages,
    runtime: &dyn Runtime,
    progress: &dyn Observer,
) -> Result<NodePlan, Failure> {
    let options: &LoadOptions = &settings.options;
    progress.event(Event::Asking { node: THIS_MACHINE });
    let survey = runtime.survey(&all_names(images, options)).await.map_err(|error| Failure::of(&error))?;
    let here = (THIS_MACHINE, &*runtime.address());
    Ok(portolan_node::plan(here, images, survey, options))
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
    left.narrow(plan).map_err(|error| {
        let failure = Failure::usage(&error);
        Failure { message: format!("the report of --only-failed {}", failure.message), ..failure }
    })
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
