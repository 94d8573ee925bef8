//! An image as one node takes it: of one platform, with its layers as they lie in the package.

use std::{fmt, io, sync::Arc};

use bytes::Bytes;
use portolan_oci::{Descriptor, Digest, ImageConfig, Manifest, MediaType, Platform, SizedDigest};
use portolan_package::{Blob, BlobId, Encoding, Image, ImageContent, ImageSource, Layer, ManifestSource};
use portolan_registry::BlobSource;
use serde::Serialize;

/// An image of one platform, ready for a node.
#[derive(Clone)]
pub struct NodeImage {
    /// The image index that the names stand for, where the package holds one. Of its members only ours is
    /// brought.
    pub index: Option<Manifest>,
    /// The manifest. Nothing where the digest of a layer shows only once it was read:
    /// [`NodeImage::manifest_with`] makes it then.
    pub manifest: Option<Manifest>,
    /// Whether the package stores no manifest, so that it was made anew and says nothing by its digest.
    pub is_made_anew: bool,
    /// The bytes of the config.
    pub config: Bytes,
    /// Type of the config, as a manifest names it.
    pub config_type: MediaType,
    /// Digest of the config: the image ID.
    pub config_digest: Digest,
    /// What it runs on.
    pub platform: Platform,
    /// Its layers, lowest first.
    pub layers: Vec<NodeLayer>,
}

/// A layer, as it lies in the package.
#[derive(Clone)]
pub struct NodeLayer {
    /// Type of the bytes as they lie.
    pub media_type: MediaType,
    /// Digest of the bytes as they lie, where it is known before they are read.
    pub digest: Option<Digest>,
    /// Digest of the uncompressed layer, as the config states it.
    pub diff_id: Digest,
    /// Size of the bytes as they lie.
    pub size: u64,
    /// Its number, where it went by in a stream and can't be read any more.
    pub passed: Option<BlobId>,
    /// The bytes as they lie.
    pub bytes: Arc<dyn BlobSource>,
}

/// Why an image is none for a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongPlatform {
    /// It is made for others.
    #[error(
        "the image is for {}, and the node is {node}: take the package of that platform, or give --platform to load it all the same",
        platforms_in_words(.has)
    )]
    Other {
        /// What it is made for.
        has: Vec<Platform>,
        /// What the node is.
        node: Box<Platform>,
    },
    /// Its config states no digest for a layer, so that no runtime can unpack it.
    #[error("the image's config states {stated} layers and its manifest {listed}: it is no image that runs")]
    NoImage {
        /// How many the config states.
        stated: usize,
        /// How many the manifest lists.
        listed: usize,
    },
}

