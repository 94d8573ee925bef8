//! Brings one blob into every repository that wants it: asked for, mounted, or sent, in that order.

use portolan_oci::{Repository, SizedDigest};
use portolan_registry::{Mount, Registry, RegistryError};

use crate::{
    blobs::{BlobTask, shared},
    event::{BlobId, BlobOutcome, Event, Observer},
    failure::one_line,
};

/// What became of a blob.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    /// Its digest and size as the registry has them, once they are known.
    pub(crate) blob: Option<SizedDigest>,
    /// By repository of the task: how it came there, or why not.
    pub(crate) places: Vec<Result<BlobOutcome, String>>,
}

impl Carried {
    /// Bytes that were sent for it, over all repositories.
    pub(crate) fn sent(&self) -> u64 {
        self.blob.as_ref().map_or(0, |blob| self.count(BlobOutcome::Uploaded) * blob.size)
    }

    /// Into how many repositories it came that way.
    pub(crate) fn count(&self, outcome: BlobOutcome) -> u64 {
        self.places.iter().filter(|place| **place == Ok(outcome)).count() as u64
    }

    /// How it came there as a whole: failed if it lacks anywhere, sent if its bytes were needed anywhere.
    fn summary(&self) -> BlobOutcome {
        let failed = self.places.iter().any(Result::is_err);
        match self.places.first() {
            Some(Ok(_)) if !failed && self.count(BlobOutcome::Uploaded) > 0 => BlobOutcome::Uploaded,
            Some(Ok(first)) if !failed => *first,
            _ => BlobOutcome::Failed,
        }
    }
}

/// One blob on its way.
struct Carrier<'a> {
    registry: &'a Registry,
    task: &'a BlobTask,
    id: BlobId,
    observer: &'a dyn Observer,
}

/// Brings `task`'s blob wherever it is wanted, and tells `observer` so. A repository that refuses it
/// doesn't keep it from the others.
pub(crate) async fn carry(
    registry: &Registry,
    task: &BlobTask,
    id: BlobId,
    observer: &dyn Observer,
) -> Carried {
    let entry = task.entry();
    observer.event(Event::BlobStarted { id, digest: task.digest.as_ref(), entry: &entry, size: task.size });
    let carried = Carrier { registry, task, id, observer }.everywhere().await;
    observer.event(Event::BlobFinished { id, size: task.size, outcome: carried.summary() });
    carried
}

impl Carrier<'_> {
    async fn everywhere(&self) -> Carried {
        let mut blob = self.task.digest.clone().map(|digest| SizedDigest { digest, size: self.task.size });
        let mut lender = self.task.lenders.first();
        let mut places = Vec::with_capacity(self.task.repositories.len());
        for repository in &self.task.repositories {
            let place = match &blob {
                Some(blob) => self.bring(blob, repository, lender).await,
                None => self.derive(repository).await.map(|derived| {
                    blob = Some(derived);
                    BlobOutcome::Uploaded
                }),
            };
            if place.is_ok() {
                lender = lender.or(Some(repository));
            }
            places.push(place.map_err(|error| one_line(&error)));
        }
        Carried { blob, places }
    }

    /// Sends a blob whose digest is known only once it passed.
    async fn derive(&self, repository: &Repository) -> Result<SizedDigest, RegistryError> {
        let source = shared(&self.task.content);
        self.registry.upload_derived(repository, source, &|sent| self.progress(sent)).await
    }

    async fn bring(
        &self,
        blob: &SizedDigest,
        repository: &Repository,
        lender: Option<&Repository>,
    ) -> Result<BlobOutcome, RegistryError> {
        if let Some(lender) = lender.filter(|lender| *lender != repository)
            && self.registry.mount_blob(repository, &blob.digest, lender).await? == Mount::Mounted
        {
            return Ok(BlobOutcome::Mounted);
        }
        if self.registry.blob_exists(repository, &blob.digest).await? {
            return Ok(BlobOutcome::Existed);
        }
        self.send(repository, blob).await?;
        Ok(BlobOutcome::Uploaded)
    }

    async fn send(&self, repository: &Repository, blob: &SizedDigest) -> Result<(), RegistryError> {
        let source = shared(&self.task.content);
        self.registry.upload_blob(repository, blob, source, &|sent| self.progress(sent)).await
    }

    fn progress(&self, sent: u64) {
        self.observer.event(Event::BlobProgress { id: self.id, sent });
    }
}
