//! One depot that lives several times, while what it does and acknowledges is recorded.

use std::path::Path;
use std::process::Command;

use portolan_testkit::power_loss::{self, Disk, FailPoint, Recorder};
use portolan_testkit::process::run;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::findings;
use crate::ledger::{Course, Key, Ledger};
use crate::site::{Dead, Program, Site};
use crate::workload::Notes;

/// The depot's directory, its trace and its clients' notes.
pub(crate) struct Stage {
    pub(crate) recorder: Recorder,
    pub(crate) notes: Notes,
    pub(crate) folder: TempDir,
    /// Whether what nothing reaches is collected.
    collects: bool,
    runtime: Runtime,
}

impl Stage {
    /// An empty one, whose recorder `prepare` makes ready. `None` where there is no C compiler.
    pub(crate) fn new(prepare: impl FnOnce(Recorder) -> Recorder) -> Option<Self> {
        let folder = power_loss::folder();
        let recorder = prepare(Recorder::new(folder.path())?);
        let (notes, runtime) = (Notes::new(&recorder), Runtime::new().unwrap());
        Some(Self { recorder, notes, folder, collects: false, runtime })
    }

    /// One in which what nothing reaches is collected.
    pub(crate) fn collecting(self) -> Self {
        Self { collects: true, ..self }
    }

    /// Fills the directory with what is in another one, all of it synced.
    pub(crate) fn furnish(&self, source: &Path) {
        let mut copy = Command::new("cp");
        copy.args(["-r", "--reflink=never", "--"]).arg(source.join(".")).arg(self.recorder.root());
        for mut command in [copy, Command::new("sync")] {
            self.recorder.attach(&mut command, None);
            run(&mut command);
        }
    }

    /// One life of the depot: what it holds is checked, then the clients work, then it is stopped, unless
    /// it died at its fail point: then `false`.
    pub(crate) fn live(
        &self,
        point: Option<FailPoint>,
        work: impl AsyncFnOnce(&Site) -> Result<(), Dead>,
    ) -> bool {
        let Some((program, url)) = Program::start(&self.recorder, point) else { return false };
        let site = Site::new(&url);
        let answered = self.runtime.block_on(async {
            self.check(&site).await?;
            work(&site).await
        });
        assert!(answered.is_ok() || point.is_some(), "the depot gave no answer");
        program.stop()
    }

    /// What has been acknowledged so far.
    pub(crate) fn ledger(&self) -> Ledger {
        self.notes.ledger.lock().unwrap().clone()
    }

    async fn check(&self, site: &Site) -> Result<(), Dead> {
        let found = findings::of(site, self.recorder.root(), &self.ledger(), self.notes.now()).await;
        // Its fail point may lie in the calls that reading makes.
        site.get("/v2/").await?;
        assert!(found.is_empty(), "killed and started again: {found:#?}");
        self.observe(site).await
    }

    /// What was not answered, and is asked about now, is known from now on: a client that finds its push
    /// done doesn't send it again. Only what may be collected at any time isn't.
    async fn observe(&self, site: &Site) -> Result<(), Dead> {
        let open = self.notes.ledger.lock().unwrap().open_questions();
        for key in open.into_iter().filter(|key| !self.loses(key)) {
            let began = self.notes.now();
            let value = site.value(&key).await.map_err(|_| Dead)?;
            let course = Course { began, ended: self.notes.now(), acknowledged: true };
            self.notes.ledger.lock().unwrap().note(key, value, course);
        }
        Ok(())
    }

    fn loses(&self, key: &Key) -> bool {
        self.collects && matches!(key, Key::Blob { .. } | Key::Manifest { .. })
    }

    /// Sees that all that changed was recorded: everything is told by the trace.
    pub(crate) fn compare(&self) {
        let trace = self.recorder.trace();
        let unseen = trace.as_written(trace.end()).differences(&Disk::read_from(self.recorder.root()));
        assert!(unseen.is_empty(), "changed by calls that are not recorded: {unseen:#?}");
    }
}
