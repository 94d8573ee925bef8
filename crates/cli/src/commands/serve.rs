//! `portolan serve`: the depot in the foreground, until it is told to stop.

mod args;

use portolan_registry::Stop;

use super::interruption::Interrupted;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Console;
pub use args::ServeArgs;

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the data directory or the address cannot be used.
pub fn run(arguments: &ServeArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    let data = arguments.data.directory(environment)?;
    let stop = Stop::default();
    let work = async {
        let started = portolan_depot::start(&data, arguments.options(), arguments.listen).await;
        let depot = started.map_err(|error| Failure::of(&error))?;
        console.listening(&format!("http://{}", depot.addr()));
        stop.requested().await;
        depot.shutdown().await.map_err(|error| Failure::of(&error))?;
        Ok(Exit::Done)
    };
    super::carry_out(Interrupted::Server, &stop, console, work)
}
