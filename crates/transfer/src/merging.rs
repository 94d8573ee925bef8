//! Merging an image into what its tag names: what comes of it, and the document that is written
//! (design decision 2; rules.md, "Merging"). The rules themselves are pure and stand in `portolan_oci::merge`.

use std::collections::HashSet;

use portolan_oci::{
    Clash, Digest, ImageConfig, Locator, Manifest, Merge, MergeError, Merged, Platform, Repository, Side,
    merge,
};
use portolan_registry::{Registry, RegistryError};

use crate::{
    content::Identity,
    probe::Question,
    report::{Changes, Differing},
};

/// Bytes of an image's configuration that are read at most: as much as of a manifest.
const CONFIG_LIMIT: u64 = portolan_oci::MANIFEST_LIMIT;

/// What a tag names, with what the registry tells of it.
pub(crate) struct Found {
    manifest: Manifest,
    /// What it runs on, where it is a single image.
    platform: Option<Platform>,
}

impl Found {
    /// Asks what `manifest` runs on.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering.
    pub(crate) async fn ask(question: &Question<'_>, manifest: &Manifest) -> Result<Self, RegistryError> {
        let platform = platform_of(question.registry, question.repository, manifest).await?;
        Ok(Self { manifest: manifest.clone(), platform })
    }

    /// The document that the tag names.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

/// What a merge would come to.
pub(crate) enum Outlook {
    /// The tag has all of ours, under that digest.
    Same(Digest),
    /// What was found is to change so.
    Changes(Changes, Box<Found>),
    /// The tag has other content for every platform of ours.
    Differs,
    /// The two can't stand under one tag.
    Refused(MergeError),
}

/// What comes of merging the image into `found`, which its tag names.
///
/// # Errors
/// Whatever keeps the registry from telling what `found` runs on.
pub(crate) async fn outlook(question: &Question<'_>, found: &Manifest) -> Result<Outlook, RegistryError> {
    if let Some(digest) = same_by_config(question, found).await? {
        return Ok(Outlook::Same(digest));
    }
    let (found, ours) = (Found::ask(question, found).await?, question.ours.stand_in());
    let merged = match merged(question, &found, &ours, &HashSet::new()) {
        Ok(merged) => merged,
        Err(error) => return Ok(Outlook::Refused(error)),
    };
    Ok(match (&merged.document, merged.kept.is_empty()) {
        (Merged::Found, true) => Outlook::Same(found.manifest.digest().clone()),
        (Merged::Found, false) => Outlook::Differs,
        (Merged::Ours | Merged::Made(_), _) => {
            Outlook::Changes(changes(&merged, question.identity), Box::new(found))
        }
    })
}

/// The document that holds both `found` and `ours`, less what is `lost`.
///
/// # Errors
/// Why the two can't be merged.
pub(crate) fn merged(
    question: &Question<'_>,
    found: &Found,
    ours: &Manifest,
    lost: &HashSet<Digest>,
) -> Result<Merge, MergeError> {
    let found = Side { manifest: &found.manifest, platform: found.platform.as_ref() };
    let ours = Side { manifest: ours, platform: question.ours.platform() };
    merge(found, ours, question.existing.clashing(), lost)
}

/// What a merge comes to, for plans and reports.
pub(crate) fn changes(merge: &Merge, identity: &Identity) -> Changes {
    let differing = |clash: &Clash| Differing {
        platform: clash.platform.clone(),
        found: clash.found.clone(),
        // What stands in for a manifest that is yet to be made has no digest that means anything.
        ours: identity.digest().map(|_| clash.ours.clone()),
    };
    Changes {
        added: merge.added.clone(),
        replaced: merge.replaced.iter().map(differing).collect(),
        kept: merge.kept.iter().map(differing).collect(),
    }
}

/// Digests of the members of `found` that the registry doesn't have.
///
/// # Errors
/// Whatever keeps the registry from answering.
pub(crate) async fn lost_members(
    question: &Question<'_>,
    found: &Manifest,
) -> Result<Vec<Digest>, RegistryError> {
    let mut lost = Vec::new();
    for member in found.index().into_iter().flat_map(|index| &index.manifests) {
        let by_digest = Locator::Digest(member.digest.clone());
        if question.registry.head_manifest(question.repository, &by_digest).await?.is_none() {
            lost.push(member.digest.clone());
        }
    }
    Ok(lost)
}

/// The member of `found` that is this image under another manifest: where ours is made anew, equal configs
/// make equal images (rules.md, "Same, other, kept").
async fn same_by_config(question: &Question<'_>, found: &Manifest) -> Result<Option<Digest>, RegistryError> {
    let (Some(config), Some(own)) = (question.identity.config(), question.ours.platform()) else {
        return Ok(None);
    };
    let runs_there = |platform: &Platform| platform.normalized() == own.normalized();
    for member in found.index().into_iter().flat_map(|index| &index.manifests) {
        if !member.platform.as_ref().is_some_and(runs_there) {
            continue;
        }
        let by_digest = Locator::Digest(member.digest.clone());
        let manifest = question.registry.get_manifest(question.repository, &by_digest).await?;
        let image = manifest.as_ref().and_then(Manifest::image);
        if image.is_some_and(|image| image.config.digest == *config) {
            return Ok(Some(member.digest.clone()));
        }
    }
    Ok(None)
}

/// What a single image runs on, by its configuration; `None` where it is none that runs, or has lost it.
///
/// # Errors
/// Whatever keeps the registry from answering.
pub(crate) async fn platform_of(
    registry: &Registry,
    repository: &Repository,
    found: &Manifest,
) -> Result<Option<Platform>, RegistryError> {
    let Some(image) = found.image() else { return Ok(None) };
    let config = &image.config;
    if config.size > CONFIG_LIMIT {
        return Ok(None);
    }
    match registry.get_blob(repository, &config.digest, CONFIG_LIMIT).await {
        Ok(bytes) => Ok(ImageConfig::parse(&bytes).ok().map(|config| config.platform)),
        Err(RegistryError::NotFound { .. } | RegistryError::DigestMismatch { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
