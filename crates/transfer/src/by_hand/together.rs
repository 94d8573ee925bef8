//! All sources as one document, as if each had been merged after the one before it.

use std::collections::{HashMap, HashSet};

use portolan_oci::{Clash, Clashing, Digest, Manifest, Merged, Platform, Side, merge};

use super::{MergeFailure, source::Read};

/// What all sources are together.
#[derive(Clone, Debug)]
pub(super) struct Together {
    pub(super) manifest: Manifest,
    /// Where that is the manifest of a single image.
    pub(super) platform: Option<Platform>,
    /// By the digest of each document: the position of the first source that has it.
    pub(super) origins: HashMap<Digest, usize>,
    /// What later sources took the place of.
    pub(super) replaced: Vec<Clash>,
}

/// The members of a document: those of an image index, else itself.
pub(super) fn members(manifest: &Manifest) -> Vec<Digest> {
    match manifest.index() {
        Some(index) => index.manifests.iter().map(|member| member.digest.clone()).collect(),
        None => vec![manifest.digest().clone()],
    }
}

/// Merges the sources with one another.
///
/// # Errors
/// [`MergeFailure::Apart`] and [`MergeFailure::Clash`], which name the later of two sources.
pub(super) fn together(sources: &[Read], clashing: Clashing) -> Result<Together, MergeFailure> {
    let (first, others) = sources.split_first().expect("because a merge has a source at least");
    let mut all = Together {
        manifest: first.manifest.clone(),
        platform: first.platform.clone(),
        origins: HashMap::new(),
        replaced: Vec::new(),
    };
    for (at, read) in sources.iter().enumerate() {
        for digest in members(&read.manifest) {
            all.origins.entry(digest).or_insert(at);
        }
    }
    others.iter().try_for_each(|read| all.join(read, clashing))?;
    Ok(all)
}

impl Together {
    fn join(&mut self, read: &Read, clashing: Clashing) -> Result<(), MergeFailure> {
        if *self.manifest.digest() == *read.manifest.digest() {
            return Ok(());
        }
        let name = || read.source.name().to_string();
        let so_far = Side { manifest: &self.manifest, platform: self.platform.as_ref() };
        let next = Side { manifest: &read.manifest, platform: read.platform.as_ref() };
        let merged = merge(so_far, next, clashing, &HashSet::new())
            .map_err(|source| MergeFailure::Apart { name: name(), source })?;
        if !merged.kept.is_empty() {
            let platforms: Vec<String> = merged.kept.iter().map(|clash| clash.platform.to_string()).collect();
            return Err(MergeFailure::Clash { name: name(), platforms: platforms.join(", ") });
        }
        self.replaced.extend(merged.replaced);
        match merged.document {
            Merged::Found => {}
            Merged::Ours => (self.manifest, self.platform) = (read.manifest.clone(), read.platform.clone()),
            Merged::Made(made) => (self.manifest, self.platform) = (made, None),
        }
        Ok(())
    }
}
