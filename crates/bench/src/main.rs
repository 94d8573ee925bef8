//! Measures Portolan beside a bare upload and beside the tools of today, in one run, and prints ratios.
//!
//! `docs/benchmarks.md` says how to run it and what each row means.

#![expect(clippy::print_stdout, reason = "a program whose output is a table")]

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod child;
mod depot;
mod floor;
mod http;
mod import;
mod layouts;
mod link;
mod load;
mod material;
mod oci_client_row;
mod portolan;
mod report;
mod rivals;
mod server_cpu;
mod size;
mod sync;
mod upgrade;

/// What a measurement gives, or why it could not be made.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measures Portolan beside a bare upload and beside the tools of today.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A package of three charts and twelve images into a registry on loopback.
    Sync(sync::Arguments),
    /// Packages of two architectures as `.tar.gz`, read once as they come, into a registry on loopback.
    Import(import::Arguments),
    /// The same images straight onto a node, beside ctr and docker.
    Load(load::Arguments),
    /// A release on a real control plane, by hand and by `portolan upgrade`.
    Upgrade(upgrade::Arguments),
    /// The depot as a server, beside docker-registry: pushes, pulls, questions, memory, start.
    Depot(depot::Arguments),
    /// Runs a program and writes what it cost to a file; the benchmark calls itself so.
    #[command(hide = true)]
    Child(child::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Sync(arguments) => sync::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Upgrade(arguments) => upgrade::run(&arguments),
        Command::Depot(arguments) => depot::run(&arguments),
        Command::Child(arguments) => child::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
