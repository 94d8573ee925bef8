//! Plans that are saved to be approved, and held to.

use std::error::Error;
use std::fs;
use std::path::Path;

use portolan_release::RecordedRun;
use portolan_release::upgrade::{SavedUpgrade, UpgradePlan};
use serde::Serialize;

use crate::failure::{Exit, Failure};

/// How many changes are listed.
const CHANGES_SHOWN: usize = 20;

/// Saves the plan of this ground.
pub(super) fn save(plan: &UpgradePlan, file: &Path) -> Result<(), Failure> {
    write(&SavedUpgrade::of(&plan.ground), file)
}

/// Refuses where the saved plan would be another one by now.
pub(super) fn hold(plan: &UpgradePlan, file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    none_or_refused(of_file(file)?.ground.changes(&plan.ground))
}

/// Whether a run was one of the saved plan; any run is where none is held to.
pub(super) fn is_of(file: Option<&Path>, run: &RecordedRun) -> Result<bool, Failure> {
    let Some(file) = file else { return Ok(true) };
    Ok(run.task.plan.as_ref() == Some(&of_file(file)?.digest))
}

fn of_file(file: &Path) -> Result<SavedUpgrade, Failure> {
    SavedUpgrade::parse(&read(file)?).map_err(|error| refused(file, &error))
}

/// Writes a plan's file.
pub(in crate::commands::release) fn write(plan: &impl Serialize, file: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(plan).map_err(|error| Failure::of(&error))?;
    fs::write(file, text + "\n").map_err(|error| failed("write", file, &error))
}

/// Reads a plan's file.
pub(in crate::commands::release) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| failed("read", file, &error))
}

/// That a file is no plan.
pub(in crate::commands::release) fn refused(file: &Path, error: &(dyn Error + 'static)) -> Failure {
    let failure = Failure::usage(error);
    Failure { message: format!("{}: {}", file.display(), failure.message), ..failure }
}

/// Refuses to go on where anything of a plan is otherwise by now.
pub(in crate::commands::release) fn none_or_refused(mut changes: Vec<String>) -> Result<(), Failure> {
    if changes.is_empty() {
        return Ok(());
    }
    let more = changes.len().saturating_sub(CHANGES_SHOWN);
    changes.truncate(CHANGES_SHOWN);
    if more > 0 {
        changes.push(format!("and {more} more"));
    }
    let message = "nothing was changed, because the plan would be another one by now";
    let failure = Failure { parts: changes, ..Failure::failed(message) };
    Err(failure.with_hint("make a plan anew with --plan-out, and have that one approved"))
}

fn failed(doing: &str, file: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::failed(format!("cannot {doing} {}", file.display()));
    Failure { exit: Exit::Usage, causes: vec![error.to_string()], ..failure }
}
