//! The call that looks after all that a depot holds.

use std::num::NonZeroU64;

use axum::Router;
use serde::{Deserialize, Serialize};

use super::server::{Room, with_call};
use super::{Call, Failed, Tell};
use crate::server::Depot;
use crate::store::{Check, CheckStep, Checked};

/// Derives every digest again, and marks what is damaged.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckAll {
    /// Bytes that are read in a second at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<NonZeroU64>,
}

impl Call for CheckAll {
    const NAME: &'static str = "check";
    type Event = CheckStep;
    type Answer = Checked;

    fn carry_out(self, depot: &Depot, tell: Tell<'_, CheckStep>) -> Result<Checked, Failed> {
        let check = Check { rate: self.bytes_per_second };
        let checked = depot.store().check(check, tell).map_err(|error| Failed::from(&error))?;
        tracing::info!(?checked, "what the depot holds was checked");
        Ok(checked)
    }
}

/// The calls of this module.
pub(super) fn calls(calls: Router<Room>) -> Router<Room> {
    with_call::<CheckAll>(calls)
}
