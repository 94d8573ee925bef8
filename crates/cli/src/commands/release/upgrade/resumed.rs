//! An upgrade that was broken off goes on, or is taken back.

use portolan_registry::Stop;
use portolan_release::upgrade::{Outcome, Site, Undone, UpgradeReport, made_namespace, resume, undo};
use portolan_release::{GIVEN_UP, RecordedRun, Run};

use super::again::{is_broken_upgrade, to};
use super::args::UpgradeArgs;
use super::{failed, print};
use crate::commands::release::confirm;
use crate::commands::release::open::Runs;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// What it goes on with.
pub(super) struct GoingOn<'a> {
    pub(super) site: Site<'a>,
    pub(super) runs: &'a Runs<'a>,
    pub(super) stop: &'a Stop,
}

/// Goes on with the last upgrade of the release, where that was broken off.
pub(super) async fn go_on_with_last(
    going_on: GoingOn<'_>,
    arguments: &UpgradeArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let broken_off = broken_off(&going_on, arguments)?;
    go_on(going_on, &broken_off, arguments, environment, console).await
}

/// Goes on with an upgrade that was broken off.
pub(super) async fn go_on(
    GoingOn { site, stop, .. }: GoingOn<'_>,
    broken_off: &RecordedRun,
    arguments: &UpgradeArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let to = to(broken_off);
    console.say(&format!("going on to {to}, which was begun {}", broken_off.began));
    if !arguments.how.yes {
        let question = format!("Go on upgrading {} to {to}? [y/N] ", arguments.release());
        confirm(console, &question, stop).await?;
    }
    let steps = console.steps();
    let run = Run::resumed(steps.as_ref(), &broken_off.folder).map_err(|error| Failure::of(&error))?;
    let report = resume(site, &broken_off.folder, stop, &run).await.map_err(|error| failed(&error))?;
    print(&report, arguments, environment, console)
}

/// Takes the last upgrade of the release back, where that was broken off.
pub(super) async fn take_back(
    going_on: GoingOn<'_>,
    arguments: &UpgradeArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let broken_off = broken_off(&going_on, arguments)?;
    let GoingOn { site, runs, stop } = going_on;
    let before = runs.unfinished()?.into_iter().filter(|run| run.folder != broken_off.folder);
    let before: Vec<RecordedRun> = before.collect();
    let takes_over_namespace = before.iter().any(|run| made_namespace(&run.folder));
    let to = to(&broken_off);
    console.say(&format!("taking back the upgrade to {to}, which was begun {}", broken_off.began));
    if !arguments.how.yes {
        let question = format!("Take the upgrade of {} to {to} back? [y/N] ", arguments.release());
        confirm(console, &question, stop).await?;
    }
    let steps = console.steps();
    let run = Run::resumed(steps.as_ref(), &broken_off.folder).map_err(|error| Failure::of(&error))?;
    let undone = undo(site, &broken_off.folder, takes_over_namespace, stop, &run).await;
    let exit = match undone.map_err(|error| failed(&error))? {
        Undone::Upgrade(report) => print(&report, arguments, environment, console)?,
        Undone::Nothing { namespace_stays } => nothing(namespace_stays, console),
    };
    if takes_over_namespace {
        let open: Vec<RecordedRun> = before.into_iter().filter(|run| run.state.is_broken_off()).collect();
        runs.close(&open, GIVEN_UP, console);
    }
    Ok(exit)
}

/// Of a run that had nothing to take back, says what became of the namespace that one before it had made.
fn nothing(namespace_stays: Option<bool>, console: &Console) -> Exit {
    console.say(match namespace_stays {
        None => "there is nothing to take back: the cluster was not changed",
        Some(_) => "there is nothing to take back but the namespace, which an earlier run had begun to make",
    });
    if namespace_stays == Some(true) { Exit::InPart } else { Exit::Done }
}

/// How a run ended that took an upgrade back.
pub(super) fn exit_of_undone(report: &UpgradeReport) -> Exit {
    debug_assert_eq!(report.outcome, Outcome::Undone);
    if report.left().is_empty() && report.error.is_none() { Exit::Done } else { Exit::InPart }
}

/// The last run on the release, if that is an upgrade whose program died.
fn broken_off(going_on: &GoingOn<'_>, arguments: &UpgradeArgs) -> Result<RecordedRun, Failure> {
    let runs = going_on.runs;
    runs.last()?.filter(is_broken_upgrade).ok_or_else(|| {
        let (release, namespace) = (arguments.release(), runs.namespace);
        let message = format!("no upgrade of {release} in {namespace} was broken off here");
        let failure = Failure { exit: Exit::Usage, ..Failure::failed(message) };
        failure.with_hint(
            "`portolan runs` lists the runs that were written down; --state names their directory. `portolan rollback` \
             takes back an upgrade that came to its end",
        )
    })
}
