//! Reads a tag that was merged again, where its registry can't compare and write in one step.
//!
//! Two runs that extend one tag at the same time both read it, and the later one writes what it read before
//! the earlier one wrote. So the tag is read again after a while, and merged again where ours is gone. Who
//! writes into it after that is not seen; the next run mends it (rules.md, "Merging").

use std::time::Duration;

use portolan_registry::Stop;

use super::tag::{TagError, Tagging, Written};
use crate::plan::ImageAction;

/// How long after its write a tag is read again: longer than another run takes from reading to writing.
const SETTLING: Duration = Duration::from_secs(2);

/// How often a tag is merged again before a run gives up against those who take it away.
const ROUNDS: usize = 5;

impl Tagging<'_> {
    /// Writes the tag, and stays until what was written stands.
    ///
    /// # Errors
    /// As [`Tagging::write`]; [`TagError::Contended`] where others take it away each time.
    pub(crate) async fn settled(&self, stop: &Stop) -> Result<Written, TagError> {
        let first = self.write().await?;
        let mut is_to_be_read_again = first.is_to_be_read_again;
        for _ in 0..ROUNDS {
            if !is_to_be_read_again || !waited(stop).await {
                return Ok(first);
            }
            if self.probe().await?.action == ImageAction::Exists {
                return Ok(first);
            }
            is_to_be_read_again = self.write().await?.is_to_be_read_again;
        }
        Err(TagError::Contended)
    }
}

/// Waits, unless the run is interrupted first: what was written may stand, and the next run looks.
async fn waited(stop: &Stop) -> bool {
    tokio::select! {
        () = tokio::time::sleep(SETTLING) => true,
        () = stop.requested() => false,
    }
}
