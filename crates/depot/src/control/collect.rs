//! The call that collects what nothing reaches any more.

use std::time::Duration;

use axum::Router;
use serde::{Deserialize, Serialize};

use super::server::{Room, with_call};
use super::{Call, Failed, Tell};
use crate::server::Depot;
use crate::store::{CollectStep, Collected, Collection};

/// Removes what no tag and no referrer reaches.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collect {
    /// How long what nobody reaches is kept after it was last touched, in seconds.
    pub grace_seconds: u64,
    /// Whether it is only counted.
    pub dry_run: bool,
}

impl Call for Collect {
    const NAME: &'static str = "collect";
    type Event = CollectStep;
    type Answer = Collected;

    fn carry_out(self, depot: &Depot, tell: Tell<'_, CollectStep>) -> Result<Collected, Failed> {
        let grace = Duration::from_secs(self.grace_seconds);
        let collection = Collection { grace, dry_run: self.dry_run };
        let collected = depot.store().collect(&collection, tell).map_err(|error| Failed::from(&error))?;
        tracing::info!(?collected, "what nothing reaches was collected");
        Ok(collected)
    }
}

/// The calls of this module.
pub(super) fn calls(calls: Router<Room>) -> Router<Room> {
    with_call::<Collect>(calls)
}