fn platforms_in_words(platforms: &[Platform]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl NodeImage {
    /// The part of `image` that is for a node of that platform.
    ///
    /// # Errors
    /// [`WrongPlatform`] where it has none.
    pub fn pick(image: &Image, node: &Platform) -> Result<Self, WrongPlatform> {
        let sources = image.content.sources();
        let fitting = sources.iter().filter_map(|source| Some((fit(&source.platform, node)?, source)));
        let Some((_, source)) = fitting.min_by_key(|(rank, _)| *rank) else {
            let has = sources.iter().map(|source| source.platform.clone()).collect();
            return Err(WrongPlatform::Other { has, node: Box::new(node.clone()) });
        };
        let index = match &image.content {
            ImageContent::Index { index, .. } => Some(index.clone()),
            ImageContent::Single(_) => None,
        };
        Self::of_source(source, index)
    }

    pub(crate) fn of_source(source: &ImageSource, index: Option<Manifest>) -> Result<Self, WrongPlatform> {
        let stated = ImageConfig::parse(&source.config).map(|config| config.diff_ids).unwrap_or_default();
        if stated.len() != source.layers.len() {
            return Err(WrongPlatform::NoImage { stated: stated.len(), listed: source.layers.len() });
        }
        let layers = source.layers.iter().zip(stated).map(|(layer, id)| NodeLayer::new(layer, id)).collect();
        let mut image = Self {
            index,
            manifest: None,
            is_made_anew: !matches!(source.manifest, ManifestSource::Original(_)),
            config: source.config.clone(),
            config_type: MediaType::OCI_CONFIG,
            config_digest: source.config_digest.clone(),
            platform: source.platform.clone(),
            layers,
        };
        image.manifest = match &source.manifest {
            ManifestSource::Original(manifest) | ManifestSource::Rebuilt(manifest) => Some(manifest.clone()),
            ManifestSource::Pending => image.known_layers().map(|layers| image.made_manifest(&layers)),
        };
        if let Some(listed) = image.manifest.as_ref().and_then(Manifest::image) {
            image.config_type = listed.config.media_type.clone();
        }
        Ok(image)
    }

    /// An image of these parts; the layers get the digests of their uncompressed forms from the config.
    ///
    /// # Errors
    /// [`WrongPlatform::NoImage`] where the config states none for a layer.
    pub(crate) fn of_parts(
        index: Option<Manifest>,
        manifest: Manifest,
        config: Bytes,
        layers: Vec<NodeLayer>,
    ) -> Result<Self, WrongPlatform> {
        let listed = manifest.image().map(|image| image.config.clone());
        let (parsed, described) = match (ImageConfig::parse(&config), listed) {
            (Ok(parsed), Some(described)) if parsed.diff_ids.len() == layers.len() => (parsed, described),
            (Ok(parsed), _) => {
                return Err(WrongPlatform::NoImage { stated: parsed.diff_ids.len(), listed: layers.len() });
            }
            (Err(_), _) => return Err(WrongPlatform::NoImage { stated: 0, listed: layers.len() }),
        };
        let stated = layers.into_iter().zip(parsed.diff_ids);
        Ok(Self {
            index,
            manifest: Some(manifest),
            is_made_anew: false,
            config,
            config_type: described.media_type,
            config_digest: described.digest,
            platform: parsed.platform,
            layers: stated.map(|(layer, diff_id)| NodeLayer { diff_id, ..layer }).collect(),
        })
    }

    /// What its names stand for: the image index, or the manifest; nothing as long as that isn't known.
    pub fn target(&self) -> Option<Descriptor> {
        self.index.as_ref().or(self.manifest.as_ref()).map(Manifest::descriptor)
    }

    /// The manifest, once the digests of all layers are known; `layers` lowest first.
    pub fn manifest_with(&self, layers: &[Digest]) -> Manifest {
        match &self.manifest {
            Some(manifest) => manifest.clone(),
            None => self.made_manifest(layers),
        }
    }

    /// Makes the manifest that lacked, where the digests of all layers are known by now.
    pub(crate) fn complete_manifest(&mut self) {
        if self.manifest.is_none() {
            self.manifest = self.known_layers().map(|layers| self.made_manifest(&layers));
        }
    }

    /// The chain IDs of its layers, lowest first (OCI image specification, "Layer ChainID").
    pub fn chain_ids(&self) -> Vec<Digest> {
        chain_ids(self.layers.iter().map(|layer| &layer.diff_id))
    }

    /// Bytes of config and layers.
    pub fn bytes(&self) -> u64 {
        self.config.len() as u64 + self.layers.iter().map(|layer| layer.size).sum::<u64>()
    }

    fn known_layers(&self) -> Option<Vec<Digest>> {
        self.layers.iter().map(|layer| layer.digest.clone()).collect()
    }

    /// A manifest of the layers as they lie, which may be uncompressed: what a runtime holds needs no
    /// form that a registry takes.
    fn made_manifest(&self, layers: &[Digest]) -> Manifest {
        let config = SizedDigest { size: self.config.len() as u64, digest: self.config_digest.clone() };
        let layers = self.layers.iter().zip(layers);
        let document = Document {
            schema_version: 2,
            media_type: MediaType::OCI_MANIFEST,
            config: Descriptor::new(MediaType::OCI_CONFIG, config.digest, config.size),
            layers: layers
                .map(|(layer, digest)| {
                    Descriptor::new(oci_type(&layer.media_type), digest.clone(), layer.size)
                })
                .collect(),
        };
        let bytes =
            serde_json::to_vec(&document).expect("because plain structs always serialise into memory");
        Manifest::parse(bytes.into(), Some(&MediaType::OCI_MANIFEST))
            .expect("because the document was written in this form just now")
    }
}

impl NodeLayer {
    fn new(layer: &Layer, diff_id: Digest) -> Self {
        let media_type = match layer.blob.encoding() {
            Encoding::CompressToGzip => MediaType::OCI_LAYER,
            Encoding::AsIs => layer.media_type.clone(),
        };
        Self {
            media_type,
            digest: layer.blob.stored_digest().cloned(),
            diff_id,
            size: layer.blob.stored_size(),
            passed: layer.blob.passed(),
            bytes: Arc::new(Stored(layer.blob.clone())),
        }
    }
}

impl fmt::Debug for NodeImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeImage")
            .field("config", &self.config_digest)
            .field("platform", &self.platform)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NodeLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeLayer").field("diff_id", &self.diff_id).finish_non_exhaustive()
    }
}

