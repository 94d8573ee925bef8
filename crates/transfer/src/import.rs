//! A package that can only be read front to back, carried as it goes by: nothing of it is ever laid down.
//!
//! ```text
//! reader (a thread) ──blobs──▶ uploads ─┐ each into the first repository that wants it
//!        │                              ▼
//!        ├──images come──▶ foretell ─▶ ledger     which blobs are where, by what tags name and what was sent
//!        │                              ▼
//!        └──bundle whole──▶ settle: plan, mount what arrives, tag, chart ──▶ account ──▶ report
//! ```
//!
//! A stream is planned bundle by bundle (rules.md, "Streams"). Of an image's blobs it is known only at the end
//! of its archive which image they belong to, so until then they go to the repository that the bundle's first
//! hint names, and are mounted where they belong. What a registry lost on the way, and what nobody could place
//! when it went by, is fetched in one more pass where the package is a file.

mod account;
mod claims;
mod coming;
mod foresight;
mod foretell;
mod ledger;
mod muted;
mod pass;
mod pour;
mod reader;
mod room;
mod settle;
mod source;
mod upload;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use portolan_oci::{Digest, Repository};
use portolan_package::stream::StreamError;
use tokio::sync::Semaphore;

pub(crate) use coming::Coming;
pub use foresight::{ForeseenPlan, foresee};
pub use source::PassingPackage;

use account::Account;
use claims::Claims;
use ledger::{Key, Ledger};
use pass::Ending;
use reader::Wants;
use room::Room;

use crate::{
    brought::Brought,
    event::{Event, Observer},
    failure::{Preconditions, one_line},
    gate::Gate,
    held::held,
    options::SyncOptions,
    planning::{Foretold, Target},
    refusal::Closed,
    report::Report,
};

/// Why a stream was not carried at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Something is missing without which nothing may be written.
    #[error(transparent)]
    Preconditions(#[from] Preconditions),
    /// The package can't be read, and nothing of it was written.
    #[error("reading the package")]
    Package {
        /// What is wrong with it.
        #[source]
        source: StreamError,
    },
    /// The package is not the one that its checksum is of.
    #[error(
        "{package} has the checksum {found} in place of {expected}: it was damaged on its way, or is another one"
    )]
    Checksum {
        /// Its name.
        package: String,
        /// What it should be.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// The package came through a pipe, and has been read.
    #[error("{package} can be read once only, and this needs it twice: give the package as a file")]
    Once {
        /// Its name.
        package: String,
    },
}

/// Carries a package into `target` while it goes by. `approved` is the plan that is carried out, where one was
/// made beforehand.
///
/// Whatever fails is a line of the report, and what can go on goes on. Tags are written after all their blobs,
/// charts after all their images; where the package is held to a checksum, both wait for its end.
///
/// # Errors
/// [`ImportError`] where nothing was written: hosts, credentials and projects that the beginning of the package
/// needs, or a package that is none.
pub async fn import(
    package: &PassingPackage,
    target: &Target,
    options: &SyncOptions,
    approved: Option<&Digest>,
    observer: &dyn Observer,
) -> Result<Report, ImportError> {
    let import = Import::new(package, target, options, observer);
    let first = import.pass(Wants::Everything, None).await?;
    if let Ending::Early(error) = first {
        import.account().end_early(package.name(), error);
    }
    if options.stop.is_requested() && import.has_done_nothing() {
        return Err(Preconditions::interrupted().into());
    }
    let again = import.account().left_for_another_pass();
    let may_write = !import.gate.as_ref().is_some_and(Gate::is_shut);
    if !again.is_empty() && may_write && !options.stop.is_requested() {
        import.account().note(format!(
            "{}: read a second time, for what could not be placed when it went by",
            package.name()
        ));
        import.second_pass(&again).await;
    }
    let report = import.report(approved).await;
    observer.event(Event::Finished { report: &report });
    Ok(report)
}

/// What a run of [`import`] holds.
struct Import<'a> {
    package: &'a PassingPackage,
    target: &'a Target,
    options: &'a SyncOptions,
    observer: &'a dyn Observer,
    started: Instant,
    ledger: Arc<Ledger>,
    room: Arc<Room>,
    /// Lets so many blobs send their bytes at once.
    sending: Semaphore,
    closed: Closed,
    /// Closed until the package's checksum was compared, where it has one.
    gate: Option<Gate>,
    /// What tags were seen to name, until their bundle is settled.
    foretold: Mutex<Foretold>,
    /// Projects and chart repositories that were seen to be there.
    seen: Mutex<BTreeSet<String>>,
    /// What the bundles so far bring to each target.
    claims: Mutex<Claims>,
    /// What was brought by now.
    brought: Brought,
    /// Chart targets that a bundle of this pass goes to.
    chart_targets: Mutex<HashSet<String>>,
    /// Servers that keep one index for all charts are written to by one bundle at a time.
    charts_turn: tokio::sync::Mutex<()>,
    /// Whether anything was written, so that what lacks from now on ends no run.
    wrote: AtomicBool,
    /// Numbers of blobs in events.
    numbers: AtomicUsize,
    account: Mutex<Account>,
}

/// What another pass is for: by bundle, the blobs that are wanted and a repository that wants each.
type Again = BTreeMap<usize, BTreeMap<Key, Repository>>;

impl<'a> Import<'a> {
    fn new(
        package: &'a PassingPackage,
        target: &'a Target,
        options: &'a SyncOptions,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            package,
            target,
            options,
            observer,
            started: Instant::now(),
            ledger: Arc::default(),
            room: Room::new(),
            sending: Semaphore::new(options.jobs.max(1)),
            closed: Closed::default(),
            gate: package.checksum().map(|_| Gate::new()),
            foretold: Mutex::default(),
            seen: Mutex::default(),
            claims: Mutex::default(),
            brought: Brought::default(),
            chart_targets: Mutex::default(),
            charts_turn: tokio::sync::Mutex::default(),
            wrote: AtomicBool::new(false),
            numbers: AtomicUsize::new(0),
            account: Mutex::default(),
        }
    }

    /// Reads the package once more, for what the first pass left. What keeps it from being read is told beside
    /// what that has brought.
    async fn second_pass(&self, again: &Again) {
        let bundles = again.keys().copied().collect();
        let fault = match self.pass(Wants::of(again), Some(bundles)).await {
            Ok(Ending::Whole) => return,
            Ok(Ending::Early(error)) => error,
            Err(error) => one_line(&error),
        };
        self.account().end_early(self.package.name(), fault);
    }

    fn has_done_nothing(&self) -> bool {
        !self.wrote.load(Ordering::Relaxed) && self.account().is_empty()
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        held(&self.account)
    }
}
