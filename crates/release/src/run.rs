//! One run: its steps are told to whoever watches, and written down in a folder of its own.
//!
//! ```text
//! FOLDER/journal.jsonl   what the run is, each step before and after, how it ended (see `journal`)
//! FOLDER/backup/         what was there before (see `backup`)
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::event::{Event, Observer, Step};
use crate::journal::{Ending, Journal, ResumeError, Resumed, StepState, Task};
use crate::private::{self, FileError};

/// A run under way.
pub struct Run<'a> {
    observer: &'a dyn Observer,
    record: Option<Record>,
}

struct Record {
    folder: PathBuf,
    task: Task,
    journal: Journal,
    /// What was begun before the run went on.
    begun: BTreeSet<Step>,
}

impl<'a> Run<'a> {
    /// A run that is only told of.
    pub fn unrecorded(observer: &'a dyn Observer) -> Self {
        Self { observer, record: None }
    }

    /// A run that is written down in `folder`, which is made and has no journal yet.
    ///
    /// # Errors
    /// [`FileError`] where that can't be done.
    pub fn recorded(observer: &'a dyn Observer, folder: &Path, task: Task) -> Result<Self, FileError> {
        private::folder(folder)?;
        let folder = std::path::absolute(folder).map_err(FileError::new("cannot find", folder))?;
        let journal = Journal::begin(&folder, &task)?;
        Ok(Self { observer, record: Some(Record { folder, task, journal, begun: BTreeSet::new() }) })
    }

    /// A run that was broken off and goes on in its folder.
    ///
    /// # Errors
    /// [`ResumeError`] where it is under way, is over, or its journal can't be read or written.
    pub fn resumed(observer: &'a dyn Observer, folder: &Path) -> Result<Self, ResumeError> {
        let Resumed { journal, task, begun } = Journal::resume(folder)?;
        Ok(Self { observer, record: Some(Record { folder: folder.to_owned(), task, journal, begun }) })
    }

    /// The folder of a run that is written down.
    pub fn folder(&self) -> Option<&Path> {
        self.record.as_ref().map(|record| record.folder.as_path())
    }

    /// Whether a step was begun before the run went on.
    pub(crate) fn has_begun(&self, step: Step) -> bool {
        self.record.as_ref().is_some_and(|record| record.begun.contains(&step))
    }

    /// What a run that is written down is about.
    pub(crate) fn task(&self) -> Option<&Task> {
        self.record.as_ref().map(|record| &record.task)
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        self.observer
    }

    /// Does a step's work. `words` says what came of it.
    ///
    /// # Errors
    /// That of the work; also that the journal can't be written before a step that changes the cluster, which is
    /// not begun then.
    pub(crate) async fn step<T, E: From<FileError>>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, E>>,
        words: impl FnOnce(&T) -> String,
    ) -> Result<T, E> {
        let written = self.write(step, StepState::Began, "", None);
        if step.changes_cluster() {
            written?;
        }
        self.observer.event(Event::Began { step });
        let began = Instant::now();
        let done = work.await;
        let seconds = Some(began.elapsed().as_secs_f64());
        let (state, result) = match &done {
            Ok(value) => (StepState::Ended, words(value)),
            Err(_) => (StepState::Failed, String::new()),
        };
        match state {
            StepState::Failed => self.observer.event(Event::Failed { step }),
            _ => self.observer.event(Event::Ended { step, result: &result }),
        }
        // What is done is done: that it can't be written down doesn't undo it.
        if let Err(error) = self.write(step, state, &result, seconds) {
            self.note(step, &error);
        }
        done
    }

    /// Writes down how the run ended: as `ending` says of what was done, or with the error.
    pub(crate) fn ends<T, E: std::error::Error>(
        &self,
        done: &Result<T, E>,
        ending: impl FnOnce(&T) -> Ending,
    ) {
        self.end(&match done {
            Ok(done) => ending(done),
            Err(error) => Ending::failed(error),
        });
    }

    /// Writes down how the run ended.
    pub(crate) fn end(&self, ending: &Ending) {
        if let Some(Record { journal, .. }) = &self.record
            && let Err(error) = journal.end(ending)
        {
            self.note(Step::Verify, &error);
        }
    }

    fn note(&self, step: Step, error: &FileError) {
        self.observer.event(Event::Noted { step, note: &format!("the journal has a gap: {error}") });
    }

    fn write(
        &self,
        step: Step,
        state: StepState,
        result: &str,
        seconds: Option<f64>,
    ) -> Result<(), FileError> {
        match &self.record {
            Some(record) => record.journal.step(step, state, result, seconds),
            None => Ok(()),
        }
    }
}
