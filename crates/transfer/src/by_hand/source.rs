//! Where a merge takes images from.

use std::sync::Arc;

use portolan_oci::{Descriptor, Digest, Locator, Manifest, Platform, Reference, Repository};
use portolan_package::{Image, ImageContent, ImageSource};
use portolan_registry::{InMemory, Registry, RegistryError, RemoteBlob};

use super::MergeFailure;
use crate::{blobs::Content, content::Identity, merging::platform_of};

/// Something whose platforms a tag is to gain.
#[derive(Clone, Debug)]
pub struct MergeSource {
    /// For people and the report.
    name: Reference,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Registry(Registry),
    Package(Arc<Image>),
}

impl MergeSource {
    /// What `name` names in a registry.
    #[must_use]
    pub fn in_registry(registry: &Registry, name: &Reference) -> Self {
        Self { name: name.clone(), place: Place::Registry(registry.clone()) }
    }

    /// An image of a package.
    #[must_use]
    pub fn in_package(image: &Arc<Image>, name: &Reference) -> Self {
        Self { name: name.clone(), place: Place::Package(Arc::clone(image)) }
    }

    pub(super) fn name(&self) -> &Reference {
        &self.name
    }

    /// Reads what it is.
    pub(super) async fn read(&self) -> Result<Read, MergeFailure> {
        let (manifest, platform) = match &self.place {
            Place::Package(image) => self.packed(image)?,
            Place::Registry(registry) => self
                .fetched(registry)
                .await
                .map_err(|error| self.failed(error))?
                .ok_or_else(|| MergeFailure::NotThere { name: self.name.to_string() })?,
        };
        Ok(Read { source: self.clone(), manifest, platform })
    }

    fn packed(&self, image: &Image) -> Result<(Manifest, Option<Platform>), MergeFailure> {
        let pending = || MergeFailure::Pending { name: self.name.to_string() };
        if image.content.sources().iter().any(|source| known_manifest(source).is_none()) {
            return Err(pending());
        }
        match &image.content {
            ImageContent::Index { index, .. } => Ok((index.clone(), None)),
            ImageContent::Single(source) => {
                Ok((known_manifest(source).ok_or_else(pending)?, Some(source.platform.clone())))
            }
        }
    }

    async fn fetched(
        &self,
        registry: &Registry,
    ) -> Result<Option<(Manifest, Option<Platform>)>, RegistryError> {
        let repository = &self.name.repository;
        let Some(manifest) = registry.get_manifest(repository, &self.name.locator()).await? else {
            return Ok(None);
        };
        let platform = platform_of(registry, repository, &manifest).await?;
        Ok(Some((manifest, platform)))
    }

    /// The manifest of that digest; `None` where the source has lost it.
    pub(super) async fn member(&self, digest: &Digest) -> Result<Option<Manifest>, MergeFailure> {
        match &self.place {
            Place::Registry(registry) => registry
                .get_manifest(&self.name.repository, &Locator::Digest(digest.clone()))
                .await
                .map_err(|error| self.failed(error)),
            Place::Package(image) => {
                let known = image.content.sources().iter().filter_map(known_manifest);
                Ok(known.into_iter().find(|manifest| manifest.digest() == digest))
            }
        }
    }

    /// The bytes of a blob; `None` where a package hasn't got it.
    pub(super) fn content(&self, blob: &Descriptor) -> Option<Content> {
        match &self.place {
            Place::Registry(registry) => {
                Some(Content::Remote(RemoteBlob::new(registry, &self.name.repository, &blob.digest)))
            }
            Place::Package(image) => image.content.sources().iter().find_map(|source| packed(source, blob)),
        }
    }

    /// The repository that may lend blobs to others of `target`, where the source is in the same registry.
    pub(super) fn lender(&self, target: &Registry) -> Option<&Repository> {
        let registry = self.registry()?;
        (registry.endpoint() == target.endpoint()).then_some(&self.name.repository)
    }

    /// The registry that it is in.
    pub(super) fn registry(&self) -> Option<&Registry> {
        match &self.place {
            Place::Registry(registry) => Some(registry),
            Place::Package(_) => None,
        }
    }

    pub(super) fn failed(&self, source: RegistryError) -> MergeFailure {
        MergeFailure::Source { name: self.name.to_string(), source: Box::new(source) }
    }
}

/// A source that was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) source: MergeSource,
    pub(super) manifest: Manifest,
    /// Of a single image.
    pub(super) platform: Option<Platform>,
}

/// The manifest of an image of a package, unless that is made while its layers pass.
fn known_manifest(source: &ImageSource) -> Option<Manifest> {
    Identity::of_source(source).digest()?;
    Some(source.manifest_with(&[]))
}

fn packed(source: &ImageSource, blob: &Descriptor) -> Option<Content> {
    if source.config_digest == blob.digest {
        let entry = format!("the config {}", blob.digest);
        return Some(Content::Held(InMemory::new(vec![source.config.clone()], entry)));
    }
    let layer = source.layers.iter().find(|layer| layer.blob.digest() == Some(&blob.digest))?;
    Some(Content::Stored(layer.blob.clone()))
}
