//! Versions of charts, as Helm takes them.

use std::{cmp::Ordering, fmt, str::FromStr};

use portolan_oci::{ReferenceError, Tag};
use semver::{BuildMetadata, Prerelease, Version};
use serde::{Serialize, Serializer};

/// The longest version that Helm takes, in bytes. As a tag of a registry it has to be half as long.
const LENGTH_LIMIT: usize = 256;

/// A chart's version: semantic versioning as Helm takes it, so that `1.2` and `v1.2.3` count too.
/// Shown exactly as it is written; ordered by semantic version, then by how it is written.
#[derive(Clone)]
pub struct ChartVersion {
    written: Box<str>,
    semantic: Version,
}

/// A text that Helm would not take for a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionError {
    /// Not of a version's form.
    #[error("{text:?} is no version: one to three numbers, as in 1.2.3, v1.2 or 1.2.3-rc.1+build")]
    Form {
        /// The text.
        text: String,
    },
    /// Longer than Helm takes.
    #[error("the version has {length} bytes, and Helm takes at most {LENGTH_LIMIT}; shorten it")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl ChartVersion {
    /// The version as it is written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The version with missing numbers as zeros and without `v`.
    pub fn semantic(&self) -> &Version {
        &self.semantic
    }

    /// Whether it is written as semantic versioning has it: three numbers without zeros before them, and
    /// no `v`. Helm looks among a registry's tags for such versions alone.
    pub fn is_strict(&self) -> bool {
        self.semantic.to_string() == *self.written
    }

    /// The tag that Helm gives a chart of this version in an OCI registry: `+` becomes `_`.
    ///
    /// # Errors
    /// [`ReferenceError`] where it is longer than tags may be.
    pub fn tag(&self) -> Result<Tag, ReferenceError> {
        self.written.replace('+', "_").parse()
    }
}

impl FromStr for ChartVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text.len() > LENGTH_LIMIT {
            return Err(VersionError::TooLong { length: text.len() });
        }
        let semantic = parse(text).ok_or_else(|| VersionError::Form { text: text.to_owned() })?;
        Ok(Self { written: text.into(), semantic })
    }
}

fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = match text.split_once('+') {
        Some((text, build)) if !build.is_empty() => (text, BuildMetadata::new(build).ok()?),
        Some(_) => return None,
        None => (text, BuildMetadata::EMPTY),
    };
    let (numbers, pre) = match text.split_once('-') {
        Some((numbers, pre)) if !pre.is_empty() => (numbers, Prerelease::new(pre).ok()?),
        Some(_) => return None,
        None => (text, Prerelease::EMPTY),
    };
    let mut parts = numbers.split('.').map(number);
    let version = Version {
        major: parts.next()??,
        minor: parts.next().unwrap_or(Some(0))?,
        patch: parts.next().unwrap_or(Some(0))?,
        pre,
        build,
    };
    parts.next().is_none().then_some(version)
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

impl Ord for ChartVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.semantic.cmp(&other.semantic).then_with(|| self.written.cmp(&other.written))
    }
}

impl PartialOrd for ChartVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ChartVersion {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for ChartVersion {}

impl std::hash::Hash for ChartVersion {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.written.hash(state);
    }
}

impl fmt::Display for ChartVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Debug for ChartVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ChartVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_helm_takes() {
        let check = |text: &str, semantic: &str, tag: &str| {
            let version: ChartVersion = text.parse().unwrap();
            assert_eq!(version.to_string(), text);
            assert_eq!(version.semantic().to_string(), semantic, "{text}");
            assert_eq!(version.tag().unwrap().to_string(), tag, "{text}");
        };
        check("1.2.3", "1.2.3", "1.2.3");
        check("1.2", "1.2.0", "1.2");
        check("7", "7.0.0", "7");
        check("v1.2.3", "1.2.3", "v1.2.3");
        check("v23.9.0+1", "23.9.0+1", "v23.9.0_1");
        check("0.1.0-rc.1+git.abc", "0.1.0-rc.1+git.abc", "0.1.0-rc.1_git.abc");
        check("01.2.3", "1.2.3", "01.2.3");
    }

    #[test]
    fn refuses_what_is_none() {
        let long = format!("1.2.3-{}", "a".repeat(256));
        for text in
            ["", "v", "a", "1.2.3.4", "1..2", "1.2.3-", "1.2.3+", "1.2.3-a_b", "1.2 ", "-1", "V1.2", &long]
        {
            assert!(text.parse::<ChartVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_version_may_be_too_long_for_a_tag() {
        let version: ChartVersion = format!("1.2.3-{}", "a".repeat(128)).parse().unwrap();
        assert!(version.tag().is_err());
    }

    #[test]
    fn strict_as_semantic_versioning_has_it() {
        for (text, expected) in [
            ("1.2.3", true),
            ("0.1.0-rc.1+git.abc", true),
            ("v1.2.3", false),
            ("1.2", false),
            ("01.2.3", false),
        ] {
            assert_eq!(text.parse::<ChartVersion>().unwrap().is_strict(), expected, "{text}");
        }
    }

    #[test]
    fn ordered_by_semantic_version() {
        let mut versions: Vec<ChartVersion> = ["1.10.0", "1.2", "v1.9.0", "1.2.0-rc.1", "1.2.0+2", "1.2.0+1"]
            .map(|t| t.parse().unwrap())
            .into();
        versions.sort();
        let sorted: Vec<&str> = versions.iter().map(ChartVersion::as_str).collect();
        assert_eq!(sorted, ["1.2.0-rc.1", "1.2", "1.2.0+1", "1.2.0+2", "v1.9.0", "1.10.0"]);
    }
}
