//! `portolan depot check`: whether all that a depot holds is what it should be.

use std::time::Instant;

use clap::Args;
use portolan_depot::control::{Absent, CheckAll};
use portolan_depot::store::{CheckStep, Checked};
use portolan_registry::Stop;

use super::data::{DataArgs, refused};
use super::repair::{Repair, RepairArgs};
use crate::args::rate::{Rate, rate};
use crate::config::Environment;
use crate::failure::{Exit, Failure};
use crate::output::check::{Told, document, text};
use crate::output::{Console, Format};

/// Reads all that a depot holds, and names what is damaged.
///
/// Every digest is derived again. What is damaged or lost is named with what needs it, and marked: it answers
/// 404 from then on, so that clients send it again, and the next push of it heals it. While a server has the
/// depot open, that server reads, and pushes and pulls go on.
#[derive(Debug, Clone, Args)]
#[command(after_help = AFTER)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    repair: RepairArgs,
    /// Read no faster than so many bytes a second: 50M, 1.5MiB
    #[arg(long, value_name = "RATE", value_parser = rate)]
    limit_rate: Option<Rate>,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    data: DataArgs,
}

const AFTER: &str = "\
Examples:
  portolan depot check --data /var/lib/portolan
  portolan depot check --data /var/lib/portolan --repair-from /mnt/usb/kpanda_v0.31.1_amd64.tar
  portolan depot check --data /var/lib/portolan --repair-from https://registry.example:5000

Exit codes:
  0  nothing is damaged, or all of it was mended
  1  the depot can't be checked
  3  something is damaged, or the check was interrupted";

/// Carries out the command.
///
/// # Errors
///
/// [`Failure`] where the depot is out of reach, or the check was broken off.
pub(super) fn run(
    arguments: &CheckArgs,
    environment: &Environment,
    console: &Console,
) -> Result<Exit, Failure> {
    let stop = Stop::default();
    let work = check(arguments, environment, console, &stop);
    let (summary, told) = super::asking(&stop, console, interrupted, work)?;
    match arguments.output {
        Format::Text => console.result(&text(&summary, &told, console.style())),
        Format::Json => console.json(&document(&summary, &told))?,
    }
    Ok(exit(&summary, &told))
}

async fn check(
    arguments: &CheckArgs,
    environment: &Environment,
    console: &Console,
    stop: &Stop,
) -> Result<(Checked, Told), Failure> {
    let control = arguments.data.control(environment, Absent::Refuse).await?;
    // Opened first: whoever names the wrong source need not wait for the reading.
    let source = arguments.repair.source(environment, stop).await?;
    let call = CheckAll { bytes_per_second: arguments.limit_rate.map(|rate| rate.0) };
    let (mut told, mut reading) = (Told::default(), console.reading());
    let summary = control.ask(call, |step| match step {
        CheckStep::Contents(total) => reading.begin(total),
        CheckStep::Read(read) => {
            if let Some(line) = reading.at(read, Instant::now()) {
                console.say(&line);
            }
        }
        CheckStep::Damaged(damage) => told.damaged.push(damage),
        CheckStep::Sound(digest) => told.sound_again.push(digest),
        CheckStep::Finding(finding) => told.findings.push(finding),
    });
    let summary = summary.await.map_err(|error| refused(&error))?;
    drop(reading);
    if let Some(source) = source {
        let data = arguments.data.directory(environment)?;
        let mut repair = Repair { control, data, source, console };
        for damage in &told.damaged {
            if repair.mend(damage).await? {
                told.mended.push(damage.digest.clone());
            }
        }
    }
    Ok((summary, told))
}

/// What was read until then is marked all the same.
fn interrupted() -> Failure {
    let failure = Failure::failed("interrupted before all was read");
    Failure { exit: Exit::InPart, ..failure }.with_hint("what was found damaged until then is marked")
}

fn exit(summary: &Checked, told: &Told) -> Exit {
    let is_left = told.damaged.len() > told.mended.len() || summary.faults > 0;
    match !is_left && !summary.stopped {
        true => Exit::Done,
        false => Exit::InPart,
    }
}
