//! `portolan restore`: a release back from a backup.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use portolan_registry::Stop;
use portolan_release::{
    GIVEN_UP, Namespace, ReleaseName, RestoreError, RestoreOptions, Run, Task, restore, restore_task,
};

use super::access::{ClusterArgs, cluster_failed, helm_failed, lease_failed, releases_failed};
use super::open::Runs;
use super::state::{StateArgs, holder};
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, changed};

/// Brings a Helm release back to what a backup holds.
///
/// Helm rolls the release back to the backup's revision. Where Helm's record of that revision is gone, because the
/// release was uninstalled or old revisions were removed, it is made again from the backup first. Custom resource
/// definitions stay as they are: what is stored by newer ones would be lost. While somebody else is at work on the
/// release, it is left alone.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct RestoreArgs {
    /// Folder of the backup
    backup: PathBuf,
    /// Apply the backup's custom resources too
    #[arg(long)]
    custom_resources: bool,
    /// How long the objects may take until they are ready
    #[arg(long, value_name = "TIME", value_parser = super::time, default_value = "5m")]
    timeout: Duration,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan restore ~/.local/state/portolan/runs/kpanda-20260102T030405Z/backup
  portolan restore kpanda-before --custom-resources";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] with what could not be brought back.
pub fn run(arguments: &RestoreArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let stop = Stop::default();
    super::changing(console, &stop, bring_back(arguments, environment, console))
}

async fn bring_back(
    arguments: &RestoreArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let cluster = arguments.cluster.cluster(environment).await?;
    let helm = arguments.cluster.helm(environment).await?;
    let helm = helm.marking(arguments.state.marks(&cluster, environment)?);
    let options = RestoreOptions { custom_resources: arguments.custom_resources, timeout: arguments.timeout };
    let task = restore_task(&cluster, &arguments.backup, holder(environment));
    let task = task.map_err(|error| failed(&error))?;
    let (name, namespace) = names(&task);
    let runs = Runs {
        cluster: &cluster,
        release: &name,
        namespace: &namespace,
        state: &arguments.state,
        environment,
    };
    let broken_off = runs.broken_off()?;
    let folder = arguments.state.run_folder(&name, environment)?;
    let steps = console.steps();
    let run = Run::recorded(steps.as_ref(), &folder, task).map_err(|error| Failure::of(&error))?;
    let done = restore(&cluster, &helm, &arguments.backup, &options, &run).await;
    let done = done.map_err(|error| failed(&error))?;
    runs.close(&broken_off, GIVEN_UP, console);
    match arguments.output {
        Format::Text => console.result(&changed::restored(&done)),
        Format::Json => console.json(&done)?,
    }
    Ok(Exit::Done)
}

/// Whose backup it is.
fn names(task: &Task) -> (ReleaseName, Namespace) {
    let checked = "because the names of a backup were checked";
    (task.release.parse().expect(checked), task.namespace.parse().expect(checked))
}

fn failed(error: &RestoreError) -> Failure {
    match error {
        RestoreError::File(_)
        | RestoreError::Form { .. }
        | RestoreError::Name { .. }
        | RestoreError::Later { .. } => Failure::usage(error),
        RestoreError::Cluster(error) => cluster_failed(error),
        RestoreError::Releases(error) => releases_failed(error),
        RestoreError::Helm(error) => helm_failed(error),
        RestoreError::Lease(error) => lease_failed(error),
        RestoreError::NoRecord { .. } => Failure::of(error),
    }
}
