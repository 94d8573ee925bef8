//! The call that looks after all that a depot holds.

use std::num::NonZeroU64;

use axum::Router;
use portolan_oci::Digest;
use serde::{Deserialize, Serialize};

use super::server::{Room, with_call};
use super::users::text;
use super::{Call, Failed, Tell};
use crate::names::UploadId;
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

/// Takes a content that was laid beside the depot's own ([`lay`](crate::repair::lay)) in place of a
/// damaged one. Whether it is the right one is found out here. `false` where the depot has no such
/// content any more.
#[derive(Debug, Serialize, Deserialize)]
pub struct Mend {
    /// Which it is.
    pub digest: Digest,
    /// The name under which it lies there.
    #[serde(with = "text")]
    pub file: UploadId,
}

impl Call for Mend {
    const NAME: &'static str = "mend";
    type Event = ();
    type Answer = bool;

    fn carry_out(self, depot: &Depot, _: Tell<'_, ()>) -> Result<bool, Failed> {
        let mended = depot.store().mend(&self.digest, &self.file).map_err(|error| Failed::from(&error))?;
        tracing::info!(digest = %self.digest, mended, "a damaged content was replaced");
        Ok(mended)
    }
}

/// The calls of this module.
pub(super) fn calls(calls: Router<Room>) -> Router<Room> {
    with_call::<Mend>(with_call::<CheckAll>(calls))
}