/// A layer in the package, as it lies.
struct Stored(Blob);

impl BlobSource for Stored {
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        Ok(self.0.open_stored())
    }

    fn describe(&self) -> String {
        self.0.entry()
    }
}

/// An OCI image manifest in the specification's order of keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u8,
    media_type: MediaType,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

/// The OCI type for the same bytes.
fn oci_type(media_type: &MediaType) -> MediaType {
    match media_type {
        it if *it == MediaType::DOCKER_LAYER => MediaType::OCI_LAYER,
        it if *it == MediaType::DOCKER_LAYER_GZIP => MediaType::OCI_LAYER_GZIP,
        other => other.clone(),
    }
}

/// The chain ID of each of a pile of layers, lowest first.
pub(crate) fn chain_ids<'a>(diff_ids: impl IntoIterator<Item = &'a Digest>) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::new();
    for diff_id in diff_ids {
        chain.push(match chain.last() {
            None => diff_id.clone(),
            Some(below) => Digest::sha256(format!("{below} {diff_id}").as_bytes()),
        });
    }
    chain
}

/// How well an image of one platform runs on a node of another, 0 best; nothing where it doesn't. Newer
/// processors run what was made for older ones of their kind.
pub(crate) fn fit(image: &Platform, node: &Platform) -> Option<u32> {
    let (image, node) = (image.normalized(), node.normalized());
    if (&image.os, &image.architecture) != (&node.os, &node.architecture) {
        return None;
    }
    match (image.variant.as_deref(), node.variant.as_deref()) {
        (None, None) => Some(0),
        (Some(image), Some(node)) if image == node => Some(0),
        (None, Some(_)) => Some(1),
        (Some(image), Some(node)) => Some(2 + version(node)?.checked_sub(version(image)?)?),
        (Some(_), None) => None,
    }
}

/// The number of `v7`.
fn version(variant: &str) -> Option<u32> {
    variant.strip_prefix('v')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_as_the_specification_has_them() {
        let (a, b) = (Digest::sha256(b"a"), Digest::sha256(b"b"));
        let chain = chain_ids([&a, &b]);
        assert_eq!(chain, [a.clone(), Digest::sha256(format!("{a} {b}").as_bytes())]);
        assert_eq!(chain_ids([]), []);
    }

    #[test]
    fn what_runs_where() {
        let check = |image: &str, node: &str, expected: Option<u32>| {
            assert_eq!(fit(&image.parse().unwrap(), &node.parse().unwrap()), expected, "{image} on {node}");
        };
        check("linux/amd64", "linux/x86_64", Some(0));
        check("linux/arm64/v8", "linux/arm64", Some(0));
        check("linux/arm64", "linux/amd64", None);
        check("linux/arm/v6", "linux/arm", Some(3));
        check("linux/arm/v7", "linux/arm/v6", None);
        check("linux/amd64", "linux/amd64/v3", Some(1));
        check("linux/amd64/v3", "linux/amd64", None);
        check("windows/amd64", "linux/amd64", None);
    }
}
