//! The commands about Helm releases in a cluster, a file each.

pub(super) mod access;
pub mod backup;
pub(super) mod group;
pub mod history;
pub(super) mod how;
mod open;
pub mod recover;
pub(super) mod registries;
pub mod releases;
pub mod restore;
pub mod rollback;
pub mod runs;
mod service_account;
pub(super) mod state;
pub mod upgrade;

use std::time::Duration;

use portolan_registry::Stop;

use super::interruption::Interrupted;
use crate::failure::{Exit, Failure};
use crate::output::Console;

/// Carries out what only asks. A first Ctrl-C ends the waiting, since nothing is begun that could be left half done.
fn asking(console: &Console, question: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let stop = Stop::default();
    let heard = stop.clone();
    super::carry_out(Interrupted::Run, &stop, console, async move {
        tokio::select! {
            biased;
            () = heard.requested() => Err(Failure::interrupted()),
            done = question => done,
        }
    })
}

/// Carries out what changes a cluster. A first Ctrl-C requests `stop`: what was begun is brought to an end, since half
/// of it is worse than either whole; a second one ends the program, and the Helm that it runs.
pub(super) fn changing(
    console: &Console,
    stop: &Stop,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    super::carry_out(Interrupted::Change, stop, console, work)
}

/// Does what only reads or asks, unless the run is to end.
pub(super) async fn unless_stopped<T>(
    stop: &Stop,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = stop.requested() => Err(untouched()),
        done = work => done,
    }
}

/// The run was interrupted while it only looked.
fn untouched() -> Failure {
    let failure = Failure::failed("interrupted before the cluster was touched");
    Failure { exit: Exit::InPart, ..failure }.with_hint("the same command begins again")
}

/// Asks whether to go on. Where there is no terminal nobody is asked: whoever calls from a script has decided.
async fn confirm(console: &Console, question: &str, stop: &Stop) -> Result<(), Failure> {
    match console.confirm(question, stop).await? {
        None | Some(true) => Ok(()),
        Some(false) => Err(Failure::failed("nothing was changed, since the answer was no")),
    }
}

/// How long something may take.
fn time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("a time is expected, as in 5m or 90s".to_owned()),
    }
}
