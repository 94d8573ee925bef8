//! `portolan serve`: the depot in the foreground, until it is told to stop.

mod access;
mod args;
mod listen;

use std::path::Path;

use portolan_depot::{Depot, DepotError, Listener, Reach};
use portolan_registry::Stop;

use super::interruption::Interrupted;
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::{Anonymous, Console, Serving};
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
        let depot = started.map_err(|error| unstarted(&error, &data))?;
        depot.listening().iter().for_each(|listening| console.listening(listening));
        console.serving(&arguments.serving(&data, depot.depot()));
        stop.requested().await;
        depot.shutdown().await.map_err(|error| Failure::of(&error))?;
        Ok(Exit::Done)
    };
    super::carry_out(Interrupted::Server, &stop, console, work)
}

impl ServeArgs {
    /// What an operator should see at the start.
    fn serving<'a>(&self, data: &'a Path, depot: &Depot) -> Serving<'a> {
        let accounts = depot.accounts();
        let anonymous = match (accounts.is_guarded(), self.access.anonymous_pull) {
            (false, _) if !self.read_only => Anonymous::Everything,
            (false, _) | (true, true) => Anonymous::Pull,
            (true, false) => Anonymous::PullPublic,
        };
        Serving { data, users: accounts.list().len(), anonymous, read_only: self.read_only }
    }
}

fn unstarted(error: &DepotError, data: &Path) -> Failure {
    match error {
        DepotError::OpenToAll { .. } => {
            let add = format!("portolan depot user add NAME --role admin --data {}", data.display());
            Failure::usage(error).with_hint(add)
        }
        DepotError::PasswordFile { .. } => Failure::usage(error),
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
