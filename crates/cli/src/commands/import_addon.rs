//! `portolan import-addon`: an add-on package into the registry of a cluster, beside what is there.

use std::path::PathBuf;

use clap::Args;

use super::addon::{AddonFlags, import};
use crate::config::{Carried, Environment};
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// Imports an add-on package into the registry and the chart repository of a cluster.
///
/// The installer's clusterConfig.yaml says where they are. Nothing is unpacked, tags gain the platforms that
/// they lack, and a run that was broken off is simply started again: there is nothing to clean up before.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportAddonArgs {
    /// The package, - for standard input; otherwise the one that the configuration names (spec.addonPackage.path)
    #[arg(long, value_name = "PACKAGE")]
    addon_path: Option<PathBuf>,
    #[command(flatten)]
    flags: AddonFlags,
}

const EXAMPLES: &str = "\
Examples:
  portolan import-addon -c clusterConfig.yaml --addon-path=addon-v0.12.0-arm64.tar.gz
  portolan import-addon -c clusterConfig.yaml --addon-path=PACKAGE --dry-run
  ssh host cat PACKAGE | portolan import-addon -c clusterConfig.yaml --addon-path=-
  portolan import-addon -c clusterConfig.yaml --addon-path=PACKAGE --output json > report.json
  portolan import-addon -c clusterConfig.yaml --addon-path=PACKAGE --only-failed report.json

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done in part or interrupted (the report
says what is left), 130 and 143 ended at once by a second signal.";

impl ImportAddonArgs {
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
    arguments: &ImportAddonArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let carried = arguments.addon_path.as_deref().map_or(Carried::AddonPackage, Carried::Named);
    import(&arguments.flags, None, carried, environment, console)
}
