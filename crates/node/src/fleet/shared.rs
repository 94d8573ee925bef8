//! The layers of all nodes' plans, read through one window.

use std::collections::HashMap;
use std::sync::Arc;

use super::Asked;
use crate::content::NodeLayer;
use crate::plan::{LoadAction, NodePlan};
use crate::window::{BlobIndex, CAPACITY, NodeIndex, SharedBlob, Tolerance, Window};

/// A node's share in the window. Dropped, the node wants nothing more.
pub(super) struct Share {
    window: Arc<Window>,
    node: NodeIndex,
}

/// Replaces the layers that are to be brought by ones that are read once for all nodes. One share for each
/// node, in their order; whatever a node wants is let go with its share.
pub(super) fn share(asked: &mut [Asked]) -> Vec<Share> {
    let window = Window::new(asked.len(), CAPACITY, Tolerance::READ_AGAIN);
    let mut known: HashMap<String, BlobIndex> = HashMap::new();
    let mut layers: Vec<(NodeIndex, BlobIndex, &mut NodeLayer)> = Vec::new();
    for (node, asked) in asked.iter_mut().enumerate() {
        let Asked::Planned(plan, _) = asked else { continue };
        for layer in brought(plan) {
            let key = layer.digest.as_ref().map_or_else(|| layer.bytes.describe(), ToString::to_string);
            let blob = *known.entry(key).or_insert_with(|| window.add(&layer.bytes, layer.size));
            window.wants(NodeIndex(node), blob);
            layers.push((NodeIndex(node), blob, layer));
        }
    }
    let window = Arc::new(window);
    for (node, blob, layer) in layers {
        layer.bytes = Arc::new(SharedBlob::new(&window, node, blob, layer.size));
    }
    (0..asked.len()).map(|node| Share { window: Arc::clone(&window), node: NodeIndex(node) }).collect()
}

/// The layers that a plan brings to its node.
fn brought(plan: &mut NodePlan) -> impl Iterator<Item = &mut NodeLayer> {
    let survey = &plan.survey;
    let images = plan.images.iter_mut().filter(|image| image.action == LoadAction::Load);
    images.filter_map(|image| image.image.as_mut()).flat_map(|image| {
        let lacks = survey.lacks(image);
        image.layers.iter_mut().zip(lacks).filter(|(_, lacks)| *lacks).map(|(layer, _)| layer)
    })
}

impl Drop for Share {
    fn drop(&mut self) {
        self.window.leave(self.node);
    }
}
