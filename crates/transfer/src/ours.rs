//! What is to stand under a tag, whoever brings it: an image of a package, or one that a registry has.

use portolan_oci::{Manifest, Platform, SizedDigest};
use portolan_package::{Image, ImageContent};

/// What is to stand under a tag.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ours<'a> {
    /// An image of a package.
    Packed(&'a Image),
    /// A document that is written as it is.
    Document {
        /// The manifest or image index.
        manifest: &'a Manifest,
        /// What it runs on, where it is the manifest of a single image.
        platform: Option<&'a Platform>,
    },
}

impl Ours<'_> {
    /// What it runs on, where it is a single image.
    pub(crate) fn platform(&self) -> Option<&Platform> {
        match self {
            Self::Packed(Image { content: ImageContent::Single(source), .. }) => Some(&source.platform),
            Self::Packed(Image { content: ImageContent::Index { .. }, .. }) => None,
            Self::Document { platform, .. } => *platform,
        }
    }

    /// The manifest or image index; where it is made only while its layers pass, one of the same config and
    /// of no layers, which is enough to see which platforms meet.
    pub(crate) fn stand_in(&self) -> Manifest {
        match self {
            Self::Document { manifest, .. } => (*manifest).clone(),
            Self::Packed(Image { content: ImageContent::Index { index, .. }, .. }) => index.clone(),
            Self::Packed(Image { content: ImageContent::Single(source), .. }) => {
                let unknown = SizedDigest { size: 0, digest: source.config_digest.clone() };
                source.manifest_with(&vec![unknown; source.layers.len()])
            }
        }
    }
}
