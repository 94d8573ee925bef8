//! What an action came to once it was carried out.

use portolan_oci::Digest;

use crate::{
    plan::ImageAction,
    report::{Changes, ImageOutcome},
};

/// The outcome, what the tag held before, and what of it changed.
pub(crate) fn outcome(action: ImageAction) -> (ImageOutcome, Option<Digest>, Changes) {
    match action {
        ImageAction::Push => (ImageOutcome::Pushed, None, Changes::default()),
        ImageAction::Exists => (ImageOutcome::Exists, None, Changes::default()),
        ImageAction::Mend { .. } => (ImageOutcome::Mended, None, Changes::default()),
        ImageAction::Merge { found, changes } => {
            let is_whole = changes.kept.is_empty();
            (if is_whole { ImageOutcome::Merged } else { ImageOutcome::Kept }, Some(found), changes)
        }
        ImageAction::Replace { found, .. } => (ImageOutcome::Replaced, Some(found), Changes::default()),
        ImageAction::Keep { found, .. } => (ImageOutcome::Kept, Some(found), Changes::default()),
    }
}
