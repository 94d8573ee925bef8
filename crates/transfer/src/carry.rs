//! Brings one blob into every repository that wants it: asked for, mounted, or sent, in that order.

use portolan_oci::{Digest, Repository, SizedDigest};
use portolan_registry::{Expected, Mount, Registry, RegistryError};

use crate::{
    blobs::{BlobTask, shared},
    event::{BlobId, BlobOutcome, Event, Observer},
};

/// What became of a blob.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    /// Its digest and size as the registry has them.
    pub(crate) blob: SizedDigest,
    /// Bytes that were sent for it, over all repositories.
    pub(crate) sent: u64,
    /// How it came into the first repository that wanted it.
    pub(crate) outcome: BlobOutcome,
}

/// One blob on its way.
struct Carrier<'a> {
    registry: &'a Registry,
    task: &'a BlobTask,
    id: BlobId,
    observer: &'a dyn Observer,
}

/// Brings `task`'s blob wherever it is wanted, and tells `observer` so.
///
/// # Errors
/// The first failure; repositories that were served before it keep the blob.
pub(crate) async fn carry(
    registry: &Registry,
    task: &BlobTask,
    id: BlobId,
    observer: &dyn Observer,
) -> Result<Carried, RegistryError> {
    let entry = task.entry();
    observer.event(Event::BlobStarted { id, digest: task.digest.as_ref(), entry: &entry, size: task.size });
    let result = Carrier { registry, task, id, observer }.everywhere().await;
    let outcome = result.as_ref().map_or(BlobOutcome::Failed, |carried| carried.outcome);
    observer.event(Event::BlobFinished { id, size: task.size, outcome });
    result
}

impl Carrier<'_> {
    async fn everywhere(&self) -> Result<Carried, RegistryError> {
        let (first, others) = self
            .task
            .repositories
            .split_first()
            .expect("because a task is made for a repository that wants it");
        let mut carried = self.first(first).await?;
        for repository in others {
            let (outcome, sent) = self.bring_to(repository, &carried.blob, &[first]).await?;
            carried.sent += sent;
            if outcome == BlobOutcome::Uploaded {
                carried.outcome = outcome;
            }
        }
        Ok(carried)
    }

    async fn first(&self, repository: &Repository) -> Result<Carried, RegistryError> {
        let Some(digest) = &self.task.digest else { return self.derive(repository).await };
        let blob = SizedDigest { digest: digest.clone(), size: self.task.size };
        let lenders: Vec<&Repository> = self.task.lenders.iter().take(1).collect();
        let (outcome, sent) = self.bring_to(repository, &blob, &lenders).await?;
        Ok(Carried { blob, sent, outcome })
    }

    /// Sends a blob whose digest is known only once it passed.
    async fn derive(&self, repository: &Repository) -> Result<Carried, RegistryError> {
        let source = shared(&self.task.content);
        let Expected { digest, size } =
            self.registry.upload_derived(repository, source, &|sent| self.progress(sent)).await?;
        let blob = SizedDigest { digest, size };
        Ok(Carried { sent: size, blob, outcome: BlobOutcome::Uploaded })
    }

    async fn bring_to(
        &self,
        repository: &Repository,
        blob: &SizedDigest,
        lenders: &[&Repository],
    ) -> Result<(BlobOutcome, u64), RegistryError> {
        for lender in lenders.iter().filter(|lender| **lender != repository) {
            if self.registry.mount_blob(repository, &blob.digest, lender).await? == Mount::Mounted {
                return Ok((BlobOutcome::Mounted, 0));
            }
        }
        if self.registry.blob_exists(repository, &blob.digest).await? {
            return Ok((BlobOutcome::Existed, 0));
        }
        self.send(repository, &blob.digest, blob.size).await?;
        Ok((BlobOutcome::Uploaded, blob.size))
    }

    async fn send(&self, repository: &Repository, digest: &Digest, size: u64) -> Result<(), RegistryError> {
        let expected = Expected { digest: digest.clone(), size };
        let source = shared(&self.task.content);
        self.registry.upload_blob(repository, &expected, source, &|sent| self.progress(sent)).await
    }

    fn progress(&self, sent: u64) {
        self.observer.event(Event::BlobProgress { id: self.id, sent });
    }
}
