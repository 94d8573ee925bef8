//! What advisories and choices are called.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What an advisory or a choice is called: small letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AdvisoryId(String);

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no id: up to 100 small letters, digits, and - between them")]
pub struct AdvisoryIdError {
    text: String,
}

impl AdvisoryId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AdvisoryId {
    type Err = AdvisoryIdError;

    fn from_str(text: &str) -> Result<Self, AdvisoryIdError> {
        let is_word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        match text.len() <= 100 && text.split('-').all(is_word) {
            true => Ok(Self(text.to_owned())),
            false => Err(AdvisoryIdError { text: text.to_owned() }),
        }
    }
}

impl TryFrom<String> for AdvisoryId {
    type Error = AdvisoryIdError;

    fn try_from(text: String) -> Result<Self, AdvisoryIdError> {
        text.parse()
    }
}

impl From<AdvisoryId> for String {
    fn from(id: AdvisoryId) -> Self {
        id.0
    }
}

impl fmt::Display for AdvisoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
