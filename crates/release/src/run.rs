//! One run: its steps are told to whoever watches, and written down in a folder of its own.
//!
//! ```text
//! FOLDER/steps.jsonl   a line when a step begins and one when it ends, on the disk before the run goes on
//! FOLDER/backup/       what was there before (see `backup`)
//! ```

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use serde::Serialize;

use crate::event::{Event, Observer, Step};
use crate::private::{self, FileError};

/// Version of the lines' shape; raised when a member changes its meaning or goes away.
const STEPS_VERSION: u32 = 1;
const STEPS: &str = "steps.jsonl";

/// A run under way.
pub struct Run<'a> {
    observer: &'a dyn Observer,
    folder: Option<PathBuf>,
}

/// A line of the record.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    steps_version: u32,
    time: String,
    step: Step,
    state: State,
    #[serde(skip_serializing_if = "str::is_empty")]
    result: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Began,
    Ended,
    Failed,
}

impl<'a> Run<'a> {
    /// A run that is only told of.
    pub fn unrecorded(observer: &'a dyn Observer) -> Self {
        Self { observer, folder: None }
    }

    /// A run that is written down in `folder`, which is made.
    ///
    /// # Errors
    /// [`FileError`] where that can't be done.
    pub fn recorded(observer: &'a dyn Observer, folder: &Path) -> Result<Self, FileError> {
        private::folder(folder)?;
        Ok(Self { observer, folder: Some(folder.to_owned()) })
    }

    /// The folder of a run that is written down.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        self.observer
    }

    /// Does a step's work. `words` says what came of it.
    ///
    /// # Errors
    /// That of the work, or that the record can't be written; nothing is begun then.
    pub(crate) async fn step<T, E: From<FileError>>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, E>>,
        words: impl FnOnce(&T) -> String,
    ) -> Result<T, E> {
        self.write(step, State::Began, "", None)?;
        self.observer.event(Event::Began { step });
        let began = Instant::now();
        let done = work.await;
        let seconds = Some(began.elapsed().as_secs_f64());
        match &done {
            Ok(value) => {
                let result = words(value);
                self.write(step, State::Ended, &result, seconds)?;
                self.observer.event(Event::Ended { step, result: &result });
            }
            Err(_) => {
                self.observer.event(Event::Failed { step });
                self.write(step, State::Failed, "", seconds)?;
            }
        }
        done
    }

    fn write(&self, step: Step, state: State, result: &str, seconds: Option<f64>) -> Result<(), FileError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let line = Line { steps_version: STEPS_VERSION, time, step, state, result, seconds };
        let line = serde_json::to_string(&line).expect("because it is a struct of texts and numbers");
        private::append_line(&folder.join(STEPS), &line)
    }
}
