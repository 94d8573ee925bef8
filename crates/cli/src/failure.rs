//! The one boundary where errors become what a user sees: a kind with its exit code, the chain of causes, a hint.

use std::error::Error;
use std::process::ExitCode;

use portolan_transfer::{GroundChanged, Precondition, Preconditions};

use crate::args::UsageError;
use crate::config::{ConfigError, KeyNames};

/// How the program ends (design.md, decision 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All that was asked for is done.
    Done,
    /// Nothing of it could be done.
    Failed,
    /// Arguments, environment or configuration cannot be used.
    Usage,
    /// Something is left, and the report says what; also an interruption before there was anything to report.
    InPart,
}

impl Exit {
    /// The number that the process ends with.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::InPart => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ended without a report.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What failed.
    pub message: String,
    /// What it consists of, where one failure stands for several.
    pub parts: Vec<String>,
    /// The chain of causes, nearest first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of the work itself, with the chain of its causes.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        Self { causes: causes(error), ..Self::failed(error.to_string()) }
    }

    /// A failure that no library's error stands for.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Failed,
            message: message.into(),
            parts: Vec::new(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// A fault of what the user gave.
    #[must_use]
    pub fn usage(error: &(dyn Error + 'static)) -> Self {
        Self { exit: Exit::Usage, ..Self::of(error) }
    }

    /// What clap says about the arguments: a first line, and below it what may help.
    fn of_arguments(text: &str) -> Self {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let failure = Self::failed(first.trim_start_matches("error: "));
        let hint = Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty());
        Self { exit: Exit::Usage, hint, ..failure }
    }

    /// Something that a later version will do.
    #[must_use]
    pub fn later(what: &str) -> Self {
        let failure =
            Self { exit: Exit::Usage, ..Self::failed(format!("{what} is not done by this version yet")) };
        failure.with_hint("leave it out, or do that part with the tool that you use today")
    }

    /// The run was interrupted before its plan stood.
    #[must_use]
    pub fn interrupted() -> Self {
        let failure = Self::failed("interrupted before anything was written");
        Self { exit: Exit::InPart, ..failure }.with_hint("the same command begins again")
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl Failure {
    /// The same with keys as the configuration at hand has them.
    #[must_use]
    pub fn with_keys(self, names: KeyNames) -> Self {
        let words = |text: String| names.in_words_of_file(&text);
        Self {
            exit: self.exit,
            message: words(self.message),
            parts: self.parts.into_iter().map(words).collect(),
            causes: self.causes.into_iter().map(words).collect(),
            hint: self.hint.map(words),
        }
    }
}

fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    std::iter::successors(error.source(), |cause| (*cause).source()).map(ToString::to_string).collect()
}

/// An error and its causes in one line.
fn one_line(error: &(dyn Error + 'static)) -> String {
    std::iter::once(error.to_string()).chain(causes(error)).collect::<Vec<_>>().join(": ")
}

/// A failure, its parts and its causes in one line.
#[must_use]
pub fn one_line_of(failure: &Failure) -> String {
    let said = std::iter::once(&failure.message).chain(&failure.parts).chain(&failure.causes);
    said.map(String::as_str).collect::<Vec<_>>().join(": ")
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let parts = error.problems().iter().map(ToString::to_string).collect();
        Self { parts, hint: error.hint(), ..Self::usage(&error) }
    }
}

impl From<&UsageError> for Failure {
    fn from(error: &UsageError) -> Self {
        match error {
            UsageError::Clap(error) => Self::of_arguments(&error.to_string()),
        }
    }
}

/// How many changes of a plan's ground are listed.
const CHANGES_SHOWN: usize = 20;

impl From<GroundChanged> for Failure {
    fn from(error: GroundChanged) -> Self {
        let mut parts: Vec<String> =
            error.changes.iter().take(CHANGES_SHOWN).map(ToString::to_string).collect();
        match error.changes.len().saturating_sub(CHANGES_SHOWN) {
            0 => {}
            more => parts.push(format!("and {more} more")),
        }
        let message = format!("nothing was written, because {error}");
        let hint = "make a plan anew with --plan-out, and have that one approved";
        Self { parts, ..Self::failed(message).with_hint(hint) }
    }
}

impl From<Preconditions> for Failure {
    fn from(error: Preconditions) -> Self {
        Self::from(&error)
    }
}

impl From<&Preconditions> for Failure {
    fn from(error: &Preconditions) -> Self {
        if matches!(error.failures[..], [Precondition::Interrupted]) {
            return Self::interrupted();
        }
        let parts: Vec<String> = error.failures.iter().map(|failure| one_line(failure)).collect();
        let message = match parts.len() {
            1 => "nothing was written, because one thing stands in the way".to_owned(),
            many => format!("nothing was written, because {many} things stand in the way"),
        };
        Self { parts, ..Self::failed(message) }
    }
}
