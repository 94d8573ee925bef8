//! `portolan serve`: the depot in the foreground, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use portolan_depot::Options;
use portolan_registry::Stop;

use super::interruption::Interrupted;
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// Serves a container registry and chart repository from one data directory.
///
/// It runs in the foreground until Ctrl-C or SIGTERM, and finishes the requests in flight then. Once it can be
/// reached it says where, one line for each address.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// Directory that everything is kept in; made where it is missing
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:5000")]
    listen: SocketAddr,
}

const EXAMPLES: &str = "\
Examples:
  portolan serve --data /var/lib/portolan
  portolan serve --data /var/lib/portolan --listen 127.0.0.1:5000";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the data directory or the address cannot be used.
pub fn run(arguments: &ServeArgs, console: &Console) -> Result<Exit, Failure> {
    let stop = Stop::default();
    super::carry_out(Interrupted::Server, &stop, console, serve(arguments, &stop, console))
}

async fn serve(arguments: &ServeArgs, stop: &Stop, console: &Console) -> Result<Exit, Failure> {
    let started = portolan_depot::start(&arguments.data, Options::default(), arguments.listen).await;
    let depot = started.map_err(|error| Failure::of(&error))?;
    console.listening(&format!("http://{}", depot.addr()));
    stop.requested().await;
    depot.shutdown().await.map_err(|error| Failure::of(&error))?;
    Ok(Exit::Done)
}
