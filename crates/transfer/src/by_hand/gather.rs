//! The manifests and blobs that a target is to get, each once.

use std::collections::{HashMap, HashSet};

use portolan_oci::{Descriptor, Digest, Manifest, Repository};
use portolan_registry::Registry;

use super::{MergeFailure, source::MergeSource};
use crate::blobs::{BlobTask, push_new};

/// How deep image indexes may lie in image indexes.
const DEPTH_LIMIT: usize = 4;

/// What is brought into one repository.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// In the order in which they can be put: members before those that name them.
    pub(super) manifests: Vec<Manifest>,
    pub(super) tasks: Vec<BlobTask>,
    known: HashSet<Digest>,
    by_digest: HashMap<Digest, usize>,
}

/// Whose repository it is.
#[derive(Clone, Copy)]
pub(super) struct Into<'a> {
    pub(super) registry: &'a Registry,
    pub(super) repository: &'a Repository,
}

impl Gathered {
    /// Takes up the manifest of that digest with all that it consists of; `false` where the source has lost it.
    pub(super) async fn add(
        &mut self,
        source: &MergeSource,
        digest: &Digest,
        into: Into<'_>,
    ) -> Result<bool, MergeFailure> {
        if self.known.contains(digest) {
            return Ok(true);
        }
        let Some(manifest) = source.member(digest).await? else { return Ok(false) };
        self.add_manifest(source, manifest, into).await?;
        Ok(true)
    }

    /// Takes up a manifest that was read already.
    pub(super) async fn add_manifest(
        &mut self,
        source: &MergeSource,
        manifest: Manifest,
        into: Into<'_>,
    ) -> Result<(), MergeFailure> {
        // Depth first, so that members come before what names them.
        let mut open = vec![(manifest, 0)];
        while let Some((manifest, next)) = open.pop() {
            let member = manifest.index().and_then(|index| index.manifests.get(next)).cloned();
            match member {
                Some(member) => {
                    open.push((manifest, next + 1));
                    if !self.known.contains(&member.digest) && open.len() < DEPTH_LIMIT {
                        open.push((self.member(source, &member.digest).await?, 0));
                    }
                }
                None => self.take(source, manifest, into),
            }
        }
        Ok(())
    }

    async fn member(&self, source: &MergeSource, digest: &Digest) -> Result<Manifest, MergeFailure> {
        let lost = || MergeFailure::NotWhole { name: source.name().to_string(), digest: digest.clone() };
        source.member(digest).await?.ok_or_else(lost)
    }

    fn take(&mut self, source: &MergeSource, manifest: Manifest, into: Into<'_>) {
        if !self.known.insert(manifest.digest().clone()) {
            return;
        }
        if let Some(image) = manifest.image() {
            // Layers with addresses of their own lie elsewhere.
            let own = |layer: &&Descriptor| layer.urls.is_empty();
            let blobs = image.layers.iter().filter(own).chain(std::iter::once(&image.config));
            blobs.for_each(|blob| self.blob(source, blob, into));
        }
        self.manifests.push(manifest);
    }

    fn blob(&mut self, source: &MergeSource, blob: &Descriptor, into: Into<'_>) {
        let lender = source.lender(into.registry);
        if let Some(at) = self.by_digest.get(&blob.digest) {
            return lender.into_iter().for_each(|lender| push_new(&mut self.tasks[*at].lenders, lender));
        }
        let Some(content) = source.content(blob) else { return };
        self.by_digest.insert(blob.digest.clone(), self.tasks.len());
        self.tasks.push(BlobTask {
            content,
            digest: Some(blob.digest.clone()),
            size: blob.size,
            repositories: vec![into.repository.clone()],
            lenders: lender.into_iter().cloned().collect(),
            arrived: None,
            images: vec![0],
        });
    }
}
