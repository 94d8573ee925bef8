//! Bringing a package into a registry and a chart repository, as every command does it that does so: plan,
//! run, and what is shown of both.

mod access;
mod args;
mod documents;
mod passing;
mod source;

use std::sync::Arc;

use portolan_package::Package;
use portolan_transfer::{
    ChartOutcome, ExistingPolicy, ImageOutcome, Left, Observer, Outcome, Plan, Report, SavedPlan, Target,
};

use super::connect;
use super::interruption::Interrupted;
use crate::config::{KeyNames, Settings};
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, plan as plan_text, summary};
pub(crate) use args::{Jobs, OnExisting, TransferFlags, jobs};
use source::Opened;

/// What a run ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Write,
    ShowPlan,
    ShowImages,
}

/// Whether a run writes, unless a flag is about showing something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// It does.
    Wet,
    /// It shows its plan (`--dry-run`).
    Dry,
}

impl Run {
    pub(crate) fn of(dry_run: bool) -> Self {
        if dry_run { Self::Dry } else { Self::Wet }
    }
}

impl TransferFlags {
    fn goal(&self, run: Run) -> Goal {
        match (self.print_images, run == Run::Dry || self.plan_out.is_some()) {
            (true, _) => Goal::ShowImages,
            (false, true) => Goal::ShowPlan,
            (false, false) => Goal::Write,
        }
    }
}

/// Carries out what the settings and flags say, with all that is shown of it.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub(crate) fn run(
    mut settings: Settings,
    flags: &TransferFlags,
    run: Run,
    console: &Console,
) -> Result<Exit, Failure> {
    settings.notes.iter().for_each(|note| console.note(note));
    let saved = flags.plan.as_deref().map(documents::saved_plan).transpose()?;
    settings.sync.only = flags.only_failed.as_deref().map(documents::left).transpose()?;
    let work = work(flags, flags.goal(run), &settings, saved.as_ref(), console);
    super::carry_out(Interrupted::Run, &settings.sync.stop, console, work)
}

async fn work(
    flags: &TransferFlags,
    goal: Goal,
    settings: &Settings,
    saved: Option<&SavedPlan>,
    console: &Console,
) -> Result<Exit, Failure> {
    if goal == Goal::Write {
        let nothing_left = settings.sync.only.as_ref().is_some_and(Left::is_empty);
        let report = if nothing_left { of_nothing() } else { carry(settings, saved, console).await? };
        return show_report(&report, flags.output, settings.sync.existing.policy, console);
    }
    let plan = foreseen(settings, saved, console).await?;
    match goal {
        Goal::ShowImages => console.result(&plan_text::image_pairs(&plan)),
        Goal::ShowPlan | Goal::Write => show_plan(&plan, flags.output, console)?,
    }
    if let Some(file) = &flags.plan_out {
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
pub(crate) async fn carry(
    settings: &Settings,
    saved: Option<&SavedPlan>,
    console: &Console,
) -> Result<Report, Failure> {
    let progress = console.progress();
    let (package, target) = ready(settings, console).await?;
    let mut report = match package {
        Opened::Seekable(package) => {
            let plan = plan(package, &target, settings, saved, progress.as_ref()).await?;
            console.say(&plan_text::outline(&plan));
            portolan_transfer::execute(&plan, &target, &settings.sync, progress.as_ref()).await
        }
        Opened::Passing(package) => {
            passing::carry(&package, &target, settings, saved, progress.as_ref()).await?
        }
    };
    reword(&mut report, settings.key_names);
    Ok(report)
}

/// All that would be done.
async fn foreseen(
    settings: &Settings,
    saved: Option<&SavedPlan>,
    console: &Console,
) -> Result<Plan, Failure> {
    let progress = console.progress();
    let (package, target) = ready(settings, console).await?;
    match package {
        Opened::Seekable(package) => plan(package, &target, settings, saved, progress.as_ref()).await,
        Opened::Passing(package) => {
            let foreseen = passing::plan(&package, &target, settings, saved, progress.as_ref()).await?;
            Ok(foreseen.plan().clone())
        }
    }
}

/// Names keys in messages as the configuration at hand has them.
fn reword(report: &mut Report, names: KeyNames) {
    let images = report.images.iter_mut().filter_map(|image| image.error.as_mut());
    let charts = report.charts.iter_mut().filter_map(|chart| chart.error.as_mut());
    let broken = report.broken.iter_mut().map(|broken| &mut broken.error);
    let messages = images.chain(charts).chain(broken).chain(&mut report.notes);
    messages.for_each(|message| *message = names.in_words_of_file(message));
}

async fn plan(
    package: Arc<Package>,
    target: &Target,
    settings: &Settings,
    saved: Option<&SavedPlan>,
    progress: &dyn Observer,
) -> Result<Plan, Failure> {
    let plan = portolan_transfer::plan(package, target, &settings.sync, progress).await;
    let plan = plan.map_err(|error| Failure::from(error).with_keys(settings.key_names))?;
    match saved {
        Some(saved) => Ok(plan.hold_to(saved)?),
        None => Ok(plan),
    }
}

/// What a run begins with: the package and clients of the servers.
async fn ready(settings: &Settings, console: &Console) -> Result<(Opened, Target), Failure> {
    let ready =
        async { Ok((source::open(settings, console).await?, connect::target(settings, console).await?)) };
    tokio::select! {
        biased;
        () = settings.sync.stop.requested() => Err(Failure::interrupted()),
        ready = ready => ready,
    }
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

/// Shows what became of a run, and gives what the program ends with.
pub(crate) fn show_report(
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
