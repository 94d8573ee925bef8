//! Refusals of a registry in words that name the project and what to do about it, and the projects that
//! take nothing more once they said so.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use portolan_oci::Repository;
use portolan_registry::{HarborRefusal, QuotaFigures, RegistryError, Stop};

use crate::{failure::one_line, held::held, lack::Lack};

/// What a Harbor that takes no changes makes of everything.
pub(crate) const READ_ONLY: &str =
    "the Harbor is in read-only mode and takes nothing; have its administrator end that mode, and run again";

/// Why something may not be written into the project, in one line; `None` where it is no question of
/// rights and rules.
pub(crate) fn explain(error: &RegistryError, project: &str) -> Option<String> {
    let words = match error.harbor_refusal() {
        Some(HarborRefusal::Quota(figures)) => over_quota(project, &figures),
        Some(HarborRefusal::ReadOnly) => READ_ONLY.to_owned(),
        Some(HarborRefusal::ImmutableTag) => format!(
            "a rule of project {project} makes this tag immutable, so it stays as it is; take the rule away, or bring the content under another one"
        ),
        None if error.is_refused() => format!(
            "{}; where the registry has projects, see that {project} is there and that this user may push into it",
            one_line(error)
        ),
        None => return None,
    };
    Some(words)
}

fn over_quota(project: &str, figures: &QuotaFigures) -> String {
    format!(
        "project {project} takes nothing more: {figures}; raise its quota, or remove from it what isn't needed, and run again"
    )
}

/// Projects that refused what was sent for a reason that holds for all that would follow. Nothing more is
/// sent into them, and why is told once.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// Why, by project.
    reasons: Mutex<BTreeMap<String, String>>,
}

impl Closed {
    /// Notes what `error` says of the project of `repository`, and gives what it comes to.
    pub(crate) fn note(&self, error: &RegistryError, repository: &Repository, stop: &Stop) -> Lack {
        let Some(reason) = explain(error, repository.project()) else { return Lack::of(error, stop) };
        if !matches!(error.harbor_refusal(), Some(HarborRefusal::Quota(_) | HarborRefusal::ReadOnly)) {
            return Lack::Failed(reason);
        }
        self.reasons().entry(repository.project().to_owned()).or_insert(reason);
        Lack::Failed(untried(repository))
    }

    /// The line for what is not even tried, where the project of `repository` takes nothing more.
    pub(crate) fn check(&self, repository: &Repository) -> Result<(), String> {
        if self.reasons().contains_key(repository.project()) { Err(untried(repository)) } else { Ok(()) }
    }

    /// Why projects were closed, each a line for the report.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.reasons().values().cloned().collect();
        lines.dedup();
        lines
    }

    fn reasons(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        held(&self.reasons)
    }
}

fn untried(repository: &Repository) -> String {
    format!("not sent, since project {} takes nothing more: the notes say why", repository.project())
}
