//! An upgrade that was broken off goes on.

use portolan_registry::Stop;
use portolan_release::helm::Helm;
use portolan_release::upgrade::{Site, resume};
use portolan_release::{Cluster, RecordedRun, Run, RunState, Work, runs};

use super::args::UpgradeArgs;
use super::{exit, failed};
use crate::commands::release::registries::Known;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, upgrade as output};

/// What it goes on with.
pub(super) struct GoingOn<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) helm: &'a Helm,
    pub(super) known: &'a Known,
    pub(super) stop: &'a Stop,
}

/// Goes on with the last upgrade of the release, where that was broken off.
pub(super) async fn go_on(
    going_on: GoingOn<'_>,
    arguments: &UpgradeArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let GoingOn { cluster, helm, known, stop } = going_on;
    let broken_off = broken_off(cluster, arguments, environment)?;
    let to = broken_off.task.to.as_deref().unwrap_or_default();
    console.say(&format!("going on to {to}, which was begun {}", broken_off.began));
    if !arguments.how.yes {
        let question = format!("Go on upgrading {} to {to}? [y/N] ", arguments.release);
        crate::commands::release::confirm(console, &question, stop).await?;
    }
    let work = tempfile::tempdir().map_err(|error| Failure::of(&error))?;
    let site = Site { cluster, helm, registries: known, work: work.path() };
    let steps = console.steps();
    let run = Run::resumed(steps.as_ref(), &broken_off.folder).map_err(|error| Failure::of(&error))?;
    let report = resume(site, &broken_off.folder, stop, &run).await.map_err(|error| failed(&error))?;
    let language = arguments.how.language.of(environment);
    match arguments.output {
        Format::Text => console.result(&output::report(&report, language, console.style())),
        Format::Json => console.json(&report)?,
    }
    Ok(exit(report.outcome))
}

/// The last run on the release, if that is an upgrade whose program died.
fn broken_off(
    cluster: &Cluster,
    arguments: &UpgradeArgs,
    environment: &Environment,
) -> Result<RecordedRun, Failure> {
    let namespace = arguments.how.cluster.namespace(cluster)?;
    let folder = arguments.how.state.runs(environment)?;
    let (found, _) = runs(&folder).map_err(|error| Failure::of(&error))?;
    let is_of_release = |run: &RecordedRun| {
        let task = &run.task;
        (task.release.as_str(), task.namespace.as_str(), task.server.as_str())
            == (arguments.release.as_str(), namespace.as_str(), cluster.server())
    };
    let last = found.into_iter().rev().find(is_of_release);
    let is_broken_off =
        |run: &RecordedRun| run.task.work == Work::Upgrade && matches!(run.state, RunState::BrokenOff { .. });
    last.filter(is_broken_off).ok_or_else(|| {
        let release = &arguments.release;
        let message = format!("no upgrade of {release} in {namespace} was broken off here");
        let failure = Failure { exit: Exit::Usage, ..Failure::failed(message) };
        failure
            .with_hint("`portolan runs` lists the runs that were written down; --state names their directory")
    })
}
