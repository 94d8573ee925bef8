//! Images in a registry, as a node takes them: nothing is laid down on the way.

use std::sync::Arc;

use portolan_oci::{Descriptor, Locator, Manifest, Platform, Reference, Repository};
use portolan_registry::{Registry, RegistryError, RemoteBlob};

use crate::content::{NodeImage, NodeLayer, WrongPlatform, fit};

/// The largest config that is read, in bytes.
const CONFIG_LIMIT: u64 = 16 << 20;

/// Why an image of a registry can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The registry can't be asked, or refuses.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Nothing is there under that name.
    #[error("{reference} is not there")]
    Absent {
        /// The name.
        reference: Box<Reference>,
    },
    /// It is none for the node.
    #[error(transparent)]
    Platform(#[from] WrongPlatform),
}

/// The part of an image in a registry that is for a node of that platform.
///
/// # Errors
/// [`FetchError`] where it can't be had, or is none for the node.
pub(crate) async fn fetch(
    registry: &Registry,
    reference: &Reference,
    platform: &Platform,
) -> Result<NodeImage, FetchError> {
    let repository = &reference.repository;
    let found = manifest(registry, reference, &reference.locator()).await?;
    let (index, manifest) = match member(&found, platform)? {
        Some(member) => {
            let locator = Locator::Digest(member.digest.clone());
            (Some(found), manifest(registry, reference, &locator).await?)
        }
        None => (None, found),
    };
    let listed = manifest.image().expect("because it is no image index");
    let config = registry.get_blob(repository, &listed.config.digest, CONFIG_LIMIT).await?;
    let layers = listed.layers.iter().map(|layer| layer_of(registry, repository, layer)).collect();
    let image = NodeImage::of_parts(index, manifest.clone(), config, layers)?;
    match fit(&image.platform, platform) {
        Some(_) => Ok(image),
        None => {
            let (has, node) = (vec![image.platform], Box::new(platform.clone()));
            Err(WrongPlatform::Other { has, node }.into())
        }
    }
}

async fn manifest(
    registry: &Registry,
    reference: &Reference,
    locator: &Locator,
) -> Result<Manifest, FetchError> {
    let found = registry.get_manifest(&reference.repository, locator).await?;
    found.ok_or_else(|| FetchError::Absent { reference: Box::new(reference.clone()) })
}

/// The member of an image index that runs best on the platform; nothing where it is no image index.
fn member<'a>(found: &'a Manifest, platform: &Platform) -> Result<Option<&'a Descriptor>, WrongPlatform> {
    let Some(index) = found.index() else { return Ok(None) };
    let members = || index.manifests.iter().filter_map(|member| Some((member.platform.as_ref()?, member)));
    let fitting = members().filter_map(|(of, member)| Some((fit(of, platform)?, member)));
    match fitting.min_by_key(|(rank, _)| *rank) {
        Some((_, member)) => Ok(Some(member)),
        None => {
            let has = members().map(|(of, _)| of.clone()).filter(|of| of.os != "unknown").collect();
            Err(WrongPlatform::Other { has, node: Box::new(platform.clone()) })
        }
    }
}

fn layer_of(registry: &Registry, repository: &Repository, layer: &Descriptor) -> NodeLayer {
    NodeLayer {
        media_type: layer.media_type.clone(),
        digest: Some(layer.digest.clone()),
        // Stated by the config, which is read then.
        diff_id: layer.digest.clone(),
        size: layer.size,
        passed: None,
        bytes: Arc::new(RemoteBlob::new(registry, repository, &layer.digest)),
    }
}
