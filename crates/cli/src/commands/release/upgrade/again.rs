//! The same command again: it goes on with what was broken off.

use portolan_release::upgrade::{Asked, Site, UpgradeOptions, asked};
use portolan_release::{RecordedRun, Run, Work};

use super::args::UpgradeArgs;
use super::{failed, saved};
use crate::commands::release::open::Runs;
use crate::failure::Failure;
use crate::output::Console;

/// What is to be done about runs that were broken off.
pub(super) enum Next {
    /// Goes on with this one.
    GoOn(Box<RecordedRun>),
    /// Begins anew. Once that has begun, these are given up.
    BeginAnew(Vec<RecordedRun>),
}

/// Looks at the last upgrade of the release, where that was broken off, and says what comes of it.
pub(super) async fn next(
    site: Site<'_>,
    runs: &Runs<'_>,
    options: &UpgradeOptions,
    arguments: &UpgradeArgs,
    console: &Console,
) -> Result<Next, Failure> {
    let open = runs.broken_off()?;
    let last = runs.last()?.filter(is_broken_upgrade);
    let Some(last) = last.filter(|_| !options.dry_run) else { return Ok(Next::BeginAnew(open)) };
    let steps = console.steps();
    let looking = Run::unrecorded(steps.as_ref());
    let asked = Box::pin(asked(site, &last.folder, options, arguments.how.frozen(), &looking)).await;
    let asked = match asked.map_err(|error| failed(&error))? {
        Asked::Same if !saved::is_of(arguments.plan.as_deref(), &last)? => {
            Asked::Other(vec!["the plan is another one".to_owned()])
        }
        asked => asked,
    };
    let begun = format!("an upgrade to {}, begun {}, was broken off", to(&last), last.began);
    let what = match asked {
        Asked::Same => return Ok(Next::GoOn(Box::new(last))),
        Asked::Untouched => "; it had changed nothing, and this one begins anew".to_owned(),
        Asked::MovedOn => "; somebody has changed the release since, and this one begins anew".to_owned(),
        Asked::Other(changes) => format!(", and this is not the same: {}", changes.join("; ")),
    };
    console.note(&format!("{begun}{what}"));
    Ok(Next::BeginAnew(open))
}

/// The version that a run was to bring.
pub(super) fn to(run: &RecordedRun) -> &str {
    run.task.to.as_deref().unwrap_or_default()
}

/// Whether it is an upgrade whose program died.
pub(super) fn is_broken_upgrade(run: &RecordedRun) -> bool {
    run.task.work == Work::Upgrade && run.state.is_broken_off()
}
