//! Names that cannot be wrong: of releases, namespaces and revisions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Helm takes no longer release name, since it stands in labels beside other text (`helm/pkg/chartutil`).
const RELEASE_NAME_LIMIT: usize = 53;
/// RFC 1123 labels are no longer.
const LABEL_LIMIT: usize = 63;

/// The name of a release: lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ReleaseName(String);

/// The name of a namespace: an RFC 1123 label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Namespace(String);

/// The number of a release's revision, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Revision(u32);

/// Why a text is no such name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is there.
    #[error("a name is expected, and this is empty")]
    Empty,
    /// It is too long.
    #[error("{name:?} is longer than {limit} characters")]
    TooLong {
        /// The text.
        name: String,
        /// How many it may have.
        limit: usize,
    },
    /// It has a character that stands in no such name.
    #[error(
        "{name:?} is no name: lower-case letters, digits and {others} are expected, a letter or digit first and last"
    )]
    Characters {
        /// The text.
        name: String,
        /// What may stand between letters and digits.
        others: &'static str,
    },
    /// It is no number of a revision.
    #[error("{text:?} is no revision: a number from 1 on is expected")]
    Revision {
        /// The text.
        text: String,
    },
}

impl ReleaseName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Namespace {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Revision {
    /// The revision of that number; `None` for 0.
    pub fn new(number: u32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for ReleaseName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, RELEASE_NAME_LIMIT, "-.", "- and .")?;
        let parts_are_labels = text.split('.').all(|part| check(part, RELEASE_NAME_LIMIT, "-", "-").is_ok());
        match parts_are_labels {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::Characters { name: text.to_owned(), others: "- and ." }),
        }
    }
}

impl TryFrom<String> for ReleaseName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl TryFrom<String> for Namespace {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl FromStr for Namespace {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check(text, LABEL_LIMIT, "-", "-")?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Revision {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let number = text.parse().ok().and_then(Self::new);
        number.ok_or_else(|| NameError::Revision { text: text.to_owned() })
    }
}

/// Holds a text to the characters and the length of a name.
fn check(text: &str, limit: usize, between: &str, others: &'static str) -> Result<(), NameError> {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_well = text.starts_with(is_inner) && text.ends_with(is_inner);
    if text.is_empty() {
        Err(NameError::Empty)
    } else if text.len() > limit {
        Err(NameError::TooLong { name: text.to_owned(), limit })
    } else if ends_well && text.chars().all(|c| is_inner(c) || between.contains(c)) {
        Ok(())
    } else {
        Err(NameError::Characters { name: text.to_owned(), others })
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_helm_and_kubernetes_take() {
        let release =
            |text: &str, is_one: bool| assert_eq!(text.parse::<ReleaseName>().is_ok(), is_one, "{text}");
        for name in ["kpanda", "kant-release", "a.b-c", "0", &"a".repeat(53)] {
            release(name, true);
        }
        for name in ["", "Kpanda", "-a", "a-", "a_b", "a..b", "a.-b", "a/b", &"a".repeat(54)] {
            release(name, false);
        }
        let namespace =
            |text: &str, is_one: bool| assert_eq!(text.parse::<Namespace>().is_ok(), is_one, "{text}");
        for (name, is_one) in [("kpanda-system", true), ("a.b", false), ("", false), (&"n".repeat(64), false)]
        {
            namespace(name, is_one);
        }
        let revision = |text: &str| text.parse::<Revision>().ok().map(Revision::number);
        assert_eq!(revision("7"), Some(7));
        assert_eq!((revision("0"), revision("-1"), revision("x")), (None, None, None));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = "Kpanda".parse::<ReleaseName>().unwrap_err();
        let expected = "\"Kpanda\" is no name: lower-case letters, digits and - and . are expected, a letter or digit first and last";
        assert_eq!(error.to_string(), expected);
    }
}
