//! What can be wrong with the configuration: all of it ends with exit code 2.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// Why no settings could be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No file was named, and none lies where one is looked for.
    #[error("no configuration file: {} is not in {}", super::find::DEFAULT_NAME, list(looked_in))]
    NotFound {
        /// The directories that were looked into.
        looked_in: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is far larger than any configuration.
    #[error("{} is larger than {limit} bytes, which no configuration is", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// The largest size that is read, in bytes.
        limit: u64,
    },
    /// The file is no YAML, or a value has the wrong type.
    #[error("{}:{line}:{column}: {message}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What the parser found.
        message: String,
    },
    /// A key that nobody knows.
    #[error("{}:{line}: unknown key `{key}`", file.display())]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The key as written.
        key: String,
        /// What may have been meant, as a sentence.
        suggestion: String,
    },
    /// The file reads well, and yet what it asks for cannot be done. All problems are told at once.
    #[error("{} cannot be used as it is", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// Every problem that was found, in the order of the file's sections.
        problems: Vec<Problem>,
    },
}

impl ConfigError {
    /// What to do about it, where there is more to say than the error itself.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => Some("name the file with --config FILE".to_owned()),
            Self::UnknownKey { suggestion, .. } => Some(suggestion.clone()),
            Self::Refused { problems, .. } => problems.iter().find_map(Problem::hint),
            Self::Read { .. } | Self::TooLarge { .. } | Self::Syntax { .. } => None,
        }
    }

    /// The problems of a file that reads well, for a list under the error.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Refused { problems, .. } => problems,
            _ => &[],
        }
    }
}

/// One thing in the configuration, the environment or the arguments that cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, where the problem has one.
    pub line: Option<u64>,
    /// The key or flag, as its user writes it.
    pub key: String,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The work it asks for belongs to a later version.
    Later,
    /// It is needed and absent.
    Missing {
        /// Why it is needed.
        why: String,
    },
    /// Its value cannot be used.
    Invalid {
        /// Why not, as a fragment.
        reason: String,
    },
    /// It contradicts another key.
    Conflict {
        /// The other key.
        with: &'static str,
    },
}

impl Problem {
    fn hint(&self) -> Option<String> {
        (self.kind == ProblemKind::Later)
            .then(|| format!("take `{}` out, or do that part with the tool that you use today", self.key))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "`{}`", self.key)?;
        match &self.kind {
            ProblemKind::Later => f.write_str(" is not done by this version yet"),
            ProblemKind::Missing { why } => write!(f, " is missing: {why}"),
            ProblemKind::Invalid { reason } => write!(f, ": {reason}"),
            ProblemKind::Conflict { with } => {
                write!(f, " contradicts `{with}`: only one of the two can be set")
            }
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
}
