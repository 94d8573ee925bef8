//! Garbage collection: what no tag and no referrer reaches any more goes, also while others push.
//!
//! | step | what goes |
//! | --- | --- |
//! | `manifests` | manifests that no tag reaches, neither as a part nor as a referrer |
//! | `links` | blobs of a repository that none of its manifests names |
//! | `contents` | contents that no repository and no chart has, row and file |
//! | `orphans` | files in `blobs/` that no row knows, as a process that was killed leaves them |
//!
//! Nothing goes that arrived, was mounted, put or asked for within the grace time: a push in flight
//! counts on it (`leases`). Each step works in small batches, and each batch asks again, within its
//! own transaction, whether what it removes is still unreachable. So whoever stops it, and whenever,
//! finds a depot in which everything that is named is there.

mod contents;
mod links;
mod manifests;
mod orphans;
mod reach;

use std::ops::ControlFlow;
use std::time::Duration;

use portolan_oci::Repository;
use serde::{Deserialize, Serialize};

use super::database::now;
use super::leases::LONGEST_GRACE;
use super::{Store, StoreError};

/// Removals of one transaction.
const BATCH: u32 = 256;

/// The grace time where none is asked for.
pub const GRACE: Duration = Duration::from_hours(1);

/// What a collection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collection {
    /// How long what nobody reaches is kept after it was last touched; more than [`LONGEST_GRACE`]
    /// is taken as that.
    pub grace: Duration,
    /// Whether it only counts what it would remove.
    pub dry_run: bool,
}

/// What a collection came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collected {
    /// Manifests that were removed.
    pub manifests: u64,
    /// Blobs that were taken out of a repository; each counts once for every repository.
    pub links: u64,
    /// Contents that were removed.
    pub contents: u64,
    /// Files that no row knew.
    pub orphans: u64,
    /// Bytes of the files of both.
    pub bytes: u64,
    /// Manifests, blobs in repositories and contents that are unreachable and stay for the grace time.
    pub spared: u64,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// What is told on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CollectStep {
    /// A repository is looked through.
    Repository(Repository),
    /// Contents that nobody has are looked for.
    Contents,
    /// Files that no row knows are looked for.
    Orphans,
}

/// Takes the steps; where it breaks, the collection ends at the next batch.
pub type Told<'a> = &'a mut dyn FnMut(CollectStep) -> ControlFlow<()>;

/// A collection under way.
struct Collecting<'a> {
    store: &'a Store,
    /// What was touched after that stays; seconds since 1970.
    cutoff: i64,
    grace: Duration,
    dry_run: bool,
    done: Collected,
}

impl Store {
    /// Removes what nothing reaches. Blocks, for as long as it takes.
    ///
    /// In a process that serves, nothing counts as untouched for longer than it has served, since it
    /// doesn't know what was asked for before.
    pub fn collect(&self, collection: &Collection, told: Told<'_>) -> Result<Collected, StoreError> {
        let grace = collection.grace.min(LONGEST_GRACE);
        let mut collecting = Collecting {
            store: self,
            cutoff: self.cutoff(grace),
            grace,
            dry_run: collection.dry_run,
            done: Collected::default(),
        };
        let ended = collecting.run(told)?;
        Ok(Collected { stopped: ended.is_break(), ..collecting.done })
    }

    /// The last second whose touches are too long ago to matter: the whole of it is.
    fn cutoff(&self, grace: Duration) -> i64 {
        match (self.leases.served(), i64::try_from(grace.as_secs())) {
            (Some(served), _) if served < grace => i64::MIN,
            (_, Ok(0)) => now(),
            (_, Ok(grace)) => now() - grace - 1,
            (_, Err(_)) => i64::MIN,
        }
    }
}

impl Collecting<'_> {
    fn run(&mut self, told: Told<'_>) -> Result<ControlFlow<()>, StoreError> {
        for repository in self.store.metadata.all_repositories()? {
            if told(CollectStep::Repository(repository.clone())).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.manifests(&repository)?;
            self.links(&repository)?;
        }
        if told(CollectStep::Contents).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.contents()?;
        if told(CollectStep::Orphans).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.orphans()?;
        Ok(ControlFlow::Continue(()))
    }
}
