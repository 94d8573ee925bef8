//! `portolan releases`: what is installed, in which state, and what newer chart there is.

use clap::Args;
use portolan_release::{Summary, fill_in_newest};

use super::access::{ClusterArgs, releases_failed};
use crate::commands::advisories::files::SourceArgs;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Console, Format, releases as output};

/// Lists Helm releases: state, chart, version, and the newest version that Helm's repositories have.
///
/// Releases are read from the cluster. Newer versions are looked for in the indexes of Helm's chart repositories
/// as `helm repo update` last read them, and the advisories named that would apply to the upgrade; without Helm
/// both columns are left out.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReleasesArgs {
    /// Those of every namespace
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    #[command(flatten)]
    advisories: SourceArgs,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

const EXAMPLES: &str = "\
Examples:
  portolan releases -n kpanda-system
  portolan releases --all-namespaces
  portolan releases -A --output json --kubeconfig admin.conf";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the releases can't be read.
pub fn run(arguments: &ReleasesArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    super::asking(console, list(arguments, environment, console))
}

async fn list(
    arguments: &ReleasesArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let cluster = arguments.cluster.cluster(environment).await?;
    let namespace = match arguments.all_namespaces {
        true => None,
        false => Some(arguments.cluster.namespace(&cluster)?),
    };
    let found = portolan_release::releases(&cluster, namespace.as_ref()).await;
    let found = found.map_err(|error| releases_failed(&error))?;
    let mut summaries: Vec<Summary> = found.iter().map(Summary::from).collect();
    let helm = arguments.cluster.helm(environment).await.map_err(|failure| failure.message);
    let advisories = arguments.advisories.advisories(None)?;
    let newest = async {
        let newest = fill_in_newest(&mut summaries, &found, &cluster, &helm?, &advisories).await;
        newest.map_err(|error| error.to_string())
    };
    // Where that can't be done the list is worth having all the same.
    if let Err(why) = newest.await {
        console.note(&format!("newer versions are not looked for: {why}"));
    }
    match arguments.output {
        Format::Text => console.result(&output::table(&summaries, console.style())),
        Format::Json => console.json(&output::document(&summaries))?,
    }
    Ok(Exit::Done)
}
