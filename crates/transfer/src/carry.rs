//! Brings one blob into every repository that wants it: asked for, mounted, or sent, in that order.

use portolan_oci::{Repository, SizedDigest};
use portolan_registry::{Mount, Registry, RegistryError};
use tokio::sync::{Semaphore, SemaphorePermit};

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

/// What all blobs of a run are carried by.
#[derive(Clone, Copy)]
pub(crate) struct Carriage<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) observer: &'a dyn Observer,
    /// Lets so many blobs send their bytes at once. Questions and mounts need no leave: they are asked for
    /// the next blobs while the connections are busy with these.
    pub(crate) sending: &'a Semaphore,
}

/// One blob on its way.
struct Carrier<'a> {
    carriage: Carriage<'a>,
    task: &'a BlobTask,
    id: BlobId,
}

impl Carriage<'_> {
    /// Brings `task`'s blob wherever it is wanted, and tells the observer so. A repository that refuses it
    /// doesn't keep it from the others.
    pub(crate) async fn carry(self, task: &BlobTask, id: BlobId) -> Carried {
        let carried = Carrier { carriage: self, task, id }.everywhere().await;
        self.observer.event(Event::BlobFinished { id, size: task.size, outcome: carried.summary() });
        carried
    }
}

impl Carrier<'_> {
    async fn everywhere(&self) -> Carried {
        let mut blob = self.task.digest.clone().map(|digest| SizedDigest { digest, size: self.task.size });
        let mut lender = self.task.lenders.first();
        let repositories = &self.task.repositories;
        let mut places = Vec::with_capacity(repositories.len());
        for repository in repositories {
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
            let spoiled = place.as_ref().is_err_and(RegistryError::is_of_the_blob);
            let place = place.map_err(|error| one_line(&error));
            if spoiled {
                // Reading it once more for every other repository would tell the same.
                places.resize(repositories.len(), place);
                break;
            }
            places.push(place);
        }
        Carried { blob, places }
    }

    /// Sends a blob whose digest is known only once it passed.
    async fn derive(&self, repository: &Repository) -> Result<SizedDigest, RegistryError> {
        let _leave = self.leave().await;
        let source = shared(&self.task.content);
        self.carriage.registry.upload_derived(repository, source, &|sent| self.progress(sent)).await
    }

    async fn bring(
        &self,
        blob: &SizedDigest,
        repository: &Repository,
        lender: Option<&Repository>,
    ) -> Result<BlobOutcome, RegistryError> {
        if let Some(lender) = lender.filter(|lender| *lender != repository)
            && self.carriage.registry.mount_blob(repository, &blob.digest, lender).await? == Mount::Mounted
        {
            return Ok(BlobOutcome::Mounted);
        }
        if self.carriage.registry.blob_exists(repository, &blob.digest).await? {
            return Ok(BlobOutcome::Existed);
        }
        self.send(repository, blob).await?;
        Ok(BlobOutcome::Uploaded)
    }

    async fn send(&self, repository: &Repository, blob: &SizedDigest) -> Result<(), RegistryError> {
        let _leave = self.leave().await;
        let source = shared(&self.task.content);
        self.carriage.registry.upload_blob(repository, blob, source, &|sent| self.progress(sent)).await
    }

    /// Waits until the blob may send its bytes, and tells that it does.
    async fn leave(&self) -> SemaphorePermit<'_> {
        let leave = self.carriage.sending.acquire().await.expect("because nobody closes this semaphore");
        let BlobTask { digest, size, .. } = self.task;
        let entry = self.task.entry();
        let started = Event::BlobStarted { id: self.id, digest: digest.as_ref(), entry: &entry, size: *size };
        self.carriage.observer.event(started);
        leave
    }

    fn progress(&self, sent: u64) {
        self.carriage.observer.event(Event::BlobProgress { id: self.id, sent });
    }
}
