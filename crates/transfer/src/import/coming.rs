//! A blob that an image waits for while it is still on its way out of the package.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use portolan_registry::Registry;

use super::ledger::{Arrival, Key, Ledger, Stand};
use crate::{
    blobs::{BlobTask, Content},
    event::BlobOutcome,
    passed::Passed,
};

/// A blob that went by or is going by. Where it is shows once its way ended.
#[derive(Clone, Debug)]
pub(crate) struct Coming {
    ledger: Arc<Ledger>,
    key: Key,
    registry: Registry,
    entry: String,
    /// Set once its bytes were wanted, were nowhere, and another pass may bring them.
    missed: Arc<AtomicBool>,
    /// Bytes that were sent for it into a repository that is none of the task's.
    elsewhere: Arc<AtomicU64>,
}

impl Coming {
    pub(super) fn new(ledger: &Arc<Ledger>, key: Key, registry: &Registry, entry: String) -> Self {
        Self {
            ledger: Arc::clone(ledger),
            key,
            registry: registry.clone(),
            entry,
            missed: Arc::default(),
            elsewhere: Arc::default(),
        }
    }

    /// For people: the entry it comes from.
    pub(crate) fn entry(&self) -> &str {
        &self.entry
    }

    /// Whether its way has not ended.
    pub(crate) fn is_underway(&self) -> bool {
        self.ledger.is_underway(&self.key)
    }

    /// What it means to read its bytes before [`Coming::ended`] told where they are.
    pub(crate) fn unopened(&self) -> io::Error {
        io::Error::other(format!("{}: it goes by, and is had from where it went", self.entry))
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Whether another pass is to bring it.
    pub(super) fn is_missed(&self) -> bool {
        self.missed.load(Ordering::Relaxed)
    }

    /// Bytes that were sent for it into a repository that is none of the task's.
    pub(super) fn sent_elsewhere(&self) -> u64 {
        self.elsewhere.load(Ordering::Relaxed)
    }

    /// Waits until its way ended, and gives the task as it is then: with what the blob is, and where it is to be
    /// had from.
    pub(crate) async fn ended(&self, task: &BlobTask) -> BlobTask {
        self.ledger.ended(&self.key).await;
        let mut task = task.clone();
        let mut passed = self.passed();
        match self.ledger.stand(&self.key) {
            Stand::Arrived(arrival) => self.arrived(arrival, &mut passed, &mut task),
            Stand::Named(repository) => {
                passed.place = task.digest.clone().map(|digest| (repository.clone(), digest));
                task.lenders.insert(0, repository);
            }
            Stand::Nowhere(loss) => {
                if loss.is_final {
                    // Another pass would end the same way.
                    passed.missed = Arc::default();
                }
                passed.why = loss.why;
            }
        }
        task.content = Content::Passed(passed);
        task
    }

    fn passed(&self) -> Passed {
        Passed {
            registry: self.registry.clone(),
            place: None,
            why: None,
            entry: self.entry.clone(),
            missed: Arc::clone(&self.missed),
        }
    }

    /// Bytes that were sent into a repository of the task are counted there, the others aside.
    fn arrived(&self, arrival: Arrival, passed: &mut Passed, task: &mut BlobTask) {
        let Arrival { blob, repository, outcome } = arrival;
        if outcome == BlobOutcome::Uploaded && !task.repositories.contains(&repository) {
            self.elsewhere.store(blob.size, Ordering::Relaxed);
        }
        passed.place = Some((repository.clone(), blob.digest.clone()));
        (task.digest, task.size) = (Some(blob.digest), blob.size);
        task.lenders.insert(0, repository.clone());
        task.arrived = Some((repository, outcome));
    }
}
