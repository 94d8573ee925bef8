//! `portolan quickstart`: the main job on a package and a depot made for the occasion.
//!
//! Everything lies in one temporary directory, which goes away at the end: the package of two bundles, the
//! configuration as one would write it, and the depot's data. What runs is what `portolan sync` runs.

mod charts;
mod images;
mod look;
mod package;
mod program;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_depot::{Options, Running};
use portolan_registry::Stop;
use portolan_transfer::{Outcome, Report};
use tempfile::TempDir;

use super::interruption::Interrupted;
use super::transfer;
use crate::config::{self, Environment, Overrides};
use crate::failure::{Exit, Failure};
use crate::output::{Console, summary};

/// Shows the main job on a package and a registry made for the occasion.
///
/// Makes two charts with three small images that share a layer, starts Portolan's own registry and chart
/// repository on loopback, syncs, syncs again to show that nothing is sent twice, and says how to look at the
/// result. Ctrl-C ends it and takes everything away.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct QuickstartArgs {
    /// End by itself in place of waiting for Ctrl-C
    #[arg(long)]
    once: bool,
    /// Address to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

const EXAMPLES: &str = "\
Examples:
  portolan quickstart
  portolan quickstart --once
  portolan quickstart --listen 127.0.0.1:5000";

/// The project that images and charts go to.
const PROJECT: &str = "quickstart";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where any step of the show fails, the second sync's sending something among them.
pub fn run(arguments: &QuickstartArgs, console: &Console) -> Result<Exit, Failure> {
    let (stage, stop) = (Stage::new()?, Stop::default());
    let exit = super::carry_out(Interrupted::Run, &stop, console, show(arguments, &stage, &stop, console))?;
    stage.take_down(console)?;
    Ok(exit)
}

/// The temporary directory and what lies where in it.
struct Stage {
    directory: TempDir,
}

impl Stage {
    fn new() -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("portolan-quickstart-").tempdir();
        Ok(Self { directory: directory.map_err(|error| Failure::of(&error))? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn take_down(self, console: &Console) -> Result<(), Failure> {
        let path = self.directory.path().to_owned();
        self.directory.close().map_err(|error| Failure::of(&error))?;
        console.say(&format!("Removed {}", path.display()));
        Ok(())
    }
}

async fn show(
    arguments: &QuickstartArgs,
    stage: &Stage,
    stop: &Stop,
    console: &Console,
) -> Result<Exit, Failure> {
    let bundles = stage.path("package");
    package::write(&bundles)?;
    console.say(&format!("Made a package of two bundles in {}", bundles.display()));
    let depot = start(arguments, stage).await?;
    console.say(&format!("Started a registry and chart repository on http://{}", depot.addr()));
    let configuration = write_configuration(stage, &bundles, depot.addr())?;
    console.say(&format!("Wrote the configuration {}\n", configuration.display()));
    let carried = carry_twice(&configuration, stop, console).await;
    if let Ok(Exit::Done) = carried {
        console.result(&look::text(depot.addr(), &configuration));
        if !arguments.once {
            console.say("\nEverything stays up until Ctrl-C.");
            stop.requested().await;
        }
    }
    depot.shutdown().await.map_err(|error| Failure::of(&error))?;
    carried
}

async fn start(arguments: &QuickstartArgs, stage: &Stage) -> Result<Running, Failure> {
    let data = stage.path("depot");
    portolan_depot::start(&data, Options::default(), arguments.listen)
        .await
        .map_err(|error| Failure::of(&error))
}

async fn carry_twice(configuration: &Path, stop: &Stop, console: &Console) -> Result<Exit, Failure> {
    console.say("$ portolan sync --config load-image.yaml");
    let first = carry(configuration, stop, console).await?;
    if was_interrupted(&first, stop) {
        return Ok(Exit::InPart);
    }
    refuse_incomplete(&first)?;
    console.say("\n$ portolan sync --config load-image.yaml    (again: nothing is sent twice)");
    let second = carry(configuration, stop, console).await?;
    if was_interrupted(&second, stop) {
        return Ok(Exit::InPart);
    }
    refuse_incomplete(&second)?;
    match second.totals.bytes_sent {
        0 => Ok(Exit::Done),
        bytes => Err(unexpected(&format!("the second sync sent {bytes} bytes, and should have sent none"))),
    }
}

async fn carry(configuration: &Path, stop: &Stop, console: &Console) -> Result<Report, Failure> {
    let mut settings = config::load(configuration, &Overrides::default(), &Environment::default())?;
    settings.sync.stop = stop.clone();
    let report = transfer::carry(&settings, None, console).await?;
    console.result(&summary::table(&report, console.style()));
    Ok(report)
}

fn was_interrupted(report: &Report, stop: &Stop) -> bool {
    stop.is_requested() && report.outcome() != Outcome::Done
}

fn refuse_incomplete(report: &Report) -> Result<(), Failure> {
    match report.outcome() {
        Outcome::Done => Ok(()),
        _ => Err(unexpected("the sync did not carry everything")),
    }
}

fn unexpected(message: &str) -> Failure {
    Failure::failed(message)
}

/// The configuration of seed 002 with this depot's addresses.
fn write_configuration(stage: &Stage, bundles: &Path, depot: SocketAddr) -> Result<PathBuf, Failure> {
    let file = stage.path("load-image.yaml");
    let text = format!(
        "source:\n  intermediateBundlesPath: {}\ntarget:\n  containerRegistry: {depot}\n  \
         containerRepository: {PROJECT}\n  repo:\n    kind: CHARTMUSEUM\n    url: http://{depot}/{PROJECT}\n",
        bundles.display(),
    );
    fs::write(&file, text).map_err(|error| Failure::of(&error))?;
    Ok(file)
}
