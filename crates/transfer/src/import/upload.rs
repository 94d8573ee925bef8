//! One blob that goes by, into the repository that wants it first.

use bytes::Bytes;
use portolan_oci::{Digest, Repository, SizedDigest};
use portolan_registry::{RegistryError, Stop};
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;

use super::{
    Import,
    ledger::{Arrival, Fate, Key, Loss},
    pour::Piece,
    reader::Passing,
};
use crate::{
    event::{BlobId, BlobOutcome, Event},
    lack::Lack,
};

/// What ends a blob's way.
enum Setback {
    Registry(RegistryError),
    /// The project takes nothing more.
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
    /// The next chunk; with the last one, what the blob is.
    async fn next(&mut self) -> Result<(Vec<Bytes>, Option<SizedDigest>), Setback> {
        let piece = tokio::select! {
            piece = self.from.recv() => piece,
            () = self.stop.requested() => None,
        };
        match piece {
            Some(Piece::Onward(chunk)) => Ok((chunk, None)),
            Some(Piece::Last(chunk, blob)) => Ok((chunk, Some(blob))),
            Some(Piece::Broken(error)) => Err(error.into()),
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
    async fn arrive(&self, pieces: Pieces<'_>) -> Result<Arrival, Setback> {
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
        let blob = self.send(pieces).await?;
        Ok(self.arrival(blob, BlobOutcome::Uploaded))
    }

    fn arrival(&self, blob: SizedDigest, outcome: BlobOutcome) -> Arrival {
        Arrival { blob, repository: self.repository.clone(), outcome }
    }

    /// Sends the blob chunk by chunk, each as it comes; the session is opened while the first one is read.
    async fn send(&self, mut pieces: Pieces<'_>) -> Result<SizedDigest, Setback> {
        let mut passage = self.import.target.registry.passage(&self.repository, &self.entry);
        let progress = |sent| self.progress(sent);
        let (begun, mut next) = tokio::join!(passage.begin(), pieces.next());
        begun?;
        loop {
            match next {
                Ok((chunk, None)) => passage.send(chunk, &progress).await?,
                Ok((last, Some(blob))) => {
                    passage.complete(last, &blob, &progress).await?;
                    return Ok(blob);
                }
                Err(setback) => {
                    passage.abandon().await;
                    return Err(setback);
                }
            }
            next = pieces.next().await;
        }
    }

    fn progress(&self, sent: u64) {
        self.import.observer.event(Event::BlobProgress { id: self.id, sent });
    }
}
