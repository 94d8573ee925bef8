//! Plans of groups that are saved to be approved, and held to.

use std::path::Path;

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

    /// Refuses where the saved plan would be another one by now.
    pub(super) fn hold(self, plan: &GroupPlan) -> Result<(), Failure> {
        let Some(file) = self.plan else { return Ok(()) };
        let before = SavedGroup::parse(&saved::read(file)?).map_err(|error| saved::refused(file, &error))?;
        saved::none_or_refused(before.changes(&plan.saved()))
    }
}
