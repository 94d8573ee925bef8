//! Running a program with the library below it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::trace::{Position, Trace};
use crate::preload;

const SOURCE: &str = include_str!("recorder.c");

/// Where the process ends itself by `SIGKILL`. Calls that may change something are counted from 1, a sync
/// is one call; a process has fewer calls in one run than in another, and then ends as it would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailPoint {
    /// The call is not made.
    Before(u64),
    /// The call is made, and nothing after it.
    After(u64),
}

/// A directory that is watched, and the trace of what programs do to it.
#[derive(Clone, Debug)]
pub struct Recorder {
    library: PathBuf,
    root: PathBuf,
    trace: PathBuf,
    linger: Duration,
}

/// A folder for a recorder, in memory where the machine has such a file system: what syncing costs is not
/// what these tests are about.
///
/// # Panics
/// Where it cannot be made.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder can be made")
}

impl Recorder {
    /// Makes an empty directory to watch in `folder`, and, unless that was done before, the library. `None`
    /// where there is no C compiler and the test is to be skipped.
    ///
    /// # Panics
    /// Where one of them cannot be made.
    pub fn new(folder: &Path) -> Option<Self> {
        let library = preload::library("recorder", SOURCE)?;
        let folder = folder.canonicalize().expect("the folder is there");
        let [root, trace] = ["data", "trace"].map(|name| folder.join(name));
        fs::create_dir(&root).expect("the folder can be written");
        Some(Self { library, root, trace, linger: Duration::ZERO })
    }

    /// Makes each sync take up to so much longer, so that other calls run beside it.
    #[must_use]
    pub fn linger(self, most: Duration) -> Self {
        Self { linger: most, ..self }
    }

    /// The directory that is watched.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Lets `command` run with the library, and end itself at `point`. Several may do so one after the
    /// other: the trace goes on. Those before the last one must not have been killed from outside, which
    /// could leave something done that the trace doesn't have.
    pub fn attach(&self, command: &mut Command, point: Option<FailPoint>) {
        command.env("LD_PRELOAD", &self.library);
        command.env("RECORDER_ROOT", &self.root).env("RECORDER_TRACE", &self.trace);
        command.env("RECORDER_LINGER", self.linger.as_micros().to_string());
        match point {
            Some(FailPoint::Before(call)) => drop(command.env("RECORDER_KILL", format!("before {call}"))),
            Some(FailPoint::After(call)) => drop(command.env("RECORDER_KILL", format!("after {call}"))),
            None => {}
        }
    }

    /// How far the trace has come: all that was done before is in front of it.
    pub fn position(&self) -> Position {
        Position(fs::metadata(&self.trace).map_or(0, |data| data.len()))
    }

    /// The trace so far.
    pub fn trace(&self) -> Trace {
        Trace::read(&self.trace)
    }

    /// Where the trace is.
    pub fn trace_path(&self) -> &Path {
        &self.trace
    }
}
