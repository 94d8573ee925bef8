//! Holding a plan that was made anew to one that was saved.

use portolan_oci::Digest;

use super::{Change, SavedPlan};
use crate::plan::Plan;

/// A saved plan that can't be carried out, because what it was made on is there no more.
#[derive(Debug, thiserror::Error)]
#[error("the plan {digest} can't be carried out as it was saved")]
pub struct GroundChanged {
    /// Of the saved plan.
    pub digest: Digest,
    /// What is otherwise now; never empty.
    pub changes: Vec<Change>,
}

impl Plan {
    /// This plan, if it is the saved one, under the digest that `saved` was approved by.
    ///
    /// What a run of the same plan has done since, before it broke off, is no change: a tag or chart that
    /// holds by now what the plan would bring, a project that is there by now.
    ///
    /// # Errors
    /// [`GroundChanged`] with all that is otherwise. Nothing was written.
    pub fn hold_to(self, saved: &SavedPlan) -> Result<Self, GroundChanged> {
        let digest = saved.digest();
        let changes = saved.changes(&self.saved);
        if changes.is_empty() { Ok(Self { digest, ..self }) } else { Err(GroundChanged { digest, changes }) }
    }
}
