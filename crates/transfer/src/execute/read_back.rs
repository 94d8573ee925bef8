//! Looks at an image again once its tag was dealt with, where that was asked for.

use super::{Run, tag::Tagging};
use crate::{
    failure::one_line,
    options::Check,
    plan::ImageAction,
    probe::Probed,
    report::{ImageOutcome, ImageResult},
    verify::Verifier,
};

impl Run<'_> {
    /// `result`, verified; failed where parts of the image lack though the registry took it.
    pub(super) async fn read_back(
        &self,
        verifier: &Verifier<'_>,
        tagging: &Tagging<'_>,
        result: ImageResult,
    ) -> ImageResult {
        let wanted = self.options.check == Check::Parts && !self.options.stop.is_requested();
        if !wanted || !result.action.is_there() {
            return result;
        }
        let error = match verifier.probe(&tagging.question()).await {
            Ok(Probed { action: ImageAction::Exists, .. }) => {
                return ImageResult { verified: true, ..result };
            }
            Ok(found) => in_words(&found.action),
            // What was brought stays brought, though nobody looked.
            Err(_) if self.options.stop.is_requested() => return result,
            Err(error) => one_line(&error),
        };
        ImageResult { action: ImageOutcome::Failed, error: Some(error), ..result }
    }
}

/// What an image that was brought turned out to be.
fn in_words(found: &ImageAction) -> String {
    match found {
        ImageAction::Mend { lacks } => {
            let lacks: Vec<String> = lacks.iter().map(ToString::to_string).collect();
            format!("the registry took it, and lacks {} of it all the same", lacks.join(", "))
        }
        ImageAction::Keep { found, .. }
        | ImageAction::Merge { found, .. }
        | ImageAction::Replace { found, .. } => {
            format!("its tag was replaced by {found} right after it came")
        }
        ImageAction::Push | ImageAction::Exists => "its tag was gone right after it came".to_owned(),
    }
}
