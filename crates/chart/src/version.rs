//! Versions of charts, as Helm takes them.

use std::{cmp::Ordering, fmt, str::FromStr};

use portolan_oci::Tag;
use semver::{BuildMetadata, Prerelease, Version};
use serde::{Serialize, Serializer};

/// The longest version that can be an OCI tag.
const LENGTH_LIMIT: usize = 128;

/// A chart's version: semantic versioning as Helm takes it, so that `1.2` and `v1.2.3` count too.
/// Shown exactly as it is written; ordered by semantic version, then by how it is written.
#[derive(Clone)]
pub struct ChartVersion {
    written: Box<str>,
    semantic: Version,
}

/// A text that Helm would not take for a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version: one to three numbers, as in 1.2.3, v1.2 or 1.2.3-rc.1+build")]
pub struct VersionError {
    text: String,
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

    /// The tag that Helm gives a chart of this version in an OCI registry: `+` becomes `_`.
    pub fn tag(&self) -> Tag {
        let tag = self.written.replace('+', "_");
        tag.parse().expect("because versions have the characters and the length of tags")
    }
}

impl FromStr for ChartVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let semantic = (text.len() <= LENGTH_LIMIT).then(|| parse(text)).flatten();
        let semantic = semantic.ok_or_else(|| VersionError { text: text.to_owned() })?;
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
            assert_eq!(version.tag().to_string(), tag, "{text}");
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
        let long = format!("1.2.3-{}", "a".repeat(128));
        for text in
            ["", "v", "a", "1.2.3.4", "1..2", "1.2.3-", "1.2.3+", "1.2.3-a_b", "1.2 ", "-1", "V1.2", &long]
        {
            assert!(text.parse::<ChartVersion>().is_err(), "{text}");
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
