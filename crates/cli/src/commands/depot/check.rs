//! `portolan depot check`: whether all that a depot holds is what it should be.

use std::time::Instant;

use clap::Args;
use portolan_depot::control::{Absent, CheckAll};
use portolan_depot::store::{CheckStep, Checked};
use portolan_registry::Stop;

use super::data::{DataArgs, refused};
use crate::args::rate::{Rate, rate};
use crate::commands::interruption::Interrupted;
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
#[command(after_help = EXIT_CODES)]
pub(super) struct CheckArgs {
    /// Read no faster than so many bytes a second: 50M, 1.5MiB
    #[arg(long, value_name = "RATE", value_parser = rate)]
    limit_rate: Option<Rate>,
    /// Form of the result on standard output
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    data: DataArgs,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing is damaged
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
    let work = async {
        tokio::select! {
            done = check(arguments, environment, console) => done,
            () = stop.requested() => Err(interrupted()),
        }
    };
    let (summary, told) = crate::commands::carry_out(Interrupted::Run, &stop, console, work)?;
    match arguments.output {
        Format::Text => console.result(&text(&summary, &told, console.style())),
        Format::Json => console.json(&document(&summary, &told))?,
    }
    Ok(exit(&summary))
}

async fn check(
    arguments: &CheckArgs,
    environment: &Environment,
    console: &Console,
) -> Result<(Checked, Told), Failure> {
    let control = arguments.data.control(environment, Absent::Refuse).await?;
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
    Ok((summary.await.map_err(|error| refused(&error))?, told))
}

/// What was read until then is marked all the same.
fn interrupted() -> Failure {
    let failure = Failure::failed("interrupted before all was read");
    Failure { exit: Exit::InPart, ..failure }.with_hint("what was found damaged until then is marked")
}

fn exit(summary: &Checked) -> Exit {
    match summary.is_sound() && !summary.stopped {
        true => Exit::Done,
        false => Exit::InPart,
    }
}
