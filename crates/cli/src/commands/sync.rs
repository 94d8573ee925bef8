//! `portolan sync`: bundles into a registry and a chart repository.

mod access;
mod args;
mod documents;

use std::sync::Arc;

use portolan_package::Package;
use portolan_transfer::{
    ChartOutcome, ExistingPolicy, ImageOutcome, Left, Observer, Outcome, Plan, Report, SavedPlan, Target,
};

use super::connect;
use super::interruption::Interrupted;
use crate::config::{self, Environment, Settings};
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, plan as plan_text, summary};
pub use args::SyncArgs;
pub(crate) use args::{CommonArgs, SyncFlags};

/// What a run ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Write,
    ShowPlan,
    ShowImages,
}

impl SyncArgs {
    fn goal(&self) -> Goal {
        let saves_plan = self.flags.plan_out.is_some();
        match (self.flags.print_images, self.common.dry_run || saves_plan) {
            (true, _) => Goal::ShowImages,
            (false, true) => Goal::ShowPlan,
            (false, false) => Goal::Write,
        }
    }
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub fn run(arguments: &SyncArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    if let Some(flag) = arguments.later() {
        return Err(Failure::later(&format!("`{flag}`")));
    }
    let file = config::find(arguments.common.config.as_deref(), environment)?;
    let mut settings = config::load(&file, &arguments.overrides()?, environment)?;
    settings.notes.iter().for_each(|note| console.note(note));
    if arguments.flags.workdir.is_some() {
        console.note("--workdir has no effect: nothing is unpacked");
    }
    let saved = arguments.flags.plan.as_deref().map(documents::saved_plan).transpose()?;
    settings.sync.only = arguments.flags.only_failed.as_deref().map(documents::left).transpose()?;
    let work = sync(arguments, &settings, saved.as_ref(), console);
    super::carry_out(Interrupted::Run, &settings.sync.stop, console, work)
}

async fn sync(
    arguments: &SyncArgs,
    settings: &Settings,
    saved: Option<&SavedPlan>,
    console: &Console,
) -> Result<Exit, Failure> {
    let goal = arguments.goal();
    if goal == Goal::Write {
        let nothing_left = settings.sync.only.as_ref().is_some_and(Left::is_empty);
        let report = if nothing_left { of_nothing() } else { carry(settings, saved, console).await? };
        return show_report(&report, arguments.flags.output, settings.sync.existing.policy, console);
    }
    let progress = console.progress();
    let (_, plan) = plan(settings, saved, progress.as_ref()).await?;
    match goal {
        Goal::ShowImages => console.result(&plan_text::image_pairs(&plan)),
        Goal::ShowPlan | Goal::Write => show_plan(&plan, arguments.flags.output, console)?,
    }
    if let Some(file) = &arguments.flags.plan_out {
        documents::save(file, plan.saved())?;
        console.note(&format!("the plan {} is saved in {}", plan.digest, file.display()));
    }
    Ok(left_out(&plan))
}

/// The report of a run that had nothing to do, and asked nobody.
fn of_nothing() -> Report {
    let note = "nothing is left of the run that the report is of";
    Report { notes: vec![note.to_owned()], ..Report::new() }
}

/// Plans and carries out: the whole job, progress included. With `saved`, nothing but that plan.
pub(super) async fn carry(
    settings: &Settings,
    saved: Option<&SavedPlan>,
    console: &Console,
) -> Result<Report, Failure> {
    let progress = console.progress();
    let (target, plan) = plan(settings, saved, progress.as_ref()).await?;
    console.say(&plan_text::outline(&plan));
    Ok(portolan_transfer::execute(&plan, &target, &settings.sync, progress.as_ref()).await)
}

async fn plan(
    settings: &Settings,
    saved: Option<&SavedPlan>,
    progress: &dyn Observer,
) -> Result<(Target, Plan), Failure> {
    let (package, target) = tokio::select! {
        biased;
        () = settings.sync.stop.requested() => return Err(Failure::interrupted()),
        ready = ready(settings) => ready?,
    };
    let plan = portolan_transfer::plan(package, &target, &settings.sync, progress).await?;
    match saved {
        Some(saved) => Ok((target, plan.hold_to(saved)?)),
        None => Ok((target, plan)),
    }
}

/// What is planned with: the package and clients of the servers.
async fn ready(settings: &Settings) -> Result<(Arc<Package>, Target), Failure> {
    Ok((open(settings).await?, connect::target(settings).await?))
}

/// Reading headers blocks, so it is done beside the runtime's own threads.
async fn open(settings: &Settings) -> Result<Arc<Package>, Failure> {
    let path = settings.bundles.clone();
    let opened = tokio::task::spawn_blocking(move || portolan_package::open(&path)).await;
    let package = opened.map_err(|error| Failure::of(&error))?;
    let package = package.map_err(|error| Failure::of(&error).with_hint(where_bundles_are(settings)))?;
    Ok(Arc::new(package))
}

fn where_bundles_are(settings: &Settings) -> String {
    let config = settings.config.display();
    format!(
        "source.intermediateBundlesPath of {config} names the package; a relative path counts from the working directory"
    )
}

fn show_plan(plan: &Plan, format: Format, console: &Console) -> Result<(), Failure> {
    match format {
        Format::Text => console.result(&plan_text::table(plan, console.style())),
        Format::Json => console.json(plan)?,
    }
    Ok(())
}

/// A plan leaves out what cannot be read or planned.
fn left_out(plan: &Plan) -> Exit {
    match (plan.broken.is_empty(), plan.charts.is_empty() && plan.images.is_empty()) {
        (true, _) => Exit::Done,
        (false, true) => Exit::Failed,
        (false, false) => Exit::InPart,
    }
}

fn show_report(
    report: &Report,
    format: Format,
    existing: ExistingPolicy,
    console: &Console,
) -> Result<Exit, Failure> {
    match format {
        Format::Text => console.result(&summary::table(report, console.style())),
        Format::Json => console.json(report)?,
    }
    Ok(exit(report, existing))
}

/// Kept because it differs is exit 3, unless that was asked for (rules.md, "Same, other, kept").
fn exit(report: &Report, existing: ExistingPolicy) -> Exit {
    let outcome = match existing {
        ExistingPolicy::Keep => without_kept(report).outcome(),
        ExistingPolicy::Merge | ExistingPolicy::Replace | ExistingPolicy::Error => report.outcome(),
    };
    match outcome {
        Outcome::Done => Exit::Done,
        Outcome::InPart => Exit::InPart,
        Outcome::Failed => Exit::Failed,
    }
}

fn without_kept(report: &Report) -> Report {
    let mut rest = report.clone();
    rest.images.retain(|image| image.action != ImageOutcome::Kept);
    rest.charts.retain(|chart| chart.action != ChartOutcome::Kept);
    rest
}

#[cfg(test)]
mod tests;
