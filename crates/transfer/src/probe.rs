//! Asks the registry what a tag holds: one request for an image that is there.

use portolan_oci::{Locator, Manifest, Repository};
use portolan_registry::{Registry, RegistryError};

use crate::{content::Identity, plan::ImageAction};

/// What is to be done with the image of that identity under that name.
///
/// # Errors
/// Whatever keeps the registry from answering.
pub(crate) async fn probe(
    registry: &Registry,
    repository: &Repository,
    locator: &Locator,
    identity: &Identity,
) -> Result<ImageAction, RegistryError> {
    if let Some(ours) = identity.digest() {
        match registry.head_manifest(repository, locator).await? {
            None => return Ok(ImageAction::Push),
            Some(head) if head.digest == *ours => return Ok(ImageAction::Exists),
            Some(_) => {}
        }
    }
    let found = registry.get_manifest(repository, locator).await?;
    Ok(found.map_or(ImageAction::Push, |found| compare(identity, &found)))
}

/// What is to be done about a tag that names `found`.
pub(crate) fn compare(identity: &Identity, found: &Manifest) -> ImageAction {
    if identity.is_held_by(found) {
        ImageAction::Exists
    } else {
        ImageAction::Keep { found: found.digest().clone(), holds: describe(found) }
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
