//! The one thread that writes, and group commit: all jobs that wait go into one transaction, each
//! in a savepoint of its own, and are answered together once that is on the disk.
//!
//! A commit costs a sync of the disk whether it holds one change or fifty, so fifty pushers who
//! wait for one sync each are served by one.

use std::cell::RefCell;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Builder, JoinHandle};

use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};

use super::cache::{Cache, Key, Stale};
use crate::store::error::StoreError;

/// Jobs that wait at most; whoever brings another one waits to hand it over.
const QUEUE: usize = 256;

/// Most jobs of one transaction, so that the first of them is not kept waiting by all that follow.
const BATCH: usize = 256;

/// What a job works on: the database within its transaction.
pub(in crate::store) struct Writing<'a> {
    connection: &'a Connection,
    stale: &'a RefCell<Stale>,
}

impl Writing<'_> {
    /// Says that what the cache has under this key will not be true any more.
    pub(in crate::store) fn changes(&self, key: Key) {
        self.stale.borrow_mut().add(key);
    }

    /// Says so of all that the cache has.
    pub(in crate::store) fn changes_everything(&self) {
        self.stale.borrow_mut().add_everything();
    }
}

impl Deref for Writing<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// Does its work in the transaction, or nothing where there is none, and gives what is to be told
/// once it is known how the transaction ended.
type Job = Box<dyn FnOnce(Option<&mut Batch<'_>>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(&Committed)>;

/// One transaction, and what it makes untrue in the cache.
struct Batch<'a> {
    transaction: Transaction<'a>,
    stale: RefCell<Stale>,
    /// Why SQLite took the whole transaction back by itself, as it does above all when the disk
    /// is full.
    taken_back: Option<ffi::Error>,
}

/// How a transaction ended, for all its jobs.
type Committed = Result<(), Arc<rusqlite::Error>>;

/// The way to the writing thread. Dropping it lets the thread finish what it has and waits for it.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

/// How busy the writer of a depot's database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writes {
    /// Transactions that were committed since the depot was opened.
    pub commits: u64,
    /// Changes that wait for their transaction.
    pub waiting: usize,
}

#[derive(Debug, Default)]
struct Counts {
    commits: AtomicU64,
    waiting: AtomicUsize,
}

impl Writer {
    /// Starts the thread on its connection.
    pub(super) fn start(connection: Connection, cache: Arc<Cache>) -> Result<Self, StoreError> {
        let (jobs, queue) = sync_channel(QUEUE);
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        let serve = move || serve(connection, &queue, &cache, &shared);
        let thread = Builder::new().name("depot-writer".to_owned()).spawn(serve);
        let thread = thread.map_err(|source| StoreError::Thread { source })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), counts })
    }

    /// How busy it is.
    pub(super) fn writes(&self) -> Writes {
        Writes {
            commits: self.counts.commits.load(Ordering::Relaxed),
            waiting: self.counts.waiting.load(Ordering::Relaxed),
        }
    }

    /// Runs a job and waits until what it did is on the disk. A panic in it goes on in the caller.
    pub(super) fn run<T: Send + 'static>(
        &self,
        action: &'static str,
        job: impl FnOnce(&Writing<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        let counts = Arc::clone(&self.counts);
        let job: Job = Box::new(move |batch| {
            counts.waiting.fetch_sub(1, Ordering::Relaxed);
            let done = batch.map(|batch| batch.run(job));
            Box::new(move |committed| {
                // Whoever asked may be gone; what was done stays done.
                let _ = answer.send(outcome(action, done, committed));
            })
        });
        let jobs = self.jobs.as_ref().expect("because only dropping takes it");
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        jobs.send(job).map_err(|_| StoreError::Closed)?;
        answered.recv().map_err(|_| StoreError::Closed)?.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Jobs' panics are caught, and nothing is left to be told of another one.
            let _ = thread.join();
        }
    }
}

/// Until nobody can bring jobs any more.
fn serve(mut connection: Connection, queue: &Receiver<Job>, cache: &Cache, counts: &Counts) {
    while let Ok(first) = queue.recv() {
        let mut answers = Vec::new();
        let committed = work(&mut connection, first, queue, cache, &mut answers).map_err(Arc::new);
        match &committed {
            Ok(()) => drop(counts.commits.fetch_add(1, Ordering::Relaxed)),
            Err(error) => tracing::error!(%error, "changes of the depot's database were not committed"),
        }
        answers.into_iter().for_each(|answer| answer(&committed));
    }
}

/// One transaction with the first job and those that wait behind it.
fn work(
    connection: &mut Connection,
    first: Job,
    queue: &Receiver<Job>,
    cache: &Cache,
    answers: &mut Vec<Answer>,
) -> rusqlite::Result<()> {
    let mut batch = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => Batch { transaction, stale: RefCell::default(), taken_back: None },
        Err(error) => {
            answers.push(first(None));
            return Err(error);
        }
    };
    let mut next = Some(first);
    while let Some(job) = next {
        answers.push(job(Some(&mut batch)));
        if let Some(reason) = batch.taken_back {
            return Err(rusqlite::Error::SqliteFailure(reason, None));
        }
        next = if answers.len() < BATCH { queue.try_recv().ok() } else { None };
    }
    batch.commit(cache)
}

impl Batch<'_> {
    /// A job's work, undone as a whole where it fails or panics.
    fn run<T>(
        &mut self,
        job: impl FnOnce(&Writing<'_>) -> rusqlite::Result<T>,
    ) -> thread::Result<rusqlite::Result<T>> {
        // The savepoint is dropped in the panic, which undoes what was done: nothing is left half.
        let done: thread::Result<rusqlite::Result<T>> = catch_unwind(AssertUnwindSafe(|| {
            let savepoint = self.transaction.savepoint()?;
            let value = job(&Writing { connection: &savepoint, stale: &self.stale })?;
            savepoint.commit()?;
            Ok(value)
        }));
        if self.transaction.is_autocommit() {
            let failure = done.as_ref().ok().and_then(|done| done.as_ref().err());
            let reason = failure.and_then(rusqlite::Error::sqlite_error).copied();
            self.taken_back = Some(reason.unwrap_or(ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK)));
        }
        done
    }

    fn commit(self, cache: &Cache) -> rusqlite::Result<()> {
        cache.begin(self.stale.into_inner());
        let committed = self.transaction.commit();
        cache.end();
        committed
    }
}

/// What the caller is told: its own failure first, then that of the transaction.
fn outcome<T>(
    action: &'static str,
    done: Option<thread::Result<rusqlite::Result<T>>>,
    committed: &Committed,
) -> thread::Result<Result<T, StoreError>> {
    match (done.transpose()?, committed) {
        (Some(Err(source)), _) => Ok(Err(StoreError::Database { action, source })),
        (_, Err(source)) => Ok(Err(StoreError::Commit { action, source: Arc::clone(source) })),
        (Some(Ok(value)), Ok(())) => Ok(Ok(value)),
        (None, Ok(())) => Ok(Err(StoreError::Closed)),
    }
}
