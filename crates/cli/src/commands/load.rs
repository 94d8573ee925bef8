//! `portolan load`: images straight onto a node, without a registry.

mod args;
mod documents;

use std::sync::Arc;
use std::time::Instant;

use portolan_node::{
    LoadCheck, LoadLeft, LoadOptions, LoadReport, LocalOptions, NodeCheck, NodePlan, Observer, Runtime,
    all_names,
};
use portolan_package::Package;
use portolan_transfer::{ImageChoice, Outcome, PackageImages, package_images};

use super::interruption::Interrupted;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, load as text};
pub use args::LoadArgs;
use args::{Goal, Settings};

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
    let started = Instant::now();
    let progress = console.load_progress();
    let (images, runtime) = tokio::select! {
        biased;
        () = settings.options.stop.requested() => return Err(Failure::interrupted()),
        ready = ready(settings) => ready?,
    };
    let plan = plan(settings, &images, runtime.as_ref(), progress.as_ref()).await?;
    match settings.goal {
        Goal::Check => show_check(&plan, settings.output, console),
        Goal::ShowPlan => show_plan(&plan, &images, settings.output, console),
        Goal::Write => {
            console.say(&text::outline(&plan));
            let options = &settings.options;
            let node = portolan_node::execute(&plan, runtime.as_ref(), options, progress.as_ref()).await;
            let seconds = started.elapsed().as_secs_f64();
            let report = LoadReport::new(vec![node], images.broken, images.notes, seconds);
            progress.event(portolan_node::Event::Finished { report: &report });
            show_report(&report, settings.output, console)
        }
    }
}

/// What is planned with: the images of the package, and a client of the runtime.
async fn ready(settings: &Settings) -> Result<(PackageImages, Box<dyn Runtime>), Failure> {
    let runtime = connect(&settings.local).await?;
    Ok((open(settings).await?, runtime))
}

async fn connect(local: &LocalOptions) -> Result<Box<dyn Runtime>, Failure> {
    local.connect().await.map_err(|error| Failure::of(&error))
}

/// Reading headers and charts blocks, so it is done beside the runtime's own threads.
async fn open(settings: &Settings) -> Result<PackageImages, Failure> {
    let (path, choice) = (settings.package.clone(), settings.choice.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let package = portolan_package::open(&path)?;
        Ok::<_, portolan_package::PackageError>(named(&package, &choice))
    });
    let opened = opened.await.map_err(|error| Failure::of(&error))?;
    opened.map_err(|error| Failure::of(&error))
}

fn named(package: &Package, choice: &ImageChoice) -> PackageImages {
    package_images(package, choice)
}

async fn plan(
    settings: &Settings,
    images: &PackageImages,
    runtime: &dyn Runtime,
    progress: &dyn Observer,
) -> Result<NodePlan, Failure> {
    let options: &LoadOptions = &settings.options;
    progress.event(portolan_node::Event::Asking { node: THIS_MACHINE });
    let survey = runtime.survey(&all_names(images, options)).await.map_err(|error| Failure::of(&error))?;
    let mut plan = portolan_node::plan((THIS_MACHINE, &runtime.address()), images, survey, options);
    if let Some(left) = &settings.left {
        narrow(left, &mut plan)?;
    }
    progress.event(portolan_node::Event::Planned { plan: &plan });
    Ok(plan)
}

fn narrow(left: &Arc<LoadLeft>, plan: &mut NodePlan) -> Result<(), Failure> {
    left.narrow(plan).map_err(|error| {
        let failure = Failure::usage(&error);
        Failure { message: format!("the report of --only-failed {}", failure.message), ..failure }
    })
}

fn show_check(plan: &NodePlan, format: Format, console: &Console) -> Result<Exit, Failure> {
    let check = LoadCheck::new(vec![NodeCheck::of(plan)]);
    match format {
        Format::Text => console.result(&text::check(&check, console.style())),
        Format::Json => console.json(&check)?,
    }
    Ok(if check.is_whole() { Exit::Done } else { Exit::InPart })
}

fn show_plan(
    plan: &NodePlan,
    images: &PackageImages,
    format: Format,
    console: &Console,
) -> Result<Exit, Failure> {
    let document = text::PlanDocument::new(std::slice::from_ref(plan), images);
    match format {
        Format::Text => console.result(&text::plan(&document, console.style())),
        Format::Json => console.json(&document)?,
    }
    Ok(match (document.leaves_out(), plan.images.is_empty()) {
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
