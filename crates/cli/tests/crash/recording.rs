//! A few lives of one depot, recorded: worked with, killed, started again, stopped.

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use portolan_testkit::power_loss::{FailPoint, Position, Trace};
use portolan_testkit::random::Random;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::garbage::{self, Contender};
use crate::ledger::Ledger;
use crate::site::{Dead, Site};
use crate::stage::Stage;
use crate::workload::Worker;

const CLIENTS: usize = 4;
/// What each client does in each life of the depot.
const STEPS: usize = 14;
/// A sync takes up to so long, so that others write, and are answered, meanwhile.
const LINGER: Duration = Duration::from_millis(2);
/// Lives that end at a fail point. One before them and one after them end as they should.
const KILLS: usize = 3;
/// Calls in which a depot starts; every third fail point lies in them.
const START: usize = 40;

/// Files of a recording.
const TRACE: &str = "trace";
const NOTES: &str = "notes.json";

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// They push, move and remove.
    Pushes,
    /// They push and remove the same things, and what is left over is collected meanwhile.
    Garbage,
}

/// What a depot did, and what was acknowledged meanwhile.
pub(crate) struct Recording {
    pub(crate) work: Work,
    pub(crate) trace: Trace,
    pub(crate) ledger: Ledger,
    folder: Option<TempDir>,
}

impl Recording {
    /// Records; after each kill what the depot holds is checked. The seed decides what is done and where the
    /// kills are; how the clients' requests fall together, and so the trace, is another in every run. `None`
    /// where there is no C compiler.
    pub(crate) fn new(work: Work, seed: u64) -> Option<Self> {
        let mut stage = Stage::new(|recorder| recorder.linger(LINGER))?;
        if work == Work::Garbage {
            stage = stage.collecting();
        }
        let mut random = Random::new(seed);
        match work {
            Work::Pushes => {
                let mut workers = clients(|name, seed| Worker::new(name, seed, &stage.notes), &mut random);
                lives(&stage, &mut random, async |site| push(&mut workers, site).await);
            }
            Work::Garbage => {
                let mut contenders =
                    clients(|name, seed| Contender::new(name, seed, &stage.notes), &mut random);
                lives(&stage, &mut random, async |site| contend(&mut contenders, &stage, site).await);
            }
        }
        stage.compare();
        let (trace, ledger) = (stage.recorder.trace(), stage.ledger());
        Some(Self { work, trace, ledger, folder: Some(stage.folder) })
    }

    /// Reads one that was kept.
    pub(crate) fn kept(folder: &Path) -> Self {
        let notes = fs::read(folder.join(NOTES)).unwrap();
        let (work, ledger) = serde_json::from_slice(&notes).unwrap();
        Self { work, trace: Trace::read(&folder.join(TRACE)), ledger, folder: None }
    }

    /// Keeps it, so that a failure can be looked into.
    pub(crate) fn keep(&self, target: &Path) {
        let Some(folder) = &self.folder else { return };
        fs::create_dir_all(target).unwrap();
        fs::copy(folder.path().join(TRACE), target.join(TRACE)).unwrap();
        fs::write(target.join(NOTES), serde_json::to_vec(&(self.work, &self.ledger)).unwrap()).unwrap();
    }
}

fn clients<C>(make: impl Fn(&str, u64) -> C, random: &mut Random) -> Vec<C> {
    (0..CLIENTS).map(|number| make(&format!("w{number}"), random.next_u64())).collect()
}

/// One that ends as it should, some that are killed, and one more.
fn lives(stage: &Stage, random: &mut Random, mut work: impl AsyncFnMut(&Site) -> Result<(), Dead>) {
    stage.live(None, async |site| work(site).await);
    let calls = stage.recorder.trace().calls(Position(0), stage.recorder.position());
    for _ in 0..KILLS {
        stage.live(Some(fail_point(calls, random)), async |site| work(site).await);
    }
    stage.live(None, async |site| work(site).await);
}

async fn push(workers: &mut [Worker], site: &Site) -> Result<(), Dead> {
    let all = workers.iter_mut().map(|worker| worker.work(site, STEPS));
    join_all(all).await.into_iter().collect()
}

async fn contend(contenders: &mut [Contender], stage: &Stage, site: &Site) -> Result<(), Dead> {
    let all = join_all(contenders.iter_mut().map(|contender| contender.work(site, STEPS)));
    let collecting = pin!(garbage::collect_on(stage.recorder.root()));
    match select(pin!(all), collecting).await {
        Either::Left((done, _)) => done.into_iter().collect(),
        Either::Right((Dead, all)) => all.await.into_iter().collect(),
    }
}

fn fail_point(calls: u64, random: &mut Random) -> FailPoint {
    let most = if random.below(3) == 0 { START } else { usize::try_from(calls).unwrap() };
    let call = 1 + random.below(most) as u64;
    if random.coin() { FailPoint::Before(call) } else { FailPoint::After(call) }
}
