//! `portolan serve`: the depot in the foreground, until it is told to stop.

mod args;
mod listen;

use portolan_depot::{DepotError, Listener, Reach};
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
    portolan_depot::raise_descriptor_limit();
    let data = arguments.data.directory(environment)?;
    let listeners = arguments.listen.listeners()?;
    listeners.iter().filter_map(note).for_each(|note| console.note(&note));
    let stop = Stop::default();
    let work = async {
        let started = portolan_depot::start_on(&data, arguments.options(), listeners).await;
        let depot = started.map_err(|error| unstarted(&error))?;
        depot.listening().iter().for_each(|listening| console.listening(listening));
        stop.requested().await;
        depot.shutdown().await.map_err(|error| Failure::of(&error))?;
        Ok(Exit::Done)
    };
    super::carry_out(Interrupted::Server, &stop, console, work)
}

fn unstarted(error: &DepotError) -> Failure {
    match error {
        DepotError::OpenToAll { .. } => Failure::usage(error),
        _ => Failure::of(error),
    }
}

/// What an operator should know of a listener.
fn note(listener: &Listener) -> Option<String> {
    let is_readable = listener.certificate.is_none() && listener.reach == Reach::Network;
    is_readable.then(|| {
        format!(
            "http://{} is not encrypted: whoever is on the way can read passwords there",
            listener.address
        )
    })
}
