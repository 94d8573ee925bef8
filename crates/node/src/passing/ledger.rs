//! What became of the blobs that went by, and what that means for the images made of them.

use std::collections::{HashMap, HashSet};

use portolan_oci::Digest;
use portolan_package::BlobId;

use crate::{
    content::{NodeImage, NodeLayer},
    error::RuntimeError,
    execute::one_line,
    plan::{LoadAction, NodePlan, PlannedLoad},
};

/// What became of the blobs of one package.
#[derive(Debug)]
pub(super) struct Ledger {
    /// What was on the node before the package came.
    before: HashSet<Digest>,
    /// By blob: its digest, or why it is not on the node.
    kept: HashMap<BlobId, Result<Digest, Loss>>,
}

/// Why a blob is not on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Loss {
    /// It went by while the node was behind.
    Missed,
    /// In words.
    Error(String),
}

impl Ledger {
    /// An empty one for a node that has these contents.
    pub(super) fn new(before: HashSet<Digest>) -> Self {
        Self { before, kept: HashMap::new() }
    }

    /// Notes what became of a blob.
    pub(super) fn note(&mut self, id: BlobId, kept: Result<Digest, RuntimeError>) {
        let loss = |error: RuntimeError| match error.is_of_a_late_node() {
            true => Loss::Missed,
            false => Loss::Error(one_line(&error)),
        };
        self.kept.insert(id, kept.map_err(loss));
    }

    /// The blobs of an image that went by while the node was behind.
    pub(super) fn missed(&self, image: &NodeImage) -> impl Iterator<Item = BlobId> {
        let passed = image.layers.iter().filter_map(|layer| layer.passed);
        passed.filter(|id| self.kept.get(id) == Some(&Err(Loss::Missed)))
    }

    /// Gives the layers of a plan's images the digests that they were found to have. Images of which a layer
    /// is not there are refused with what became of it; those of which a layer came just now count as to be
    /// loaded, though the node has them whole by now. Those of which a layer was missed are taken out, and given.
    pub(super) fn settle(&self, plan: &mut NodePlan) -> Vec<PlannedLoad> {
        let (missed, rest) = std::mem::take(&mut plan.images).into_iter().partition(|it| self.is_missed(it));
        plan.images = rest;
        plan.images.iter_mut().for_each(|planned| self.settle_one(planned));
        missed
    }

    fn is_missed(&self, planned: &PlannedLoad) -> bool {
        let image = planned.image.as_ref().filter(|_| planned.action != LoadAction::Keep);
        image.is_some_and(|image| self.missed(image).next().is_some())
    }

    fn settle_one(&self, planned: &mut PlannedLoad) {
        if matches!(planned.action, LoadAction::Refuse { .. } | LoadAction::Keep) {
            return;
        }
        let Some(image) = &mut planned.image else { return };
        match self.settle_image(image) {
            Ok(true) => planned.action = LoadAction::Load,
            Ok(false) => {}
            Err(error) => {
                planned.action = LoadAction::Refuse { error };
                planned.image = None;
            }
        }
        planned.bytes = 0;
    }

    /// Whether a layer came just now.
    fn settle_image(&self, image: &mut NodeImage) -> Result<bool, String> {
        let mut has_new = false;
        for layer in &mut image.layers {
            let digest = self.of(layer)?;
            has_new |= !self.before.contains(&digest);
            match &layer.digest {
                Some(stated) if *stated != digest => return Err(differs(layer, stated, &digest)),
                _ => layer.digest = Some(digest),
            }
        }
        image.complete_manifest();
        Ok(has_new)
    }

    fn of(&self, layer: &NodeLayer) -> Result<Digest, String> {
        let gone = || format!("{}: went by and was not kept", layer.bytes.describe());
        match layer.passed.and_then(|id| self.kept.get(&id)) {
            Some(Ok(digest)) => Ok(digest.clone()),
            Some(Err(Loss::Error(error))) => Err(error.clone()),
            Some(Err(Loss::Missed)) | None => Err(gone()),
        }
    }
}

fn differs(layer: &NodeLayer, stated: &Digest, found: &Digest) -> String {
    let (entry, expected) = (layer.bytes.describe(), stated.clone());
    RuntimeError::Mismatch { entry, expected, found: found.to_string() }.to_string()
}
