//! `portolan history`: the revisions of a release.

use clap::Args;
use portolan_release::{ReleaseName, Summary};

use super::access::{ClusterArgs, releases_failed};
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, releases as output};

/// Lists the revisions of a Helm release: when each was made, of which chart, and what became of it.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct HistoryArgs {
    /// The release
    release: ReleaseName,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan history kpanda -n kpanda-system
  portolan history kpanda -n kpanda-system --output json";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where there is no such release, or it can't be read.
pub fn run(arguments: &HistoryArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    super::asking(console, list(arguments, environment, console))
}

async fn list(
    arguments: &HistoryArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let cluster = arguments.cluster.cluster(environment).await?;
    let namespace = arguments.cluster.namespace(&cluster)?;
    let found = portolan_release::history(&cluster, &arguments.release, &namespace).await;
    let revisions: Vec<Summary> =
        found.map_err(|error| releases_failed(&error))?.iter().map(Summary::from).collect();
    match arguments.output {
        Format::Text => console.result(&output::revisions(&revisions, console.style())),
        Format::Json => console.json(&output::document(&revisions))?,
    }
    Ok(Exit::Done)
}
