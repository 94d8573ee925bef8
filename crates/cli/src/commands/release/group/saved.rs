//! Plans of groups that are saved to be approved, and held to.

use std::path::Path;

use portolan_oci::Digest;
use portolan_release::group::{GroupPlan, SavedGroup};

use crate::commands::release::upgrade::saved;
use crate::failure::Failure;
use crate::output::Console;

/// What is shown, saved, or held to.
#[derive(Clone, Copy)]
pub(in crate::commands) struct PlanFiles<'a> {
    /// Whether the plan is only shown.
    pub(in crate::commands) dry_run: bool,
    /// Where it is saved.
    pub(in crate::commands) plan_out: Option<&'a Path>,
    /// The one that it is held to.
    pub(in crate::commands) plan: Option<&'a Path>,
}

impl PlanFiles<'_> {
    /// Whether nothing is carried out.
    pub(super) fn only_shows(self) -> bool {
        self.dry_run || self.plan_out.is_some()
    }

    /// Whether the plan is held to now or later.
    pub(super) fn pins(self) -> bool {
        self.plan.is_some() || self.plan_out.is_some()
    }

    /// Saves the plan, where that is wanted.
    pub(super) fn save(self, plan: &GroupPlan, console: &Console) -> Result<(), Failure> {
        let Some(file) = self.plan_out else { return Ok(()) };
        saved::write(&plan.saved(), file)?;
        console.note(&format!("the plan {} is saved in {}", plan.digest, file.display()));
        Ok(())
    }

    /// Whether a group was one of the saved plan; any is where none is held to.
    pub(super) fn is_of(self, digest: &Digest) -> Result<bool, Failure> {
        let Some(file) = self.plan else { return Ok(true) };
        Ok(of_file(file)?.digest == *digest)
    }

    /// Refuses where the saved plan would be another one by now.
    pub(super) fn hold(self, plan: &GroupPlan) -> Result<(), Failure> {
        let Some(file) = self.plan else { return Ok(()) };
        saved::none_or_refused(of_file(file)?.changes(&plan.saved()))
    }
}

fn of_file(file: &Path) -> Result<SavedGroup, Failure> {
    SavedGroup::parse(&saved::read(file)?).map_err(|error| saved::refused(file, &error))
}
