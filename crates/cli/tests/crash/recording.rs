//! A few lives of one depot, recorded: worked with, killed, started again, stopped.

use std::fs;
use std::path::Path;
use std::time::Duration;

use portolan_testkit::power_loss::{FailPoint, Position, Trace};
use portolan_testkit::random::Random;
use tempfile::TempDir;

use crate::ledger::Ledger;
use crate::site::{Dead, Site};
use crate::stage::Stage;
use crate::workload::Worker;

const WORKERS: usize = 4;
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
const LEDGER: &str = "ledger.json";

/// What a depot did, and what was acknowledged meanwhile.
pub(crate) struct Recording {
    pub(crate) trace: Trace,
    pub(crate) ledger: Ledger,
    folder: Option<TempDir>,
}

impl Recording {
    /// Records; after each kill what the depot holds is checked. The seed decides what is done and where the
    /// kills are; how the clients' requests fall together, and so the trace, is another in every run. `None`
    /// where there is no C compiler.
    pub(crate) fn new(seed: u64) -> Option<Self> {
        let stage = Stage::new(|recorder| recorder.linger(LINGER))?;
        let mut random = Random::new(seed);
        let worker = |number| Worker::new(&format!("w{number}"), random.next_u64(), &stage.notes);
        let mut workers: Vec<Worker> = (0..WORKERS).map(worker).collect();
        stage.live(None, async |site| work(&mut workers, site).await);
        let calls = stage.recorder.trace().calls(Position(0), stage.recorder.position());
        for _ in 0..KILLS {
            stage.live(Some(fail_point(calls, &mut random)), async |site| work(&mut workers, site).await);
        }
        stage.live(None, async |site| work(&mut workers, site).await);
        stage.compare();
        let ledger = stage.ledger();
        Some(Self { trace: stage.recorder.trace(), ledger, folder: Some(stage.folder) })
    }

    /// Reads one that was kept.
    pub(crate) fn kept(folder: &Path) -> Self {
        let ledger = fs::read(folder.join(LEDGER)).unwrap();
        let ledger = serde_json::from_slice(&ledger).unwrap();
        Self { trace: Trace::read(&folder.join(TRACE)), ledger, folder: None }
    }

    /// Keeps it, so that a failure can be looked into.
    pub(crate) fn keep(&self, target: &Path) {
        let Some(folder) = &self.folder else { return };
        fs::create_dir_all(target).unwrap();
        fs::copy(folder.path().join(TRACE), target.join(TRACE)).unwrap();
        fs::write(target.join(LEDGER), serde_json::to_vec(&self.ledger).unwrap()).unwrap();
    }
}

async fn work(workers: &mut [Worker], site: &Site) -> Result<(), Dead> {
    let all = workers.iter_mut().map(|worker| worker.work(site, STEPS));
    futures_util::future::join_all(all).await.into_iter().collect()
}

fn fail_point(calls: u64, random: &mut Random) -> FailPoint {
    let most = if random.below(3) == 0 { START } else { usize::try_from(calls).unwrap() };
    let call = 1 + random.below(most) as u64;
    if random.coin() { FailPoint::Before(call) } else { FailPoint::After(call) }
}
