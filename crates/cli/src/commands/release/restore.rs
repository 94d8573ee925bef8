//! `portolan restore`: a release back from a backup.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use portolan_registry::Stop;
use portolan_release::{RestoreError, RestoreOptions, restore};

use super::access::{ClusterArgs, cluster_failed, helm_failed, releases_failed};
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, changed};

/// Brings a Helm release back to what a backup holds.
///
/// Helm rolls the release back to the backup's revision. Where Helm's record of that revision is gone, because the
/// release was uninstalled or old revisions were removed, it is made again from the backup first. Custom resource
/// definitions stay as they are: what is stored by newer ones would be lost.
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
    let options = RestoreOptions { custom_resources: arguments.custom_resources, timeout: arguments.timeout };
    let done = restore(&cluster, &helm, &arguments.backup, &options).await;
    let done = done.map_err(|error| failed(&error))?;
    match arguments.output {
        Format::Text => console.result(&changed::restored(&done)),
        Format::Json => console.json(&done)?,
    }
    Ok(Exit::Done)
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
        RestoreError::NoRecord { .. } => Failure::of(error),
    }
}
