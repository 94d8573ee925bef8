//! Writes the manifests of an image whose blobs are all in its repository, the one with the tag last.

use std::collections::HashSet;

use portolan_oci::{Digest, Locator, Manifest, Merged, Platform, Reference, Repository, SizedDigest};
use portolan_package::ImageContent;
use portolan_registry::{HarborRefusal, Put, Registry, RegistryError};

use crate::{
    content::Identity,
    merging::{self, Found},
    options::Existing,
    ours::Ours,
    plan::{ImageAction, PlannedImage},
    probe::{Probed, Question, probe},
};

/// How often a tag is read and written again because somebody else was quicker. Each time somebody's work
/// came to its end, so that only a crowd at one tag uses them up.
const ATTEMPTS: usize = 20;

/// An image whose tag was dealt with.
pub(crate) struct Written {
    /// Digest of its manifest or image index, as the registry has it.
    pub(crate) digest: Digest,
    /// What was done in the end; another run may have been quicker.
    pub(crate) action: ImageAction,
    /// Whether another writer may have taken the update away, or lost its own by it: then the tag is to be
    /// read again.
    pub(super) is_to_be_read_again: bool,
}

/// Why a tag was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TagError {
    /// What the registry said against it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The tag's image index names what the registry has lost.
    #[error(
        "the tag can't be extended: the registry has lost {} of the image index that it names; bring it again, or leave it out with --drop-lost",
        .lost.join(", ")
    )]
    Lost {
        /// Digests of the members.
        lost: Vec<String>,
    },
    /// Others write the tag all the time.
    #[error(
        "the tag was merged again and again, and each time another writer took it away; run again when they are done"
    )]
    Contended,
    /// The tag could be merged when it was planned, and can't be by now.
    #[error("the tag can't be extended")]
    Merge {
        /// Why not.
        #[source]
        source: portolan_oci::MergeError,
    },
}

/// An image on its way under its tag.
pub(crate) struct Tagging<'a> {
    registry: &'a Registry,
    repository: &'a Repository,
    locator: Locator,
    existing: Existing,
    ours: Ours<'a>,
    manifest: Manifest,
    identity: Identity,
    /// What is mended though the tag names the image already.
    mending: Option<&'a ImageAction>,
}

impl<'a> Tagging<'a> {
    /// Writes what the tag will rest on: the members of an image index. `layers` are those of each member of
    /// the image, as they are in the registry.
    pub(super) async fn begin(
        registry: &'a Registry,
        image: &'a PlannedImage,
        existing: Existing,
        layers: &[Vec<SizedDigest>],
    ) -> Result<Self, RegistryError> {
        let (manifest, members) = manifests(image, layers);
        let identity = match Identity::of(&image.content) {
            Identity::Pending { config } => Identity::Rebuilt { digest: manifest.digest().clone(), config },
            known => known,
        };
        let tagging = Self {
            registry,
            repository: &image.target.repository,
            locator: image.target.locator(),
            existing,
            ours: Ours::Packed(&image.content),
            manifest,
            identity,
            mending: None,
        }
        .mending(&image.action);
        for member in &members {
            tagging.put_by_digest(member).await?;
        }
        Ok(tagging)
    }

    /// Has `target` name a document whose parts are all in its repository.
    pub(crate) fn of_document(
        registry: &'a Registry,
        target: &'a Reference,
        existing: Existing,
        manifest: &'a Manifest,
        platform: Option<&'a Platform>,
    ) -> Self {
        Self {
            registry,
            repository: &target.repository,
            locator: target.locator(),
            existing,
            ours: Ours::Document { manifest, platform },
            manifest: manifest.clone(),
            identity: Identity::Original(manifest.digest().clone()),
            mending: None,
        }
    }

    /// The same where that is `action`: what it names already is put again, where it is to be mended.
    pub(crate) fn mending(self, action: &'a ImageAction) -> Self {
        Self { mending: Some(action).filter(|action| matches!(action, ImageAction::Mend { .. })), ..self }
    }

    /// Has the tag name the image. It is asked about once more right before: hours may have passed since the
    /// plan, and whatever it names by now is extended as the plan would have extended it, never lost.
    ///
    /// # Errors
    /// What the registry said against it, and what keeps two documents from being merged.
    pub(super) async fn write(&self) -> Result<Written, TagError> {
        let mut overtaken = None;
        for _ in 0..ATTEMPTS {
            match self.write_once().await {
                Err(TagError::Registry(error @ RegistryError::Overtaken { .. })) => overtaken = Some(error),
                other => return other,
            }
        }
        Err(overtaken.expect("because at least one attempt is made").into())
    }

    /// What the image is under its tag by now.
    pub(super) async fn probe(&self) -> Result<Probed, RegistryError> {
        probe(&self.question()).await
    }

