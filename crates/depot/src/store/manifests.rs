//! Putting manifests into a repository and taking them out.

use portolan_oci::{
    Algorithm, Descriptor, Digest, Hasher, Locator, Manifest, ManifestContent, MediaType, Repository, Tag,
};
use serde::Deserialize;

use super::error::StoreError;
use super::put::{Put, required};
use super::{Precondition, Store};
use crate::options::MissingParts;

/// A manifest on its way into a repository, under the digest its client wants.
#[derive(Debug, Clone)]
pub struct NewManifest {
    pub(super) manifest: Manifest,
    pub(super) digest: Digest,
    pub(super) parts: MissingParts,
}

/// Why a manifest was not put.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// What it refers to is not in the repository.
    #[error("manifest refers to what repository {repository} does not hold: push {} first", list(digests))]
    Missing {
        /// The repository.
        repository: Repository,
        /// Blobs and manifests that are not there.
        digests: Vec<Digest>,
    },
    /// What is there is not what the client believes it to be.
    #[error("{reference} was changed by somebody else: read it again")]
    Changed {
        /// The tag, or the digest of a manifest that was put without one.
        reference: Locator,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(digests: &[Digest]) -> String {
    digests.iter().map(Digest::to_string).collect::<Vec<_>>().join(", ")
}

/// `artifactType` of an image index, which makes it a referrer of that type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexType {
    artifact_type: Option<MediaType>,
}

impl NewManifest {
    /// A manifest under its SHA-256 digest.
    pub fn new(manifest: Manifest) -> Self {
        let digest = manifest.digest().clone();
        Self { manifest, digest, parts: MissingParts::Refused }
    }

    /// A manifest under a digest that was given, of any algorithm; refused where it has another.
    pub fn with_digest(manifest: Manifest, expected: &Digest) -> Result<Self, StoreError> {
        let actual = digest_as(manifest.bytes(), expected.algorithm());
        if actual != *expected {
            return Err(StoreError::DigestMismatch { expected: expected.clone(), actual });
        }
        Ok(Self { digest: actual, ..Self::new(manifest) })
    }

    /// The same, with what happens where its parts are not there; else it is refused.
    #[must_use]
    pub fn with(self, parts: MissingParts) -> Self {
        Self { parts, ..self }
    }

    /// Everything that must be there before the manifest is.
    pub(super) fn required(&self) -> impl Iterator<Item = &Descriptor> {
        required(self.manifest.content()).filter(|_| self.parts == MissingParts::Refused)
    }

    /// The digest it is put under.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The manifest it refers to, if it is a referrer.
    pub fn subject(&self) -> Option<&Digest> {
        let subject = match self.manifest.content() {
            ManifestContent::Image(image) => image.subject.as_ref(),
            ManifestContent::Index(index) => index.subject.as_ref(),
        };
        subject.map(|subject| &subject.digest)
    }

    /// What the list of referrers says of it (OCI Distribution 1.1, "Listing Referrers"): the
    /// artifact type is the manifest's own, else the type of its config.
    pub(super) fn as_referrer(&self) -> Descriptor {
        let size = self.manifest.bytes().len() as u64;
        let mut descriptor = Descriptor::new(self.manifest.media_type().clone(), self.digest.clone(), size);
        match self.manifest.content() {
            ManifestContent::Image(image) => {
                let own = image.artifact_type.clone().filter(|own| !own.as_str().is_empty());
                descriptor.artifact_type = own.or_else(|| Some(image.config.media_type.clone()));
                descriptor.annotations.clone_from(&image.annotations);
            }
            ManifestContent::Index(index) => {
                let own = serde_json::from_slice::<IndexType>(self.manifest.bytes());
                descriptor.artifact_type = own.ok().and_then(|own| own.artifact_type);
                descriptor.annotations.clone_from(&index.annotations);
            }
        }
        descriptor
    }
}

impl Store {
    /// Puts a manifest into a repository together with its tags, each of which must meet
    /// `precondition`; without tags the manifest itself must. Everything it refers to, but for its subject, must be there already, unless
    /// it came with [`MissingParts::Taken`]. Where it is refused, nothing has changed.
    pub fn put_manifest(
        &self,
        repository: &Repository,
        new: &NewManifest,
        tags: &[Tag],
        precondition: &Precondition,
    ) -> Result<(), PutError> {
        let put = Put {
            repository: repository.clone(),
            new: new.clone(),
            tags: tags.to_vec(),
            precondition: precondition.clone(),
            lost: self.lost_parts(new),
        };
        // Asked beforehand, most refusals cost no file; asked again in the transaction, they hold.
        if let Some(refusal) = self.metadata.database.read("look for the parts in", |it| put.refusal(it))? {
            return Err(refusal);
        }
        let draft = self.blobs.draft_of(new.manifest.bytes(), new.digest.algorithm())?;
        self.blobs.admit_with(draft, &new.digest, move |writing, arrival| {
            Ok(match put.refusal(writing)? {
                Some(refusal) => Err(refusal),
                None => put.record_within(writing, arrival)?.map_err(|over| PutError::Store(over.into())),
            })
        })?
    }

    /// The digest that a locator names in a repository.
    pub fn resolve(&self, repository: &Repository, locator: &Locator) -> Result<Option<Digest>, StoreError> {
        match locator {
            Locator::Digest(digest) => Ok(Some(digest.clone())),
            Locator::Tag(tag) => self.metadata.tag(repository, tag),
        }
    }

    /// Removes a tag, or a manifest with every tag that points to it; `false` where there is none.
    pub fn delete_manifest(&self, repository: &Repository, locator: &Locator) -> Result<bool, StoreError> {
        match locator {
            Locator::Tag(tag) => self.metadata.remove_tag(repository, tag),
            Locator::Digest(digest) => self.metadata.remove_manifest(repository, digest),
        }
    }

    /// Parts without a file, which count as missing whatever the database says.
    fn lost_parts(&self, new: &NewManifest) -> Vec<Digest> {
        let parts = new.required().map(|part| &part.digest);
        parts.filter(|digest| !self.blobs.has_file(digest)).cloned().collect()
    }
}

/// The digest of bytes under an algorithm.
pub(super) fn digest_as(bytes: &[u8], algorithm: Algorithm) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}
