//! The blobs of a layout: found by digest, and the small ones read and checked.

use bytes::Bytes;
use portolan_oci::{
    Descriptor, Digest, ImageConfig, ImageConfigError, ImageManifest, MANIFEST_LIMIT, Manifest, MediaType,
    Platform,
};

use super::super::docker_archive::{CONFIG_LIMIT, digest_of};
use super::{ImagesError, is_image_config};
use crate::blob::Blob;
use crate::image::{ImageSource, Layer, ManifestSource};
use crate::source::Stretch;
use crate::tree::Tree;

/// The folder `blobs` of a layout.
pub(super) struct Blobs<'a> {
    tree: &'a Tree,
}

impl<'a> Blobs<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        Self { tree }
    }

    /// The list of images, which is an index itself.
    pub(super) fn list(&self, list: &Stretch) -> Result<Manifest, ImagesError> {
        let bytes = list.read_small(MANIFEST_LIMIT)?;
        Manifest::parse(bytes, Some(&MediaType::OCI_INDEX))
            .map_err(|source| ImagesError::Manifest { entry: list.to_string(), source })
    }

    /// What names the blob in messages.
    pub(super) fn entry(&self, digest: &Digest) -> String {
        self.tree.name_of(&path(digest))
    }

    /// Whether the blob is there.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.tree.has(&path(digest))
    }

    /// The manifest or index that the descriptor names, checked.
    pub(super) fn manifest(&self, descriptor: &Descriptor, named_by: &str) -> Result<Manifest, ImagesError> {
        let bytes = self.small(descriptor, MANIFEST_LIMIT, named_by)?;
        Manifest::parse(bytes, Some(&descriptor.media_type))
            .map_err(|source| ImagesError::Manifest { entry: self.entry(&descriptor.digest), source })
    }

    /// The first blob that the image's manifest names and that isn't there.
    pub(super) fn missing_part(&self, manifest: &Manifest) -> Option<Digest> {
        let image = manifest.image()?;
        let mut parts = std::iter::once(&image.config).chain(&image.layers);
        parts.find(|part| !self.has(&part.digest)).map(|part| part.digest.clone())
    }

    /// An error where a part of the image isn't there.
    pub(super) fn require(&self, manifest: &Manifest) -> Result<(), ImagesError> {
        match self.missing_part(manifest) {
            None => Ok(()),
            Some(digest) => Err(self.missing(&digest, &format!("the manifest {}", manifest.digest()))),
        }
    }

    /// The image of a manifest of which every part is there.
    pub(super) fn source(
        &self,
        descriptor: &Descriptor,
        manifest: Manifest,
    ) -> Result<ImageSource, ImagesError> {
        let Some(image) = manifest.image() else {
            return Err(ImagesError::NestedIndex { entry: self.entry(&descriptor.digest) });
        };
        let named_by = format!("the manifest {}", manifest.digest());
        let config = self.small(&image.config, CONFIG_LIMIT, &named_by)?;
        let parsed = self.config(image, &config)?;
        let diff_ids = parsed.as_ref().map(|config| config.diff_ids.as_slice()).unwrap_or_default();
        let layers = self.layers(image, diff_ids, &named_by)?;
        let stated = parsed.map(|config| config.platform).or_else(|| descriptor.platform.clone());
        Ok(ImageSource {
            config_digest: image.config.digest.clone(),
            platform: stated.unwrap_or_else(|| Platform::new("unknown", "unknown")),
            manifest: ManifestSource::Original(manifest),
            config,
            layers,
        })
    }

    /// What the config tells; nothing for artifacts, whose configs are of other types or name no platform.
    fn config(&self, image: &ImageManifest, bytes: &Bytes) -> Result<Option<ImageConfig>, ImagesError> {
        if !is_image_config(&image.config.media_type) {
            return Ok(None);
        }
        let entry = self.entry(&image.config.digest);
        let parsed = match ImageConfig::parse(bytes) {
            Ok(parsed) => parsed,
            Err(ImageConfigError::Missing { .. }) => return Ok(None),
            Err(source) => return Err(ImagesError::Config { entry, source }),
        };
        let (diff_ids, layers) = (parsed.diff_ids.len(), image.layers.len());
        match diff_ids == layers {
            true => Ok(Some(parsed)),
            false => Err(ImagesError::LayerCount {
                config: entry,
                diff_ids,
                named_by: "the manifest".to_owned(),
                layers,
            }),
        }
    }

    fn layers(
        &self,
        image: &ImageManifest,
        diff_ids: &[Digest],
        named_by: &str,
    ) -> Result<Vec<Layer>, ImagesError> {
        let layer = |(at, descriptor): (usize, &Descriptor)| {
            let stretch = self.sized(descriptor, named_by)?;
            Ok(Layer {
                media_type: descriptor.media_type.clone(),
                blob: Blob::known(stretch.clone(), descriptor.digest.clone()),
                diff_id: diff_ids.get(at).cloned(),
            })
        };
        image.layers.iter().enumerate().map(layer).collect()
    }

    /// The bytes of a blob that is small, checked by digest.
    fn small(&self, descriptor: &Descriptor, limit: u64, named_by: &str) -> Result<Bytes, ImagesError> {
        let bytes = self.sized(descriptor, named_by)?.read_small(limit)?;
        let (expected, found) = (&descriptor.digest, digest_of(&bytes, &descriptor.digest));
        match found == *expected {
            true => Ok(bytes),
            false => {
                Err(ImagesError::Digest { entry: self.entry(expected), expected: expected.clone(), found })
            }
        }
    }

    /// Where a blob lies, its size checked.
    fn sized(&self, descriptor: &Descriptor, named_by: &str) -> Result<&'a Stretch, ImagesError> {
        let stretch = self
            .tree
            .get(&path(&descriptor.digest))
            .ok_or_else(|| self.missing(&descriptor.digest, named_by))?;
        let (expected, found) = (descriptor.size, stretch.size());
        match expected == found {
            true => Ok(stretch),
            false => Err(ImagesError::Size { entry: stretch.to_string(), expected, found }),
        }
    }

    fn missing(&self, digest: &Digest, named_by: &str) -> ImagesError {
        let named_by = named_by.to_owned();
        ImagesError::Missing { archive: self.tree.name(), missing: path(digest), named_by }
    }
}

/// Where a layout keeps the blob.
fn path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}
