//! Collects what is wrong with a configuration, so that one run tells all of it.

use std::fmt::Display;
use std::path::Path;

use serde_saphyr::Spanned;

use super::file::Key;
use super::{ConfigError, Problem, ProblemKind};

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    pub(super) fn add(&mut self, key: &str, line: Option<u64>, kind: ProblemKind) {
        self.found.push(Problem { line, key: key.to_owned(), kind });
    }

    /// Notes a key whose work belongs to a later version, where it is set.
    pub(super) fn later<T>(&mut self, key: &str, value: &Key<T>) {
        if let Some(value) = value {
            self.add(key, line(value), ProblemKind::Later);
        }
    }

    pub(super) fn missing(&mut self, key: &str, why: &str) {
        self.add(key, None, ProblemKind::Missing { why: why.to_owned() });
    }

    pub(super) fn invalid(&mut self, key: &str, line: Option<u64>, reason: impl Display) {
        self.add(key, line, ProblemKind::Invalid { reason: reason.to_string() });
    }

    /// Passes a parsed value on, or notes why it could not be parsed.
    pub(super) fn accept<T, E: Display>(
        &mut self,
        key: &str,
        at: Option<u64>,
        parsed: Result<T, E>,
    ) -> Option<T> {
        parsed.map_err(|reason| self.invalid(key, at, reason)).ok()
    }

    /// Parses the value of `key` where it is set.
    pub(super) fn parse<T, E: Display>(
        &mut self,
        key: &str,
        value: &Key<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = value.as_ref()?;
        self.accept(key, line(value), parse(&value.value))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// An error with all problems, where there are any.
    pub(super) fn none_or_refused(self, file: &Path) -> Result<(), ConfigError> {
        match self.found.is_empty() {
            true => Ok(()),
            false => Err(ConfigError::Refused { file: file.to_owned(), problems: self.into_vec() }),
        }
    }

    /// The problems, by line; those without one first, as they tell what is missing.
    pub(super) fn into_vec(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.line);
        self.found
    }
}

/// The line of a value; a value that YAML gave no place has none.
#[expect(clippy::unnecessary_wraps, reason = "every caller wants the line as a problem carries it")]
pub(super) fn line<T>(value: &Spanned<T>) -> Option<u64> {
    Some(value.referenced.line())
}
