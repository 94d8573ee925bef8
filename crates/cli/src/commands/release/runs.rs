//! `portolan runs`: what was done to releases from here, and what was broken off.

use clap::Args;
use portolan_release::ReleaseName;
use portolan_release::group::groups;

use super::state::StateArgs;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, runs as output};

/// Lists the runs of upgrades and rollbacks that were written down here: who did what, when, how it ended, and what
/// is left.
///
/// Each run has a folder of its own with its journal and the backup that it made. Nothing is asked of the cluster.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunsArgs {
    /// Those on this release alone
    release: Option<ReleaseName>,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    state: StateArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan runs
  portolan runs kpanda
  portolan runs --output json --state /var/lib/portolan";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the folder of runs can't be read.
pub fn run(arguments: &RunsArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let folder = arguments.state.runs(environment)?;
    let found = portolan_release::runs(&folder);
    let (mut runs, mut unreadable) = found.map_err(|error| Failure::of(&error))?;
    let (mut groups, unread) = groups(&folder).map_err(|error| Failure::of(&error))?;
    unreadable.extend(unread);
    if let Some(release) = &arguments.release {
        runs.retain(|run| run.task.release == release.as_str());
        groups.retain(|group| group.members.iter().any(|one| one.member.release == release.as_str()));
    }
    match arguments.output {
        Format::Text => console.result(&output::table(&runs, &groups, console.style())),
        Format::Json => console.json(&output::document(&runs, &groups, &unreadable))?,
    }
    for run in &unreadable {
        console.note(&format!("the journal in {} can't be read: {}", run.folder.display(), run.why));
    }
    Ok(Exit::Done)
}
