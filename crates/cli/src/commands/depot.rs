//! `portolan depot`: everything about the depot, each a command of its own.

mod check;
pub(crate) mod data;
mod gc;
mod project;
mod repair;
mod user;

use clap::{Args, Subcommand};
use portolan_registry::Stop;

use super::interruption::Interrupted;
use super::serve::{self, ServeArgs};
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Console;
use check::CheckArgs;
use gc::GcArgs;
use project::ProjectArgs;
use user::UserArgs;

/// Runs and looks after Portolan's own registry and chart repository.
#[derive(Debug, Clone, Args)]
pub struct DepotArgs {
    #[command(subcommand)]
    command: DepotCommand,
}

/// What is done with a depot. Each is described at its arguments.
#[derive(Debug, Clone, Subcommand)]
enum DepotCommand {
    Check(CheckArgs),
    Serve(ServeArgs),
    User(UserArgs),
    Gc(GcArgs),
    Project(ProjectArgs),
}

/// Does what a command asks of a depot, until that is done or the run is interrupted: then it is dropped, which
/// ends it at its next stop, and the command fails so.
fn asking<T>(
    stop: &Stop,
    console: &Console,
    interrupted: fn() -> Failure,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let work = async {
        tokio::select! {
            done = work => done,
            () = stop.requested() => Err(interrupted()),
        }
    };
    super::carry_out(Interrupted::Run, stop, console, work)
}

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] of the command that was asked for.
pub fn run(arguments: &DepotArgs, environment: &Environment, console: &Console) -> Result<Exit, Failure> {
    match &arguments.command {
        DepotCommand::Check(arguments) => check::run(arguments, environment, console),
        DepotCommand::Serve(arguments) => serve::run(arguments, environment, console),
        DepotCommand::User(arguments) => user::run(arguments, environment, console),
        DepotCommand::Gc(arguments) => gc::run(arguments, environment, console),
        DepotCommand::Project(arguments) => project::run(arguments, environment, console),
    }
}
