//! The names that arrive from outside and end up in file names: projects, charts, uploads.
//!
//! Each type's constructor refuses what could leave its directory or clash with the depot's own
//! paths, so that the store joins them to paths without checking again.

use std::fmt;
use std::str::FromStr;

/// First path elements that the depot serves itself, so that no project may have them
/// (rules.md, "Depot"). `v2.0` is the version element of Harbor's interface: a project of that
/// name could not be reached below `/api/`.
const RESERVED_PROJECTS: [&str; 9] =
    ["v2", "v2.0", "api", "chartrepo", "console", "health", "ready", "metrics", "charts"];

/// Longest project name: Harbor's own limit.
const PROJECT_LENGTH: usize = 255;

/// Longest `NAME-VERSION`, so that every file name made of it stays below 255 bytes.
const STEM_LENGTH: usize = 240;

/// Random bytes of an upload id: nobody guesses another client's session.
const UPLOAD_ID_BYTES: usize = 16;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The project's name belongs to the depot's own paths.
    #[error("project name {name:?} is reserved: the depot serves its own pages below it")]
    ReservedProject {
        /// The name as given.
        name: String,
    },
    /// The project's name has letters that no path element may have.
    #[error(
        "invalid project name {name:?}: letters, digits, '.', '_' and '-', starting with a letter or digit"
    )]
    InvalidProject {
        /// The name as given.
        name: String,
    },
    /// A chart's name and version make no file name.
    #[error("invalid chart file name {name:?}: it must be NAME-VERSION without path elements")]
    InvalidChart {
        /// The name as given.
        name: String,
    },
    /// No id that this depot gave out.
    #[error("invalid upload id")]
    InvalidUpload,
}

/// A project: the first path element of a repository, and a tenant of the chart repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectName(Box<str>);

impl ProjectName {
    /// The name as it stands in paths.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if RESERVED_PROJECTS.contains(&text) {
            return Err(NameError::ReservedProject { name: text.to_owned() });
        }
        if !is_path_element(text, PROJECT_LENGTH) || text.contains('+') {
            return Err(NameError::InvalidProject { name: text.to_owned() });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `NAME-VERSION`, the file name of a chart without its ending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChartStem(Box<str>);

impl ChartStem {
    /// The stem of the chart `name` in `version`, the version as it is written.
    pub fn new(name: &str, version: &str) -> Result<Self, NameError> {
        format!("{name}-{version}").parse()
    }

    /// The name as it stands in paths.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChartStem {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if !is_path_element(text, STEM_LENGTH) {
            return Err(NameError::InvalidChart { name: text.to_owned() });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ChartStem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose charts: those at the root of the server, or a project's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tenant {
    /// ChartMuseum's depth 0.
    Root,
    /// ChartMuseum's depth 1, and Harbor's chart paths.
    Project(ProjectName),
}

/// The id of an upload session: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadId(Box<str>);

impl UploadId {
    /// An id that nobody can guess.
    pub fn random() -> Self {
        use fmt::Write as _;
        let mut bytes = [0_u8; UPLOAD_ID_BYTES];
        getrandom::fill(&mut bytes).expect("because the operating system has a source of randomness");
        let mut text = String::with_capacity(2 * UPLOAD_ID_BYTES);
        for byte in bytes {
            write!(text, "{byte:02x}").expect("because writing into a string cannot fail");
        }
        Self(text.into())
    }

    /// The id as it stands in paths.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 2 * UPLOAD_ID_BYTES || !text.bytes().all(hex) {
            return Err(NameError::InvalidUpload);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Letters, digits, `.`, `_`, `-` and `+`, the first one a letter or digit.
fn is_path_element(text: &str, longest: usize) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    first && text.len() <= longest && text.bytes().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_names_leave_the_depots_own_paths_free() {
        let check =
            |text: &str, good: bool| assert_eq!(text.parse::<ProjectName>().is_ok(), good, "{text:?}");
        check("release.daocloud.io", true);
        check("addon", true);
        check("a_b-c", true);
        for reserved in RESERVED_PROJECTS {
            check(reserved, false);
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "a+b", "ä", "-a", "_a", &"a".repeat(256)] {
            check(bad, false);
        }
    }

    #[test]
    fn chart_stems_stay_in_their_directory() {
        assert_eq!(ChartStem::new("nginx", "1.0.0+2").expect("a good stem").as_str(), "nginx-1.0.0+2");
        for (name, version) in [("../x", "1"), ("a/b", "1"), (".x", "1"), ("a", "1/2"), ("a\0", "1")] {
            assert!(ChartStem::new(name, version).is_err(), "{name} {version}");
        }
    }

    #[test]
    fn upload_ids_are_their_own_inverse() {
        let id = UploadId::random();
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_ne!(id, UploadId::random());
        assert!("../../etc/passwd".parse::<UploadId>().is_err());
    }
}
