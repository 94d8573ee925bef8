//! Asks the registry what a tag holds: one request for an image that is there.

use portolan_oci::{Digest, Locator, Manifest, Repository};
use portolan_registry::{Registry, RegistryError};

use crate::{content::Identity, plan::ImageAction};

/// What a tag holds of an image.
pub(crate) struct Probed {
    /// What is to be done with the image.
    pub(crate) action: ImageAction,
    /// By what digest the registry has it, where it does.
    pub(crate) digest: Option<Digest>,
}

impl Probed {
    /// The registry hasn't got it.
    pub(crate) fn absent(action: ImageAction) -> Self {
        Self { action, digest: None }
    }
}

/// What the image of that identity is under that name.
///
/// # Errors
/// Whatever keeps the registry from answering.
pub(crate) async fn probe(
    registry: &Registry,
    repository: &Repository,
    locator: &Locator,
    identity: &Identity,
) -> Result<Probed, RegistryError> {
    if let Some(ours) = identity.digest() {
        match registry.head_manifest(repository, locator).await? {
            None => return Ok(Probed::absent(ImageAction::Push)),
            Some(head) if head.digest == *ours => {
                return Ok(Probed { action: ImageAction::Exists, digest: Some(head.digest) });
            }
            Some(_) => {}
        }
    }
    let found = registry.get_manifest(repository, locator).await?;
    Ok(found.map_or(Probed::absent(ImageAction::Push), |found| compare(identity, &found)))
}

/// What the image is under a tag that names `found`.
pub(crate) fn compare(identity: &Identity, found: &Manifest) -> Probed {
    match identity.in_manifest(found) {
        Some(digest) => Probed { action: ImageAction::Exists, digest: Some(digest.clone()) },
        None => Probed::absent(ImageAction::Keep { found: found.digest().clone(), holds: describe(found) }),
    }
}

/// What a manifest is, in words for people.
fn describe(manifest: &Manifest) -> String {
    let Some(index) = manifest.index() else { return "the manifest of one image".to_owned() };
    let platforms: Vec<String> = index
        .manifests
        .iter()
        .filter_map(|member| member.platform.as_ref())
        .filter(|platform| platform.os != "unknown")
        .map(ToString::to_string)
        .collect();
    format!(
        "an image index of {}",
        if platforms.is_empty() { "no platform".to_owned() } else { platforms.join(", ") }
    )
}
