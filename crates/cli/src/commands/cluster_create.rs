//! `portolan cluster-create`: those jobs of the installer's command of that name that carry packages.

use std::path::PathBuf;

use clap::Args;

use super::addon::{AddonFlags, JobList, import, job_list, refuse_others};
use crate::config::{Environment, InstallerManifest};
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// Does numbered jobs of the installer: 13 imports the add-on package that clusterConfig.yaml names.
///
/// It is the installer's command line for the jobs that carry packages; no cluster is created. A list with a
/// job that is not done here is refused before anything is done.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct ClusterCreateArgs {
    /// The installer's manifest.yaml; its servers and versions are checked
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// The jobs, as in -j13 or -j 14,15; may be given several times
    #[arg(short = 'j', value_name = "N[,N]", value_parser = job_list, required = true)]
    numbered: Vec<JobList>,
    #[command(flatten)]
    flags: AddonFlags,
}

const EXAMPLES: &str = "\
Examples:
  portolan cluster-create -c clusterConfig.yaml -m manifest.yaml -d -j13
  portolan cluster-create -c clusterConfig.yaml -m manifest.yaml -j13 --dry-run

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done in part or interrupted (the report
says what is left), 130 and 143 ended at once by a second signal.";

impl ClusterCreateArgs {
    /// Whether more is to be logged.
    pub(crate) fn debug(&self) -> bool {
        self.flags.debug
    }
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub fn run(
    arguments: &ClusterCreateArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    refuse_others(&arguments.numbered)?;
    let manifest = arguments.manifest.as_deref().map(InstallerManifest::read).transpose()?;
    import(&arguments.flags, manifest.as_ref(), None, environment, console)
}
