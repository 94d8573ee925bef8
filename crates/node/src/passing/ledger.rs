//! What became of the blobs that went by, and what that means for the images made of them.

use std::collections::{HashMap, HashSet};

use portolan_oci::Digest;
use portolan_package::BlobId;

use crate::{
    content::{NodeImage, NodeLayer},
    error::RuntimeError,
    execute::one_line,
    plan::{LoadAction, NodePlan},
};

/// What became of the blobs of one package.
#[derive(Debug)]
pub(super) struct Ledger {
    /// What was on the node before the package came.
    before: HashSet<Digest>,
    /// By blob: its digest, or why it is not on the node.
    kept: HashMap<BlobId, Result<Digest, String>>,
}

impl Ledger {
    /// An empty one for a node that has these contents.
    pub(super) fn new(before: HashSet<Digest>) -> Self {
        Self { before, kept: HashMap::new() }
    }

    /// Notes what became of a blob.
    pub(super) fn note(&mut self, id: BlobId, kept: Result<Digest, RuntimeError>) {
        self.kept.insert(id, kept.map_err(|error| one_line(&error)));
    }

    /// Gives the layers of a plan's images the digests that they were found to have. Images of which a layer
    /// is not there are refused with what became of it; those of which a layer came just now count as to be
    /// loaded, though the node has them whole by now.
    pub(super) fn settle(&self, plan: &mut NodePlan) {
        for planned in &mut plan.images {
            if matches!(planned.action, LoadAction::Refuse { .. } | LoadAction::Keep) {
                continue;
            }
            let Some(image) = &mut planned.image else { continue };
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
        Ok(has_new)
    }

    fn of(&self, layer: &NodeLayer) -> Result<Digest, String> {
        let known = layer.passed.and_then(|id| self.kept.get(&id)).cloned();
        known.unwrap_or_else(|| Err(format!("{}: went by and was not kept", layer.bytes.describe())))
    }
}

fn differs(layer: &NodeLayer, stated: &Digest, found: &Digest) -> String {
    let (entry, expected) = (layer.bytes.describe(), stated.clone());
    RuntimeError::Mismatch { entry, expected, found: found.to_string() }.to_string()
}
