//! Ranges of versions, as advisories write them: `>= 0.25.1, < 0.29.0`, alternatives divided by `||`.
//!
//! Two rules differ from those of package managers, since what counts here is which code a version runs:
//! - A pre-release counts as the version that it leads to: `0.29.0-rc.1` is within `>= 0.29.0`, and not within
//!   `< 0.29.0`. A bound that names a pre-release itself is compared with it.
//! - A build number counts where the bound has one: `23.9.0+1 < 23.9.0+2 < 23.9.1` (rules.md, "Upgrades").

use std::{cmp::Ordering, fmt, str::FromStr};

use portolan_chart::{ChartVersion, VersionError};
use semver::{BuildMetadata, Prerelease, Version};
use serde::{Deserialize, Serialize};

/// A range; every version is in the empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionRange {
    written: String,
    /// One of these has to hold in all its bounds.
    alternatives: Vec<Vec<Bound>>,
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// A bound without version.
    #[error("{text:?} is no range of versions: bounds as in >= 0.25.1, < 0.29.0")]
    Form {
        /// The range.
        text: String,
    },
    /// A bound whose version isn't one.
    #[error("the range {text:?} has a bound that is no version: {source}")]
    Version {
        /// The range.
        text: String,
        /// What is wrong with it.
        source: VersionError,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Bound {
    operator: Operator,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Equal,
    Unequal,
    GreaterOrEqual,
    Greater,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("!=", Operator::Unequal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("=", Operator::Equal),
];

impl VersionRange {
    /// Whether the version is in it.
    #[must_use]
    pub fn holds(&self, version: &ChartVersion) -> bool {
        let version = version.semantic();
        let all = |bounds: &Vec<Bound>| bounds.iter().all(|bound| bound.holds(version));
        self.alternatives.is_empty() || self.alternatives.iter().any(all)
    }
}

impl Bound {
    fn holds(&self, version: &Version) -> bool {
        let ordering = self.compare(version);
        match self.operator {
            Operator::Less => ordering.is_lt(),
            Operator::LessOrEqual => ordering.is_le(),
            Operator::Equal => ordering.is_eq(),
            Operator::Unequal => ordering.is_ne(),
            Operator::GreaterOrEqual => ordering.is_ge(),
            Operator::Greater => ordering.is_gt(),
        }
    }

    fn compare(&self, version: &Version) -> Ordering {
        let mut version = version.clone();
        let is_same_release = (version.major, version.minor, version.patch)
            == (self.version.major, self.version.minor, self.version.patch);
        if self.version.pre.is_empty() || !is_same_release {
            version.pre = Prerelease::EMPTY;
        }
        let mut bound = self.version.clone();
        if !is_same_release {
            bound.pre = Prerelease::EMPTY;
        }
        if bound.build.is_empty() {
            version.build = BuildMetadata::EMPTY;
        }
        version.cmp(&bound)
    }
}

impl FromStr for VersionRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let written = text.trim().to_owned();
        if written.is_empty() || written == "*" {
            return Ok(Self { written, alternatives: Vec::new() });
        }
        let alternatives = text.split("||").map(|part| bounds(text, part)).collect::<Result<_, _>>()?;
        Ok(Self { written, alternatives })
    }
}

fn bounds(range: &str, text: &str) -> Result<Vec<Bound>, RangeError> {
    let refused = || RangeError::Form { text: range.to_owned() };
    let mut bounds = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let known = OPERATORS.iter().find_map(|(sign, operator)| Some((rest.strip_prefix(sign)?, *operator)));
        // A version without an operator is that version.
        let (behind, operator) = known.unwrap_or((rest, Operator::Equal));
        let behind = behind.trim_start();
        let end = behind.find([' ', ',', '<', '>', '=', '!']).unwrap_or(behind.len());
        let (version, behind) = behind.split_at(end);
        if version.is_empty() {
            return Err(refused());
        }
        let version: ChartVersion =
            version.parse().map_err(|source| RangeError::Version { text: range.to_owned(), source })?;
        bounds.push(Bound { operator, version: version.semantic().clone() });
        rest = behind.trim_start_matches([' ', ',']);
    }
    if bounds.is_empty() { Err(refused()) } else { Ok(bounds) }
}

impl TryFrom<String> for VersionRange {
    type Error = RangeError;

    fn try_from(text: String) -> Result<Self, RangeError> {
        text.parse()
    }
}

impl From<VersionRange> for String {
    fn from(range: VersionRange) -> Self {
        range.written
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_range() {
        let check = |range: &str, inside: &[&str], outside: &[&str]| {
            let parsed: VersionRange = range.parse().unwrap();
            assert_eq!(parsed.to_string(), range.trim());
            for (versions, expected) in [(inside, true), (outside, false)] {
                for version in versions {
                    assert_eq!(parsed.holds(&version.parse().unwrap()), expected, "{version} in {range}");
                }
            }
        };
        check(
            ">= 0.25.1, < 0.29.0",
            &["0.25.1", "v0.28.9", "0.25.1-rc.1"],
            &["0.25.0", "0.29.0", "0.29.0-rc.1"],
        );
        check(">=0.25.1 <0.29.0", &["0.25.2-dev"], &["0.25.0-rc.1", "0.30"]);
        check("< 0.21.0", &["0.20.9", "0.20.0+5"], &["0.21.0-alpha", "0.21.0+1"]);
        check(">= 0.29.0", &["0.29.0-rc1", "0.29.0+1", "1.0.0-0"], &["0.28.99"]);
        check(">= 1.0.0-rc.2", &["1.0.0-rc.2", "1.0.0", "1.0.1-rc.1"], &["1.0.0-rc.1", "0.9.0"]);
        check("< 1.0.0-rc.2", &["1.0.0-rc.1", "0.9.0-x"], &["1.0.0-rc.2", "1.0.0"]);
        check(">= 23.9.0+1", &["v23.9.0+1", "v23.9.0+2", "v23.9.0+10", "23.9.1"], &["v23.9.0", "23.8.9+7"]);
        check("> v23.9.0+1", &["v23.9.0+2", "v23.9.1"], &["v23.9.0+1", "v23.9.0"]);
        check("> v23.9.0+2", &["v23.9.0+10"], &["v23.9.0+1"]);
        check("1.2.3 || >= 2.0", &["1.2.3", "1.2.3+7", "2.0.0"], &["1.2.4", "1.2.2"]);
        check("!= 1.2.3", &["1.2.4"], &["1.2.3"]);
        check("= 1.2", &["1.2.0"], &["1.2.1"]);
        check("<= 1.2", &["1.2.0", "1.2.0-rc.1"], &["1.2.1"]);
        check("", &["0.0.1"], &[]);
        check(" * ", &["0.0.1-x"], &[]);
    }

    #[test]
    fn refuses_what_is_none() {
        for text in [">=", ">= x", "||", "1.0 ||", "~1.2", "^1", "1.x", ">=1 <", ",", "=> 1"] {
            assert!(text.parse::<VersionRange>().is_err(), "{text}");
        }
    }
}
