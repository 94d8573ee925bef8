//! Plans that are saved to be approved, and held to.

use std::fs;
use std::path::Path;

use portolan_release::RecordedRun;
use portolan_release::upgrade::{SavedUpgrade, UpgradePlan};

use crate::failure::{Exit, Failure};

/// How many changes are listed.
const CHANGES_SHOWN: usize = 20;

/// Saves the plan of this ground.
pub(super) fn save(plan: &UpgradePlan, file: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&SavedUpgrade::of(&plan.ground));
    let text = text.map_err(|error| Failure::of(&error))?;
    fs::write(file, text + "\n").map_err(|error| failed("write", file, &error))
}

/// Refuses where the saved plan would be another one by now.
pub(super) fn hold(plan: &UpgradePlan, file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let saved = read(file)?;
    let mut changes = saved.ground.changes(&plan.ground);
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

/// Whether a run was one of the saved plan; any run is where none is held to.
pub(super) fn is_of(file: Option<&Path>, run: &RecordedRun) -> Result<bool, Failure> {
    let Some(file) = file else { return Ok(true) };
    Ok(run.task.plan.as_ref() == Some(&read(file)?.digest))
}

fn read(file: &Path) -> Result<SavedUpgrade, Failure> {
    let bytes = fs::read(file).map_err(|error| failed("read", file, &error))?;
    SavedUpgrade::parse(&bytes).map_err(|error| {
        let failure = Failure::usage(&error);
        Failure { message: format!("{}: {}", file.display(), failure.message), ..failure }
    })
}

fn failed(doing: &str, file: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::failed(format!("cannot {doing} {}", file.display()));
    Failure { exit: Exit::Usage, causes: vec![error.to_string()], ..failure }
}
