//! Versions of Helm, as it prints them, and which of them are supported.

use std::fmt;
use std::str::FromStr;

use semver::Version;

/// The oldest that is supported.
const OLDEST: Version = Version::new(3, 10, 0);

/// A supported version of Helm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelmVersion {
    version: Version,
    line: Line,
}

/// Which line of versions it belongs to; flags and defaults differ between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// 3.10 and newer.
    Three,
    /// 4.
    Four,
}

/// Why a version is not supported.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// It is none.
    #[error("it calls itself {text:?}, which is no version")]
    NoVersion {
        /// What it printed.
        text: String,
        /// What is wrong with it.
        #[source]
        source: semver::Error,
    },
    /// It is too old, or newer than this program.
    #[error("it is Helm {found}, and 3.10 or newer, or 4, is needed")]
    Unsupported {
        /// Its version.
        found: Version,
    },
}

impl HelmVersion {
    /// Whether it is older than that.
    pub(super) fn is_before(&self, major: u64, minor: u64) -> bool {
        (self.version.major, self.version.minor) < (major, minor)
    }

    /// Which line of versions it belongs to.
    pub fn line(&self) -> Line {
        self.line
    }
}

impl FromStr for HelmVersion {
    type Err = VersionError;

    /// Reads `v3.10.1`, also with build information behind a `+`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let text = text.trim();
        let version = Version::parse(text.strip_prefix('v').unwrap_or(text))
            .map_err(|source| VersionError::NoVersion { text: text.to_owned(), source })?;
        let line = match version.major {
            3 if version >= OLDEST => Line::Three,
            4 => Line::Four,
            _ => return Err(VersionError::Unsupported { found: version }),
        };
        Ok(Self { version, line })
    }
}

impl fmt::Display for HelmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.version.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helm_calls_itself() {
        let check = |text: &str, expected: Option<Line>| {
            assert_eq!(text.parse::<HelmVersion>().ok().map(|version| version.line()), expected, "{text}");
        };
        check("v3.10.1", Some(Line::Three));
        check("v3.22.0+g1234567\n", Some(Line::Three));
        check("v4.3.1", Some(Line::Four));
        check("v4.0.0-rc.1", Some(Line::Four));
        check("v3.9.4", None);
        check("v2.17.0", None);
        check("v5.0.0", None);
        check("v3.x", None);
        check("", None);
    }
}
