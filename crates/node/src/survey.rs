//! What a node has, as far as it matters: the images under the wanted names, and the contents.

use std::collections::{HashMap, HashSet};

use portolan_oci::{Digest, Platform};
use serde::{Deserialize, Serialize};

use crate::{content::NodeImage, names::NodeName};

/// The program on a node that holds images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuntimeKind {
    /// containerd.
    Containerd,
    /// Docker.
    Docker,
}

/// What a node has.
#[derive(Clone, Debug)]
pub struct Survey {
    /// What runs there.
    pub kind: RuntimeKind,
    /// Its version, as it says it.
    pub version: String,
    /// What the node is.
    pub platform: Platform,
    /// What the wanted names stand for; those that stand for nothing are absent.
    pub names: HashMap<NodeName, Held>,
    /// Digests of all blobs: manifests, configs, layers as they were brought. Empty where the runtime keeps
    /// none (Docker).
    pub blobs: HashSet<Digest>,
    /// Chain IDs of all unpacked layers.
    pub chains: HashSet<Digest>,
}

/// What a name stands for on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Digests that tell the content: of the image index, of the manifest for the node's platform. Empty
    /// where the runtime keeps none.
    pub manifests: Vec<Digest>,
    /// Digest of the config for the node's platform, where it is there.
    pub config: Option<Digest>,
    /// Whether kubelets are told to leave it when they make room.
    pub is_pinned: bool,
}

impl RuntimeKind {
    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Docker => "Docker",
        }
    }
}

impl Held {
    /// Whether this is the very image: equal manifest digest; or equal config, where the package stores no
    /// manifest or the runtime keeps none (rules.md, "Same, other, kept").
    pub fn is(&self, image: &NodeImage) -> bool {
        let ours = [&image.index, &image.manifest];
        let same_manifest = ours.into_iter().flatten().any(|ours| self.manifests.contains(ours.digest()));
        let config_suffices = image.is_made_anew || self.manifests.is_empty();
        same_manifest || (config_suffices && self.config.as_ref() == Some(&image.config_digest))
    }
}

impl Survey {
    /// Whether everything of the image is there, so that a container can be run from it: its documents,
    /// where the runtime keeps any, and its layers, unpacked or as blobs.
    pub fn is_whole(&self, image: &NodeImage) -> bool {
        let unpacked = image.chain_ids().last().is_none_or(|top| self.chains.contains(top));
        match self.kind {
            RuntimeKind::Docker => unpacked,
            RuntimeKind::Containerd => {
                let has_layers = || image.layers.iter().all(|layer| self.has_layer(layer.digest.as_ref()));
                self.blobs.contains(&image.config_digest) && (unpacked || has_layers())
            }
        }
    }

    fn has_layer(&self, digest: Option<&Digest>) -> bool {
        digest.is_some_and(|digest| self.blobs.contains(digest))
    }

    /// By layer of the image, lowest first: whether it has to be brought.
    pub fn lacks(&self, image: &NodeImage) -> Vec<bool> {
        match self.kind {
            RuntimeKind::Containerd => {
                image.layers.iter().map(|layer| !self.has_layer(layer.digest.as_ref())).collect()
            }
            RuntimeKind::Docker => {
                image.chain_ids().iter().map(|chain| !self.chains.contains(chain)).collect()
            }
        }
    }

    /// Bytes of the image that have to be brought.
    pub fn bytes_lacking(&self, image: &NodeImage) -> u64 {
        let lacking = self.lacks(image);
        let layers =
            image.layers.iter().zip(lacking).filter(|(_, lacks)| *lacks).map(|(layer, _)| layer.size);
        image.config.len() as u64 + layers.sum::<u64>()
    }
}
