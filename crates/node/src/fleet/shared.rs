//! The layers of all nodes' plans, read through one window.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use portolan_registry::BlobSource;

use super::Asked;
use super::window::{BlobIndex, NodeIndex, PIECE, Private, Window};
use crate::content::NodeLayer;
use crate::plan::{LoadAction, NodePlan};

/// How many bytes wait for nodes that have not taken them yet.
const CAPACITY: usize = 16 << 20;

/// A node's share in the window. Dropped, the node wants nothing more.
pub(super) struct Share {
    window: Arc<Window>,
    node: NodeIndex,
}

/// Replaces the layers that are to be brought by ones that are read once for all nodes. One share for each
/// node, in their order; whatever a node wants is let go with its share.
pub(super) fn share(asked: &mut [Asked]) -> Vec<Share> {
    let mut window = Window::new(asked.len(), CAPACITY);
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
        layer.bytes = Arc::new(SharedLayer { window: Arc::clone(&window), node, blob, size: layer.size });
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

/// A layer, as one node reads it.
struct SharedLayer {
    window: Arc<Window>,
    node: NodeIndex,
    blob: BlobIndex,
    size: u64,
}

impl BlobSource for SharedLayer {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        self.window.begins(self.node, self.blob);
        Ok(Box::new(SharedReader {
            window: Arc::clone(&self.window),
            node: self.node,
            blob: self.blob,
            left: self.size,
            next: 0,
            piece: bytes::Bytes::new(),
            private: None,
        }))
    }

    fn describe(&self) -> String {
        self.window.describe(self.blob)
    }
}

/// A layer that one node reads.
struct SharedReader {
    window: Arc<Window>,
    node: NodeIndex,
    blob: BlobIndex,
    /// Bytes that were not handed out, those of `piece` included.
    left: u64,
    next: u64,
    piece: bytes::Bytes,
    private: Option<Private>,
}

impl Read for SharedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        if self.piece.is_empty() {
            self.piece = self.window.piece(self.node, self.blob, self.next, &mut self.private)?;
            self.next += 1;
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        self.left = if count == 0 { 0 } else { self.left.saturating_sub(count as u64) };
        Ok(count)
    }
}

impl Drop for SharedReader {
    fn drop(&mut self) {
        self.window.ends(self.node, self.blob);
    }
}

const _: () = assert!(CAPACITY >= 4 * PIECE, "the window must hold what is being read");
