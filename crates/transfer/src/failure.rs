//! Errors of planning, and errors as one line of text for plans and reports.

use std::{error::Error, fmt};

use portolan_chartrepo::ChartRepoError;
use portolan_registry::{ProjectNameError, RegistryError};

use crate::refusal::READ_ONLY;

/// Something that stops a run before it writes anything.
#[derive(Debug, thiserror::Error)]
pub enum Precondition {
    /// The registry can't be used.
    #[error("the registry can't be used")]
    Registry {
        /// What it said, or what kept it from saying anything.
        #[source]
        source: RegistryError,
    },
    /// The chart repository can't be used.
    #[error("the chart repository can't be used")]
    ChartRepository {
        /// What it said, or what kept it from saying anything.
        #[source]
        source: ChartRepoError,
    },
    /// This user sees no projects, and may not use these.
    #[error(
        "project missing or no right to push: {}; have it created, or give this user (a robot account perhaps) the rights to pull and push there",
        .names.join(", ")
    )]
    HiddenProjects {
        /// Their names.
        names: Vec<String>,
    },
    /// A project lacks that no Harbor takes.
    #[error(
        "the registry is a Harbor, and a project that it lacks can't be made there; change target.containerRepository or its like"
    )]
    ProjectName {
        /// The name.
        #[source]
        source: ProjectNameError,
    },
    /// The Harbor takes no changes.
    #[error("{READ_ONLY}")]
    ReadOnly,
    /// Projects lack, and may not be created.
    #[error("the registry lacks the projects {}: create them, or let Portolan do it with --auto-create-repository", .names.join(", "))]
    MissingProjects {
        /// Their names.
        names: Vec<String>,
    },
    /// Projects lack, and this user may not create them.
    #[error("the registry lacks the projects {}, and this user may make none: have them made by one who may", .names.join(", "))]
    UncreatedProjects {
        /// Their names.
        names: Vec<String>,
        /// What the registry says of the first of them.
        #[source]
        source: Box<RegistryError>,
    },
    /// Tags or charts are there with other content, and that was to end the run.
    #[error("there already with other content, as --on-existing error refuses: {}", some_of(.targets))]
    Existing {
        /// What is there.
        targets: Vec<String>,
    },
    /// The run was interrupted before all was known.
    #[error("interrupted")]
    Interrupted,
    /// The report whose failures are to be run again is one of another package or configuration.
    #[error("the report is of another package or configuration: this run knows nothing of {}", some_of(.targets))]
    OtherReport {
        /// What the report names and this run doesn't know.
        targets: Vec<String>,
    },
}

/// Names that are shown of a list that may be long.
const NAMES_SHOWN: usize = 10;

fn some_of(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMES_SHOWN)].join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// All that stops a run before it writes anything, found in one go.
#[derive(Debug)]
pub struct Preconditions {
    /// Each failure; never empty.
    pub failures: Vec<Precondition>,
}

impl fmt::Display for Preconditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.failures.iter().map(|failure| one_line(failure)).collect();
        f.write_str(&texts.join("; "))
    }
}

impl Error for Preconditions {}

impl Preconditions {
    /// The interruption alone.
    pub(crate) fn interrupted() -> Self {
        Self { failures: vec![Precondition::Interrupted] }
    }

    /// `Ok` where nothing failed.
    pub(crate) fn check(failures: Vec<Precondition>) -> Result<(), Self> {
        if failures.is_empty() { Ok(()) } else { Err(Self { failures }) }
    }
}

/// An error and all its causes in one line, for a member of a plan or report.
pub(crate) fn one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
