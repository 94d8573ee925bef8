//! One blob that goes by, into the repository that wants it first.

use bytes::Bytes;
use portolan_oci::{Digest, Repository, SizedDigest};
use portolan_registry::{RegistryError, Stop};
use std::sync::{Arc, atomic::Ordering};
use tokio::sync::mpsc;

use super::{
    Import,
    ledger::{Arrival, Fate, Key, Loss},
    reader::{Passing, Piece},
    source::algorithm,
};
use crate::{
    blobs::{Content, shared},
    event::{BlobId, BlobOutcome, Event},
    failure::one_line,
    lack::Lack,
};

/// What ends a blob's way.
enum Setback {
    Registry(RegistryError),
    /// The package can't be read, or the project takes nothing more.
    Final(String),
    /// Nobody hands it on any more: the run was interrupted.
    Over,
}

impl From<RegistryError> for Setback {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

/// The chunks of a blob.
struct Pieces<'a> {
    from: mpsc::UnboundedReceiver<Piece>,
    stop: &'a Stop,
}

impl Pieces<'_> {
    /// The next chunk, and whether it is the last one.
    async fn next(&mut self) -> Result<(Bytes, bool), Setback> {
        let piece = tokio::select! {
            piece = self.from.recv() => piece,
            () = self.stop.requested() => None,
        };
        match piece {
            Some(Piece::Onward(bytes)) => Ok((bytes, false)),
            Some(Piece::Last(bytes)) => Ok((bytes, true)),
            Some(Piece::Broken(error)) => Err(Setback::Final(one_line(&error))),
            None => Err(Setback::Over),
        }
    }
}

/// A blob on its way.
struct Upload<'a> {
    import: &'a Import<'a>,
    id: BlobId,
    digest: Option<Digest>,
    size: u64,
    entry: String,
    repository: Repository,
}

impl Import<'_> {
    /// Brings a blob that goes by where it is wanted first, and says what became of it.
    pub(super) async fn bring(&self, passing: Passing) -> (Key, Fate) {
        let Passing { key, digest, size, entry, repository, pieces } = passing;
        let id = BlobId(self.numbers.fetch_add(1, Ordering::Relaxed));
        let upload = Upload { import: self, id, digest, size, entry, repository };
        let pieces = Pieces { from: pieces, stop: &self.options.stop };
        let fate = match upload.arrive(pieces).await {
            Ok(arrival) => Fate::There(arrival),
            Err(setback) => Fate::Lost(self.loss(setback, &upload.repository)),
        };
        let outcome = match &fate {
            Fate::There(arrival) => arrival.outcome,
            Fate::Lost(_) | Fate::Underway if self.options.stop.is_requested() => BlobOutcome::Interrupted,
            Fate::Lost(_) | Fate::Underway => BlobOutcome::Failed,
        };
        self.observer.event(Event::BlobFinished { id, size, outcome });
        (key, fate)
    }

    fn loss(&self, setback: Setback, repository: &Repository) -> Loss {
        let error = match setback {
            Setback::Over => return Loss::default(),
            Setback::Final(why) => return Loss { why: Some(why), is_final: true },
            Setback::Registry(error) => error,
        };
        let is_final = error.is_of_the_blob() || error.is_refused();
        let why = match self.closed.note(&error, repository, &self.options.stop) {
            Lack::Failed(error) => Some(error),
            Lack::Interrupted { error } => error,
        };
        Loss { why, is_final }
    }
}

impl Upload<'_> {
    async fn arrive(&self, mut pieces: Pieces<'_>) -> Result<Arrival, Setback> {
        let import = self.import;
        import.closed.check(&self.repository).map_err(Setback::Final)?;
        if let Some(digest) = &self.digest
            && import.target.registry.blob_exists(&self.repository, digest).await?
        {
            let blob = SizedDigest { digest: digest.clone(), size: self.size };
            return Ok(self.arrival(blob, BlobOutcome::Existed));
        }
        let _leave = import.sending.acquire().await.expect("because nobody closes this semaphore");
        import.wrote.store(true, Ordering::Relaxed);
        let (digest, entry) = (self.digest.as_ref(), self.entry.as_str());
        import.observer.event(Event::BlobStarted { id: self.id, digest, entry, size: self.size });
        let blob = match pieces.next().await? {
            (bytes, true) => self.send_whole(bytes).await?,
            (bytes, false) => self.send_parts(bytes, &mut pieces).await?,
        };
        Ok(self.arrival(blob, BlobOutcome::Uploaded))
    }

    fn arrival(&self, blob: SizedDigest, outcome: BlobOutcome) -> Arrival {
        Arrival { blob, repository: self.repository.clone(), outcome }
    }

    /// Sends a blob that is in memory whole.
    async fn send_whole(&self, bytes: Bytes) -> Result<SizedDigest, RegistryError> {
        let registry = &self.import.target.registry;
        let source = shared(&Content::Held { bytes, entry: self.entry.clone() });
        let progress = |sent| self.progress(sent);
        let Some(digest) = &self.digest else {
            return registry.upload_derived(&self.repository, source, &progress).await;
        };
        let blob = SizedDigest { digest: digest.clone(), size: self.size };
        registry.upload_blob(&self.repository, &blob, Arc::clone(&source), &progress).await?;
        Ok(blob)
    }

    /// Sends a blob chunk by chunk, each as it comes.
    async fn send_parts(&self, first: Bytes, pieces: &mut Pieces<'_>) -> Result<SizedDigest, Setback> {
        let registry = &self.import.target.registry;
        let mut passage = registry.passage(&self.repository, &self.entry, algorithm(self.digest.as_ref()));
        let progress = |sent| self.progress(sent);
        let (mut bytes, mut is_last) = (first, false);
        while !is_last {
            passage.send(bytes, &progress).await?;
            (bytes, is_last) = pieces.next().await?;
        }
        match &self.digest {
            None => Ok(passage.complete_derived(bytes, &progress).await?),
            Some(digest) => {
                let blob = SizedDigest { digest: digest.clone(), size: self.size };
                passage.complete(bytes, &blob, &progress).await?;
                Ok(blob)
            }
        }
    }

    fn progress(&self, sent: u64) {
        self.import.observer.event(Event::BlobProgress { id: self.id, sent });
    }
}
