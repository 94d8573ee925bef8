//! What became of the images of an archive that was sent.

use portolan_oci::Digest;

use super::Pass;
use crate::{
    error::RuntimeError,
    event::Event,
    execute::one_line,
    names::NodeName,
    plan::PlannedLoad,
    report::{LoadOutcome, LoadResult, NodeFailure},
};

impl Pass<'_> {
    /// The lines of an archive's images. Where it was refused, it is asked which of them are there all the same.
    pub(super) async fn account(
        &mut self,
        images: Vec<PlannedLoad>,
        loaded: Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let Err(error) = loaded else {
            images.iter().for_each(|image| self.line(image, LoadOutcome::Loaded, None));
            return Ok(());
        };
        if error.is_of_a_late_node() {
            // Nothing is wrong with any of them.
            self.left.extend(images);
            return Ok(());
        }
        if error.is_of_the_node() {
            self.node.failure.get_or_insert_with(|| NodeFailure { error: one_line(&error) });
            images.iter().for_each(|image| self.line(image, LoadOutcome::Failed, Some(one_line(&error))));
            return Ok(());
        }
        let names: Vec<NodeName> = images.iter().flat_map(|image| image.names.clone()).collect();
        let survey = self.passage.runtime.survey(&names).await?;
        for planned in images {
            let image = planned.image.as_ref().expect("because what is loaded has an image");
            let named = |name: &NodeName| survey.names.get(name).is_some_and(|held| held.is(image));
            let is_there = survey.is_whole(image) && planned.gives(survey.kind).all(named);
            match (is_there, &error) {
                (true, _) => self.line(&planned, LoadOutcome::Loaded, None),
                (false, RuntimeError::Mismatch { expected, .. }) if !has_layer(&planned, expected) => {
                    self.left.push(planned);
                }
                (false, error) => self.line(&planned, LoadOutcome::Failed, Some(told_of(&planned, error))),
            }
        }
        Ok(())
    }

    fn line(&mut self, planned: &PlannedLoad, action: LoadOutcome, error: Option<String>) {
        let by_digest = planned.names.iter().any(NodeName::is_by_digest);
        let (action, error) = match (action, by_digest, planned.kept.is_empty()) {
            (LoadOutcome::Loaded, true, _) => {
                (LoadOutcome::Unnamed, Some(RuntimeError::NameByDigest.to_string()))
            }
            (LoadOutcome::Loaded, false, false) => (LoadOutcome::Kept, None),
            (action, _, _) => (action, error),
        };
        let line = line(planned, action, error);
        let node = self.passage.node;
        self.passage.observer.event(Event::ImageFinished { node, result: &line });
        self.node.images.push(line);
    }
}

fn has_layer(planned: &PlannedLoad, diff_id: &Digest) -> bool {
    planned.image.iter().flat_map(|image| &image.layers).any(|layer| layer.diff_id == *diff_id)
}

/// What is wrong, told of the layer's entry where it is about a layer.
fn told_of(planned: &PlannedLoad, error: &RuntimeError) -> String {
    let layers = planned.image.iter().flat_map(|image| &image.layers);
    match error {
        RuntimeError::Mismatch { expected, found, .. } => {
            let entry = layers.clone().find(|layer| layer.diff_id == *expected);
            let entry = entry.map(|layer| layer.bytes.describe()).unwrap_or_default();
            RuntimeError::Mismatch { entry, expected: expected.clone(), found: found.clone() }.to_string()
        }
        other => one_line(other),
    }
}

/// The line of an image whose archive was refused because of another one, and can't be read again.
pub(super) fn not_alone(planned: &PlannedLoad) -> LoadResult {
    let error = "its archive was refused because of another image, or did not hold all of it; give the package as \
                 a file, or load this image alone";
    line(planned, LoadOutcome::Failed, Some(error.to_owned()))
}

fn line(planned: &PlannedLoad, action: LoadOutcome, error: Option<String>) -> LoadResult {
    crate::execute::line(planned, action, error)
}
