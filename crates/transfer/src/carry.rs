//! Brings one blob into every repository that wants it: asked for, mounted, or sent, in that order.
//! None of the three is begun once the run was interrupted.

use portolan_oci::{Repository, SizedDigest};
use portolan_registry::{Mount, Registry, RegistryError, Stop};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    blobs::{BlobTask, Content, shared},
    event::{BlobId, BlobOutcome, Event, Observer},
    lack::{Lack, whole},
    refusal::Closed,
};

/// What became of a blob.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    /// Its digest and size as the registry has them, once they are known.
    pub(crate) blob: Option<SizedDigest>,
    /// By repository of the task: how it came there, or why not.
    pub(crate) places: Vec<Result<BlobOutcome, Lack>>,
}

/// What ends a blob's way into a repository.
enum Setback {
    /// The registry, or the blob itself.
    Error(RegistryError),
    /// The run was interrupted.
    Stopped,
    /// The repository's project takes nothing more.
    Closed(String),
}

impl Carried {
    /// A blob that was not begun.
    fn not_reached(task: &BlobTask) -> Self {
        Self { blob: None, places: vec![Err(Lack::NOT_REACHED); task.repositories.len()] }
    }

    /// Bytes that were sent for it, over all repositories.
    pub(crate) fn sent(&self) -> u64 {
        self.blob.as_ref().map_or(0, |blob| self.count(BlobOutcome::Uploaded) * blob.size)
    }

    /// Into how many repositories it came that way.
    pub(crate) fn count(&self, outcome: BlobOutcome) -> u64 {
        self.places.iter().filter(|place| **place == Ok(outcome)).count() as u64
    }

    /// How it came there as a whole: what it lacks anywhere counts most, then that its bytes were needed
    /// anywhere.
    fn summary(&self) -> BlobOutcome {
        match whole(self.places.clone()) {
            Err(Lack::Failed(_)) => BlobOutcome::Failed,
            Err(Lack::Interrupted { .. }) => BlobOutcome::Interrupted,
            Ok(outcomes) if outcomes.contains(&BlobOutcome::Uploaded) => BlobOutcome::Uploaded,
            Ok(outcomes) => *outcomes.first().expect("because each blob is wanted somewhere"),
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
    pub(crate) stop: &'a Stop,
    pub(crate) closed: &'a Closed,
}

/// One blob on its way.
struct Carrier<'a> {
    carriage: Carriage<'a>,
    task: &'a BlobTask,
    id: BlobId,
}

impl Carriage<'_> {
    /// Brings `task`'s blob wherever it is wanted, once it is anywhere, and tells the observer so. A repository that refuses it
    /// doesn't keep it from the others. After an interruption nothing is begun, and nothing is told.
    pub(crate) async fn carry(self, task: &BlobTask, id: BlobId) -> Carried {
        if self.stop.is_requested() {
            return Carried::not_reached(task);
        }
        let ended;
        let task = match &task.content {
            Content::Coming(coming) => {
                ended = coming.ended(task).await;
                &ended
            }
            _ => task,
        };
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
            let spoiled = place.as_ref().is_err_and(Setback::is_of_the_blob);
            let place = place.map_err(|setback| self.lack(setback, repository));
            if spoiled {
                // Reading it once more for every other repository would tell the same.
                places.resize(repositories.len(), place);
                break;
            }
            places.push(place);
        }
        Carried { blob, places }
    }

    fn lack(&self, setback: Setback, repository: &Repository) -> Lack {
        match setback {
            Setback::Error(error) => self.carriage.closed.note(&error, repository, self.carriage.stop),
            Setback::Stopped => Lack::NOT_REACHED,
            Setback::Closed(line) => Lack::Failed(line),
        }
    }

    /// Sends a blob whose digest is known only once it passed.
    async fn derive(&self, repository: &Repository) -> Result<SizedDigest, Setback> {
        let _leave = self.leave(repository).await?;
        let source = shared(&self.task.content);
        let progress = |sent| self.progress(sent);
        Ok(self.carriage.registry.upload_derived(repository, source, &progress).await?)
    }

    async fn bring(
        &self,
        blob: &SizedDigest,
        repository: &Repository,
        lender: Option<&Repository>,
    ) -> Result<BlobOutcome, Setback> {
        if let Some((place, outcome)) = &self.task.arrived
            && place == repository
        {
            return Ok(*outcome);
        }
        self.go_on(repository)?;
        if let Some(lender) = lender.filter(|lender| *lender != repository)
            && self.carriage.registry.mount_blob(repository, &blob.digest, lender).await? == Mount::Mounted
        {
            return Ok(BlobOutcome::Mounted);
        }
        self.go_on(repository)?;
        if self.carriage.registry.blob_exists(repository, &blob.digest).await? {
            return Ok(BlobOutcome::Existed);
        }
        self.send(repository, blob).await?;
        Ok(BlobOutcome::Uploaded)
    }

    async fn send(&self, repository: &Repository, blob: &SizedDigest) -> Result<(), Setback> {
        let _leave = self.leave(repository).await?;
        let source = shared(&self.task.content);
        let progress = |sent| self.progress(sent);
        Ok(self.carriage.registry.upload_blob(repository, blob, source, &progress).await?)
    }

    /// Ends the blob's way where the run was interrupted, or the repository's project takes nothing more.
    fn go_on(&self, repository: &Repository) -> Result<(), Setback> {
        if self.carriage.stop.is_requested() {
            return Err(Setback::Stopped);
        }
        self.carriage.closed.check(repository).map_err(Setback::Closed)
    }

    /// Waits until the blob may send its bytes, and tells that it does. The project may have been closed
    /// meanwhile.
    async fn leave(&self, repository: &Repository) -> Result<SemaphorePermit<'_>, Setback> {
        let leave = tokio::select! {
            biased;
            () = self.carriage.stop.requested() => return Err(Setback::Stopped),
            leave = self.carriage.sending.acquire() => leave.expect("because nobody closes this semaphore"),
        };
        self.go_on(repository)?;
        let BlobTask { digest, size, .. } = self.task;
        let entry = self.task.entry();
        let started = Event::BlobStarted { id: self.id, digest: digest.as_ref(), entry: &entry, size: *size };
        self.carriage.observer.event(started);
        Ok(leave)
    }

    fn progress(&self, sent: u64) {
        self.carriage.observer.event(Event::BlobProgress { id: self.id, sent });
    }
}

impl Setback {
    fn is_of_the_blob(&self) -> bool {
        matches!(self, Self::Error(error) if error.is_of_the_blob())
    }
}

impl From<RegistryError> for Setback {
    fn from(error: RegistryError) -> Self {
        Self::Error(error)
    }
}
