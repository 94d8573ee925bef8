//! A few lives of one depot, recorded: worked with, killed, started again, stopped.

use std::fs;
use std::path::Path;
use std::time::Duration;

use portolan_testkit::power_loss::{self, Disk, FailPoint, Position, Recorder, Trace};
use portolan_testkit::random::Random;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::findings;
use crate::ledger::Ledger;
use crate::site::{Dead, Program, Site};
use crate::workload::{Notes, Worker};

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
    /// kills are; how the clients' requests fall together, and so the trace, is another in every run. `None` where there
    /// is no C compiler.
    pub(crate) fn new(seed: u64) -> Option<Self> {
        let folder = power_loss::folder();
        let recorder = Recorder::new(folder.path())?.linger(LINGER);
        let mut stage = Stage::new(seed, recorder);
        stage.live(None);
        let calls = stage.recorder.trace().calls(Position(0), stage.recorder.position());
        for _ in 0..KILLS {
            let point = stage.fail_point(calls);
            stage.live(Some(point));
        }
        stage.live(None);
        Some(stage.end(folder))
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

/// Where a recording is made.
struct Stage {
    recorder: Recorder,
    notes: Notes,
    workers: Vec<Worker>,
    random: Random,
    runtime: Runtime,
    seed: u64,
}

impl Stage {
    fn new(seed: u64, recorder: Recorder) -> Self {
        let (notes, mut random) = (Notes::new(&recorder), Random::new(seed));
        let worker = |number: usize| Worker::new(&format!("w{number}"), random.next_u64(), &notes);
        let workers = (0..WORKERS).map(worker).collect();
        Self { recorder, notes, workers, random, runtime: Runtime::new().unwrap(), seed }
    }

    fn fail_point(&mut self, calls: u64) -> FailPoint {
        let most = if self.random.below(3) == 0 { START } else { usize::try_from(calls).unwrap() };
        let call = 1 + self.random.below(most) as u64;
        if self.random.coin() { FailPoint::Before(call) } else { FailPoint::After(call) }
    }

    /// One life of the depot: what it holds is checked, then the clients work.
    fn live(&mut self, point: Option<FailPoint>) {
        let Some((program, url)) = Program::start(&self.recorder, point) else { return };
        let site = Site::new(&url);
        let answered = self.check(&site).is_ok() && self.work(&site).is_ok();
        assert!(answered || point.is_some(), "the depot gave no answer");
        program.stop();
    }

    fn check(&self, site: &Site) -> Result<(), Dead> {
        let cut = self.notes.now();
        let ledger = self.notes.ledger.lock().unwrap().clone();
        let found = self.runtime.block_on(findings::of(site, self.recorder.root(), &ledger, cut));
        // Its fail point may lie in the calls that reading makes.
        self.runtime.block_on(site.get("/v2/"))?;
        assert!(found.is_empty(), "recording {}, killed and started again: {found:#?}", self.seed);
        Ok(())
    }

    fn work(&mut self, site: &Site) -> Result<(), Dead> {
        let all = self.workers.iter_mut().map(|worker| worker.work(site, STEPS));
        let ended = self.runtime.block_on(futures_util::future::join_all(all));
        ended.into_iter().collect()
    }

    fn end(self, folder: TempDir) -> Recording {
        let trace = self.recorder.trace();
        let unseen = trace.as_written(trace.end()).differences(&Disk::read_from(self.recorder.root()));
        assert!(unseen.is_empty(), "changed by calls that are not recorded: {unseen:#?}");
        let ledger = self.notes.ledger.lock().unwrap().clone();
        Recording { trace, ledger, folder: Some(folder) }
    }
}
