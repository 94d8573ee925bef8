//! Runs on a release that were broken off here, and that a later command deals with.

use portolan_release::{Cluster, Namespace, RecordedRun, ReleaseName, ResumeError, close, runs};

use super::state::StateArgs;
use crate::config::Environment;
use crate::failure::Failure;
use crate::output::Console;

/// The runs on one release that were written down here.
pub(super) struct Runs<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) release: &'a ReleaseName,
    pub(super) namespace: &'a Namespace,
    pub(super) state: &'a StateArgs,
    pub(super) environment: &'a Environment,
}

impl Runs<'_> {
    /// All of them, oldest first.
    fn all(&self) -> Result<Vec<RecordedRun>, Failure> {
        let folder = self.state.runs(self.environment)?;
        let (mut found, _) = runs(&folder).map_err(|error| Failure::of(&error))?;
        found.retain(|run| {
            let task = &run.task;
            (task.release.as_str(), task.namespace.as_str(), task.server.as_str())
                == (self.release.as_str(), self.namespace.as_str(), self.cluster.server())
        });
        Ok(found)
    }

    /// The last one.
    pub(super) fn last(&self) -> Result<Option<RecordedRun>, Failure> {
        Ok(self.all()?.pop())
    }

    /// Those that were broken off.
    pub(super) fn broken_off(&self) -> Result<Vec<RecordedRun>, Failure> {
        Ok(self.all()?.into_iter().filter(|run| run.state.is_broken_off()).collect())
    }

    /// Those at the end that another run stands in for, or would: each was broken off, or given up for the next one.
    pub(super) fn unfinished(&self) -> Result<Vec<RecordedRun>, Failure> {
        let is_one = |run: &RecordedRun| run.state.is_broken_off() || run.state.is_given_up();
        Ok(self.all()?.into_iter().rev().take_while(is_one).collect())
    }

    /// Closes journals: what those runs left was dealt with, in the way of the word `outcome`. One that can't be
    /// closed stays listed as broken off, which does no harm.
    pub(super) fn close(&self, runs: &[RecordedRun], outcome: &str, console: &Console) {
        for run in runs {
            match close(&run.folder, outcome) {
                Ok(()) | Err(ResumeError::Ended { .. }) => {}
                Err(error) => console.note(&format!("{} can't be closed: {error}", run.folder.display())),
            }
        }
    }
}
