//! Writes the manifests of an image whose blobs are all in its repository, the one with the tag last.

use portolan_oci::{Digest, Locator, Manifest, Repository, SizedDigest};
use portolan_package::ImageContent;
use portolan_registry::{HarborRefusal, Registry, RegistryError};

use crate::{
    content::Identity,
    plan::{ImageAction, PlannedImage},
    probe::{Probed, probe},
};

/// An image whose tag was dealt with.
pub(super) struct Written {
    /// Digest of its manifest or image index, as the registry has it.
    pub(super) digest: Digest,
    /// What was done in the end; another run may have been quicker.
    pub(super) action: ImageAction,
    /// By what it is recognised, now that every digest is known.
    pub(super) identity: Identity,
}

/// Writes an image's manifests. The tag is asked about once more right before: hours may have passed
/// since the plan, and a tag that exists is never overwritten.
///
/// `layers` are those of each member of the image, as they are in the registry.
///
/// # Errors
/// What the registry said against it.
pub(super) async fn write_tag(
    registry: &Registry,
    image: &PlannedImage,
    layers: &[Vec<SizedDigest>],
) -> Result<Written, RegistryError> {
    let repository = &image.target.repository;
    let locator = image.target.locator();
    let manifest = with_children_written(registry, image, layers).await?;
    let identity = match Identity::of(&image.content) {
        Identity::Pending { config } => Identity::Rebuilt { digest: manifest.digest().clone(), config },
        known => known,
    };
    let mut found = probe(registry, repository, &locator, &identity).await?;
    if found.action == ImageAction::Push
        && let Err(error) = registry.put_manifest(repository, &locator, &manifest).await
    {
        found = kept_immutable(registry, image, &identity, error).await?;
    }
    let action = match (&image.action, found.action) {
        (ImageAction::Mend { .. }, ImageAction::Exists) => {
            // By its digest: the tag names it already, and nothing is to change about that.
            put_by_digest(registry, repository, &manifest).await?;
            image.action.clone()
        }
        (_, other) => other,
    };
    let digest = found.digest.unwrap_or_else(|| manifest.digest().clone());
    Ok(Written { digest, action, identity })
}

/// The manifest that the tag is to name. The members of an image index are written before, by their digests.
async fn with_children_written(
    registry: &Registry,
    image: &PlannedImage,
    layers: &[Vec<SizedDigest>],
) -> Result<Manifest, RegistryError> {
    match &image.content.content {
        ImageContent::Single(source) => Ok(source.manifest_with(&layers[0])),
        ImageContent::Index { index, children } => {
            for (child, layers) in children.iter().zip(layers) {
                let manifest = child.manifest_with(layers);
                put_by_digest(registry, &image.target.repository, &manifest).await?;
            }
            Ok(index.clone())
        }
    }
}

async fn put_by_digest(
    registry: &Registry,
    repository: &Repository,
    manifest: &Manifest,
) -> Result<(), RegistryError> {
    let by_digest = Locator::Digest(manifest.digest().clone());
    registry.put_manifest(repository, &by_digest, manifest).await
}

/// What an immutable tag holds: somebody wrote it after it was asked about, else Harbor would have taken
/// it. Any other refusal stays one.
async fn kept_immutable(
    registry: &Registry,
    image: &PlannedImage,
    identity: &Identity,
    error: RegistryError,
) -> Result<Probed, RegistryError> {
    if error.harbor_refusal() != Some(HarborRefusal::ImmutableTag) {
        return Err(error);
    }
    let found = probe(registry, &image.target.repository, &image.target.locator(), identity).await?;
    if found.action == ImageAction::Push { Err(error) } else { Ok(found) }
}
