//! `portolan sync`: bundles into a registry and a chart repository.

mod args;

use std::path::Path;

use super::transfer::{self, Run};
use crate::config::{self, Environment};
use crate::failure::{Exit, Failure};
use crate::output::Console;
pub use args::SyncArgs;
pub(crate) use args::{CommonArgs, SyncFlags};

/// The package is named by the configuration alone.
const NO_PACKAGE: (&str, Option<&Path>) = ("source.intermediateBundlesPath", None);

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub fn run(arguments: &SyncArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    if let Some(flag) = arguments.later() {
        return Err(Failure::later(&format!("`{flag}`")));
    }
    arguments.flags.transfer.read_standard_input_once(NO_PACKAGE)?;
    let file = config::find(arguments.common.config.as_deref(), environment)?;
    let mut settings = config::load(&file, &arguments.overrides()?, environment)?;
    if arguments.flags.workdir.is_some() {
        settings.notes.push("--workdir has no effect: nothing is unpacked".to_owned());
    }
    transfer::run(settings, &arguments.flags.transfer, Run::of(arguments.common.dry_run), console)
}
