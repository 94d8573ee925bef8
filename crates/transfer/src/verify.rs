//! Looks behind tags: an image is complete when every part of it is there, index, children and blobs
//! (`sync --verify`). Manifests are fetched, and their digests checked; blobs are asked for, not fetched.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use portolan_oci::{Descriptor, Digest, ImageIndex, ImageManifest, Locator, Manifest, Repository};
use portolan_registry::{Registry, RegistryError};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use crate::{
    blobs::push_new,
    content::Identity,
    held::held,
    plan::ImageAction,
    probe::{Probed, Question, compare},
};

/// Questions about parts that are open at once, over all images.
const QUESTIONS_AT_ONCE: usize = 16;

/// Whether a blob is there; whoever wants to know while it is asked waits for the one answer.
type Answer = Arc<OnceCell<bool>>;

/// What asks about the parts of images; it asks about each blob of a repository once.
pub(crate) struct Verifier<'a> {
    registry: &'a Registry,
    questions: Semaphore,
    blobs: Mutex<HashMap<(Repository, Digest), Answer>>,
}

impl<'a> Verifier<'a> {
    pub(crate) fn new(registry: &'a Registry) -> Self {
        Self { registry, questions: Semaphore::new(QUESTIONS_AT_ONCE), blobs: Mutex::default() }
    }

    /// As [`probe`](crate::probe::probe), and what parts lack of an image that the tag has.
    ///
    /// # Errors
    /// Whatever keeps the registry from answering.
    pub(crate) async fn probe(&self, question: &Question<'_>) -> Result<Probed, RegistryError> {
        let Question { repository, locator, identity, .. } = *question;
        let found = match readable(self.registry.get_manifest(repository, locator).await)? {
            Found::Nothing => return Ok(Probed::absent(ImageAction::Push)),
            Found::Damaged(digest) => return Ok(damaged(identity, digest)),
            Found::Manifest(found) => found,
        };
        let probed = compare(question, &found).await?;
        let lacks = match &probed.digest {
            None => return Ok(probed),
            Some(own) if own == found.digest() => self.lacking(repository, &found).await?,
            // The tag names an image index of more platforms; only the package's own image is looked into.
            Some(own) => self.lacking_child(repository, own).await?,
        };
        let action = if lacks.is_empty() { ImageAction::Exists } else { ImageAction::Mend { lacks } };
        Ok(Probed { action, ..probed })
    }

    /// The parts that `repository` lacks of an image or image index.
    async fn lacking(
        &self,
        repository: &Repository,
        manifest: &Manifest,
    ) -> Result<Vec<Digest>, RegistryError> {
        match (manifest.index(), manifest.image()) {
            (Some(index), _) => self.lacking_children(repository, index).await,
            (None, Some(image)) => self.lacking_blobs(repository, image).await,
            (None, None) => Ok(Vec::new()),
        }
    }

    async fn lacking_children(
        &self,
        repository: &Repository,
        index: &ImageIndex,
    ) -> Result<Vec<Digest>, RegistryError> {
        let children = index.manifests.iter().map(|child| self.lacking_child(repository, &child.digest));
        let lacking: Vec<Vec<Digest>> =
            stream::iter(children).buffered(QUESTIONS_AT_ONCE).try_collect().await?;
        Ok(each_once(lacking.into_iter().flatten()))
    }

    /// The child itself, or what lacks of its blobs. An image index in an image index holds none.
    async fn lacking_child(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Vec<Digest>, RegistryError> {
        match self.by_digest(repository, digest).await? {
            Found::Nothing | Found::Damaged(_) => Ok(vec![digest.clone()]),
            Found::Manifest(child) => match child.image() {
                Some(image) => self.lacking_blobs(repository, image).await,
                None => Ok(Vec::new()),
            },
        }
    }

    /// The blobs that `repository` lacks of an image.
    pub(crate) async fn lacking_blobs(
        &self,
        repository: &Repository,
        image: &ImageManifest,
    ) -> Result<Vec<Digest>, RegistryError> {
        // Layers with addresses of their own lie elsewhere.
        let own = |layer: &&Descriptor| layer.urls.is_empty();
        let blobs = std::iter::once(&image.config).chain(image.layers.iter().filter(own));
        let questions = blobs.map(async |blob| {
            let has = self.has(repository, &blob.digest).await?;
            Ok::<_, RegistryError>((!has).then(|| blob.digest.clone()))
        });
        let lacking: Vec<Option<Digest>> =
            stream::iter(questions).buffered(QUESTIONS_AT_ONCE).try_collect().await?;
        Ok(each_once(lacking.into_iter().flatten()))
    }

    /// What `repository` has under that digest.
    pub(crate) async fn by_digest(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<Found, RegistryError> {
        let _asking = self.ask().await;
        readable(self.registry.get_manifest(repository, &Locator::Digest(digest.clone())).await)
    }

    async fn has(&self, repository: &Repository, digest: &Digest) -> Result<bool, RegistryError> {
        let key = (repository.clone(), digest.clone());
        let answer = {
            let mut blobs = held(&self.blobs);
            Arc::clone(blobs.entry(key).or_default())
        };
        let ask = async || {
            let _asking = self.ask().await;
            self.registry.blob_exists(repository, digest).await
        };
        answer.get_or_try_init(ask).await.copied()
    }

    async fn ask(&self) -> SemaphorePermit<'_> {
        self.questions.acquire().await.expect("because nobody closes this semaphore")
    }
}

/// What came of the question for a manifest.
pub(crate) enum Found {
    Nothing,
    /// Other bytes than the digest that they are served under.
    Damaged(Digest),
    Manifest(Manifest),
}

fn readable(answer: Result<Option<Manifest>, RegistryError>) -> Result<Found, RegistryError> {
    match answer {
        Ok(None) => Ok(Found::Nothing),
        Ok(Some(manifest)) => Ok(Found::Manifest(manifest)),
        Err(RegistryError::DigestMismatch { expected, .. }) => Ok(Found::Damaged(expected)),
        Err(error) => Err(error),
    }
}

/// A tag whose manifest is damaged: only the package's own can be written again.
fn damaged(identity: &Identity, found: Digest) -> Probed {
    if identity.digest() == Some(&found) {
        let action = ImageAction::Mend { lacks: vec![found.clone()] };
        return Probed { digest: Some(found), ..Probed::absent(action) };
    }
    Probed::absent(ImageAction::Keep { found, holds: "a manifest that is damaged".to_owned() })
}

fn each_once(digests: impl Iterator<Item = Digest>) -> Vec<Digest> {
    let mut once = Vec::new();
    digests.for_each(|digest| push_new(&mut once, &digest));
    once
}
