//! Asks the registry what a tag holds: one request for an image that is there.

use portolan_oci::{Descriptor, Digest, Locator, Manifest, Repository};
use portolan_registry::{Registry, RegistryError};

use crate::{
    content::Identity,
    merging::{self, Found, Outlook},
    options::{Existing, ExistingPolicy},
    ours::Ours,
    plan::ImageAction,
};

/// An image and the name that it is to have.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) repository: &'a Repository,
    pub(crate) locator: &'a Locator,
    pub(crate) ours: Ours<'a>,
    /// By what the image is recognised, as far as that is known by now.
    pub(crate) identity: &'a Identity,
    pub(crate) existing: Existing,
}

/// What a tag holds of an image.
pub(crate) struct Probed {
    /// What is to be done with the image.
    pub(crate) action: ImageAction,
    /// By what digest the registry has it, where it does.
    pub(crate) digest: Option<Digest>,
    /// What the tag names, where that is to be extended.
    pub(crate) found: Option<Box<Found>>,
}

impl Probed {
    /// The registry hasn't got it.
    pub(crate) fn absent(action: ImageAction) -> Self {
        Self { action, digest: None, found: None }
    }

    /// The registry has it under that digest.
    pub(crate) fn there(digest: &Digest) -> Self {
        Self { digest: Some(digest.clone()), ..Self::absent(ImageAction::Exists) }
    }
}

/// What the image is under that name.
///
/// # Errors
/// Whatever keeps the registry from answering.
pub(crate) async fn probe(question: &Question<'_>) -> Result<Probed, RegistryError> {
    let Question { registry, repository, locator, identity, .. } = *question;
    if let Some(ours) = identity.digest() {
        match registry.head_manifest(repository, locator).await? {
            None => return Ok(Probed::absent(ImageAction::Push)),
            Some(head) if head.digest == *ours => return Ok(Probed::there(&head.digest)),
            Some(_) => {}
        }
    }
    match registry.get_manifest(repository, locator).await? {
        None => Ok(Probed::absent(ImageAction::Push)),
        Some(found) => compare(question, &found).await,
    }
}

/// What the image is under a tag that names `found`.
///
/// # Errors
/// Whatever keeps the registry from answering what only it knows of `found`.
pub(crate) async fn compare(question: &Question<'_>, found: &Manifest) -> Result<Probed, RegistryError> {
    if let Some(digest) = question.identity.in_manifest(found) {
        return Ok(Probed::there(digest));
    }
    let holds = || describe(found);
    let keep = |holds| Probed::absent(ImageAction::Keep { found: found.digest().clone(), holds });
    match question.existing.policy {
        ExistingPolicy::Keep | ExistingPolicy::Error => Ok(keep(holds())),
        ExistingPolicy::Replace => {
            Ok(Probed::absent(ImageAction::Replace { found: found.digest().clone(), holds: holds() }))
        }
        ExistingPolicy::Merge => Ok(match merging::outlook(question, found).await? {
            Outlook::Same(digest) => Probed::there(&digest),
            Outlook::Changes(changes, extended) => {
                let action = ImageAction::Merge { found: found.digest().clone(), changes };
                Probed { found: Some(extended), ..Probed::absent(action) }
            }
            Outlook::Differs => keep(holds()),
            Outlook::Refused(error) => keep(format!("{}; {error}", holds())),
        }),
    }
}

/// What a manifest is, in words for people.
fn describe(manifest: &Manifest) -> String {
    let Some(index) = manifest.index() else { return "the manifest of one image".to_owned() };
    let platforms: Vec<String> =
        index.manifests.iter().filter_map(Descriptor::runs_on).map(ToString::to_string).collect();
    format!(
        "an image index of {}",
        if platforms.is_empty() { "no platform".to_owned() } else { platforms.join(", ") }
    )
}
