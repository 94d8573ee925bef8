//! `portolan backup`: what a release is, in files.

use std::path::PathBuf;

use clap::Args;
use portolan_release::{BackupOptions, ReleaseName, Revision, back_up, find};

use super::access::{ClusterArgs, backup_failed, releases_failed};
use super::state::StateArgs;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, changed};

/// Keeps a Helm release in files: values, objects, hooks, and Helm's own record of it.
///
/// `bak.yaml` is what `helm get values -o yaml` prints. The folder is readable for its owner alone, since values and
/// records hold secrets. `portolan restore` brings the release back from it, also after it was uninstalled.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct BackupArgs {
    /// The release
    release: ReleaseName,
    /// Folder of the backup, which is made [default: one of its own below --state]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// The revision [default: the last one]
    #[arg(long, value_name = "N")]
    revision: Option<Revision>,
    /// Keep this custom resource definition too, baskets.example.com; may be given several times
    #[arg(long = "crd", value_name = "NAME")]
    definitions: Vec<String>,
    /// Keep all objects of those definitions too
    #[arg(long, requires = "definitions")]
    custom_resources: bool,
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
  portolan backup kpanda -n kpanda-system
  portolan backup kpanda -n kpanda-system --to kpanda-before --crd clusters.cluster.kpanda.io --custom-resources
  portolan restore kpanda-before";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the release can't be read, or a file not written.
pub fn run(arguments: &BackupArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    super::asking(console, keep(arguments, environment, console))
}

async fn keep(arguments: &BackupArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let folder = match &arguments.to {
        Some(folder) => folder.clone(),
        None => arguments.state.run_folder(&arguments.release, environment)?.join("backup"),
    };
    let cluster = arguments.cluster.cluster(environment).await?;
    let helm = arguments.cluster.helm(environment).await?;
    let namespace = arguments.cluster.namespace(&cluster)?;
    let release = find(&cluster, &arguments.release, &namespace, arguments.revision).await;
    let release = release.map_err(|error| releases_failed(&error))?;
    let options = BackupOptions {
        definitions: arguments.definitions.clone(),
        custom_resources: arguments.custom_resources,
    };
    let kept = back_up(&cluster, &helm, &release, &options, &folder).await;
    let kept = kept.map_err(|error| backup_failed(&error))?;
    match arguments.output {
        Format::Text => console.result(&changed::backup(&kept)),
        Format::Json => console.json(&kept)?,
    }
    Ok(Exit::Done)
}
