//! `portolan sync`: bundles into a registry and a chart repository.

mod args;

use super::transfer::{self, Run};
use crate::config::{self, Environment};
use crate::failure::{Exit, Failure};
use crate::output::Console;
pub use args::SyncArgs;
pub(crate) use args::{CommonArgs, SyncFlags};

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where nothing could be done; what failed in part is in the report that was printed.
pub fn run(arguments: &SyncArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    if let Some(flag) = arguments.later() {
        return Err(Failure::later(&format!("`{flag}`")));
    }
    let file = config::find(arguments.common.config.as_deref(), environment)?;
    let mut settings = config::load(&file, &arguments.overrides()?, environment)?;
    if arguments.flags.workdir.is_some() {
        settings.notes.push("--workdir has no effect: nothing is unpacked".to_owned());
    }
    transfer::run(settings, &arguments.flags.transfer, Run::of(arguments.common.dry_run), console)
}
