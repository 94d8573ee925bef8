//! Images as a package holds them.

use bytes::Bytes;
use portolan_oci::{Digest, Manifest, MediaType, Platform, Reference, SizedDigest};

use crate::blob::Blob;
use crate::rebuilt;

/// An image and the names it goes by.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its names in full form (`docker.io/library/nginx:1.25`), each once.
    pub names: Vec<Reference>,
    /// What the names stand for.
    pub content: ImageContent,
}

/// One image, or one for each platform.
#[derive(Clone, Debug)]
pub enum ImageContent {
    /// An image of one platform.
    Single(Box<ImageSource>),
    /// An image index, with every child whole in the archive.
    Index {
        /// The index as it was stored.
        index: Manifest,
        /// Its children, in its order.
        children: Vec<ImageSource>,
    },
}

impl ImageContent {
    /// The images of single platforms in it.
    pub fn sources(&self) -> &[ImageSource] {
        match self {
            Self::Single(source) => std::slice::from_ref(source.as_ref()),
            Self::Index { children, .. } => children,
        }
    }
}

/// An image of one platform: its config, its layers, and its manifest as far as it is known.
#[derive(Clone, Debug)]
pub struct ImageSource {
    /// The manifest.
    pub manifest: ManifestSource,
    /// The bytes of the config.
    pub config: Bytes,
    /// Digest of the config: the image ID.
    pub config_digest: Digest,
    /// What it runs on, from the config.
    pub platform: Platform,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
}

impl ImageSource {
    /// The manifest of an image whose layers' sizes and digests are known now; `layers` as they were sent,
    /// lowest first.
    ///
    /// For a manifest that is not [`ManifestSource::Pending`] it is that manifest.
    pub fn manifest_with(&self, layers: &[SizedDigest]) -> Manifest {
        match &self.manifest {
            ManifestSource::Original(manifest) | ManifestSource::Rebuilt(manifest) => manifest.clone(),
            ManifestSource::Pending => {
                let types = self.layers.iter().map(|layer| &layer.media_type);
                rebuilt::manifest(&self.config_descriptor(), &types.zip(layers).collect::<Vec<_>>())
            }
        }
    }

    fn config_descriptor(&self) -> SizedDigest {
        SizedDigest { size: self.config.len() as u64, digest: self.config_digest.clone() }
    }
}

/// Where an image's manifest comes from.
#[derive(Clone, Debug)]
pub enum ManifestSource {
    /// It lies in the archive and is kept byte for byte.
    Original(Manifest),
    /// It was made anew as Docker writes it (formats.md, section 1); as OCI has it where a layer is of zstd.
    Rebuilt(Manifest),
    /// Some layer's digest is unknown until it was sent; then [`ImageSource::manifest_with`] makes it.
    Pending,
}

/// A layer of an image.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its type as the manifest has it.
    pub media_type: MediaType,
    /// Its bytes.
    pub blob: Blob,
    /// Digest of the uncompressed layer, where the config lists one for it.
    pub diff_id: Option<Digest>,
}