    async fn write_once(&self) -> Result<Written, TagError> {
        let found = self.probe().await?;
        match found.action {
            ImageAction::Push => {
                let put = self.registry.put_manifest(self.repository, &self.locator, &self.manifest).await?;
                let action = if put == Put::Already { ImageAction::Exists } else { ImageAction::Push };
                Ok(self.written(Probed { action, ..found }))
            }
            ImageAction::Exists if let Some(mending) = self.mending => {
                // By its digest: the tag names it already, and nothing is to change about that.
                self.put_by_digest(&self.manifest).await?;
                Ok(self.written(Probed { action: mending.clone(), ..found }))
            }
            ImageAction::Replace { found: ref before, ref holds } => {
                match self.replace(&self.manifest, before).await {
                    Err(error) if is_immutable(&error) => Ok(self.written(immutable(before, holds))),
                    other => Ok(other.map(|_| self.written(found))?),
                }
            }
            ImageAction::Merge { .. } => {
                let found = found.found.expect("because who finds a merge due has read what is extended");
                match self.merge(&found).await {
                    Err(TagError::Registry(error)) if is_immutable(&error) => {
                        Ok(self.written(immutable(found.manifest().digest(), "other platforms")))
                    }
                    other => other,
                }
            }
            ImageAction::Exists | ImageAction::Mend { .. } | ImageAction::Keep { .. } => {
                Ok(self.written(found))
            }
        }
    }

    /// Extends what the tag names, if that is still `found`.
    async fn merge(&self, found: &Found) -> Result<Written, TagError> {
        if self.manifest.image().is_some() {
            self.put_by_digest(&self.manifest).await?;
        }
        match self.extend(found, &HashSet::new()).await {
            Err(error) if is_of_the_document(&error) => self.without_lost(found, error).await,
            other => other,
        }
    }

    /// Extends what the tag names though the registry refused it, where that is for members which it has
    /// lost, and those may be left out.
    async fn without_lost(&self, found: &Found, refusal: TagError) -> Result<Written, TagError> {
        let lost = merging::lost_members(&self.question(), found.manifest()).await?;
        match (lost.is_empty(), self.existing.drop_lost) {
            (true, _) => Err(refusal),
            (false, false) => Err(TagError::Lost { lost: lost.iter().map(ToString::to_string).collect() }),
            (false, true) => self.extend(found, &lost.into_iter().collect()).await,
        }
    }

    async fn extend(&self, found: &Found, lost: &HashSet<Digest>) -> Result<Written, TagError> {
        let merged = merging::merged(&self.question(), found, &self.manifest, lost);
        let merged = merged.map_err(|source| TagError::Merge { source })?;
        let changes = merging::changes(&merged, &self.identity);
        let found = found.manifest().digest();
        let action = ImageAction::Merge { found: found.clone(), changes };
        let document = match merged.document {
            Merged::Found => return Ok(self.written(Probed::there(found))),
            Merged::Ours => self.manifest.clone(),
            Merged::Made(made) => made,
        };
        let replaced = self.replace(&document, found).await?;
        let is_to_be_read_again = replaced == Put::Unguarded;
        Ok(Written { is_to_be_read_again, ..self.written(Probed::absent(action)) })
    }

    fn written(&self, found: Probed) -> Written {
        let digest = found.digest.unwrap_or_else(|| self.manifest.digest().clone());
        Written { digest, action: found.action, is_to_be_read_again: false }
    }

    async fn replace(&self, manifest: &Manifest, before: &Digest) -> Result<Put, RegistryError> {
        self.registry.replace_manifest(self.repository, &self.locator, manifest, before).await
    }

    async fn put_by_digest(&self, manifest: &Manifest) -> Result<(), RegistryError> {
        let by_digest = Locator::Digest(manifest.digest().clone());
        self.registry.put_manifest(self.repository, &by_digest, manifest).await.map(drop)
    }

    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            registry: self.registry,
            repository: self.repository,
            locator: &self.locator,
            ours: self.ours,
            identity: &self.identity,
            existing: self.existing,
        }
    }
}

/// Whether a rule of Harbor's keeps the tag from being written again.
fn is_immutable(error: &RegistryError) -> bool {
    error.harbor_refusal() == Some(HarborRefusal::ImmutableTag)
}

fn immutable(found: &Digest, holds: &str) -> Probed {
    let holds = format!("{holds}, and a rule of its project keeps it as it is");
    Probed::absent(ImageAction::Keep { found: found.clone(), holds })
}

/// Whether the registry may have refused a document for what it names.
fn is_of_the_document(error: &TagError) -> bool {
    let TagError::Registry(error) = error else { return false };
    match error {
        RegistryError::NotFound { .. } => true,
        RegistryError::Answered { status, .. } => matches!(status.as_u16(), 400 | 422),
        _ => false,
    }
}

/// The manifest that stands for the whole image, and the members that it names.
fn manifests(image: &PlannedImage, layers: &[Vec<SizedDigest>]) -> (Manifest, Vec<Manifest>) {
    match &image.content.content {
        ImageContent::Single(source) => (source.manifest_with(&layers[0]), Vec::new()),
        ImageContent::Index { index, children } => {
            let members = children.iter().zip(layers).map(|(child, layers)| child.manifest_with(layers));
            (index.clone(), members.collect())
        }
    }
}
