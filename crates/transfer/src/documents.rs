//! Documents that an earlier run wrote and a person hands back: plan files and reports.
//!
//! They come as foreign bytes: bounded, and of a stated kind and version before anything else is read.

use serde::{Deserialize, de::DeserializeOwned};

/// The largest document that is read, in bytes: several times that of 10,000 images.
pub const DOCUMENT_LIMIT: u64 = 64 * 1024 * 1024;

/// A kind of document, and the version of it that this program reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// What people call it.
    pub(crate) name: &'static str,
    /// Its version, by which it is also known from others.
    pub(crate) version_of: fn(&Versions) -> Option<u64>,
    /// The version that is read.
    pub(crate) version: u32,
}

/// Why bytes are not the document that they should be.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Larger than [`DOCUMENT_LIMIT`].
    #[error("is larger than the {} MiB that a {kind} may have", DOCUMENT_LIMIT >> 20)]
    TooLarge {
        /// What it should be.
        kind: &'static str,
    },
    /// No JSON, or JSON of another shape.
    #[error("is no {kind}")]
    Shape {
        /// What it should be.
        kind: &'static str,
        /// What the JSON reader says, with line and column.
        #[source]
        source: serde_json::Error,
    },
    /// An object without the version that every such document bears.
    #[error("is no {kind}: {is}")]
    OtherKind {
        /// What it should be.
        kind: &'static str,
        /// What it is.
        is: &'static str,
    },
    /// A version that this program doesn't know.
    #[error(
        "is a {kind} of version {found}, and this program reads version {known}: use the Portolan that wrote it"
    )]
    Version {
        /// What it is.
        kind: &'static str,
        /// Its version.
        found: u64,
        /// The version that is read.
        known: u32,
    },
}

impl Kind {
    /// Reads a document of this kind.
    pub(crate) fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DocumentError> {
        let kind = self.name;
        if bytes.len() as u64 > DOCUMENT_LIMIT {
            return Err(DocumentError::TooLarge { kind });
        }
        self.check_version(bytes)?;
        serde_json::from_slice(bytes).map_err(|source| DocumentError::Shape { kind, source })
    }

    fn check_version(&self, bytes: &[u8]) -> Result<(), DocumentError> {
        let Self { name: kind, version: known, .. } = *self;
        let versions: Versions =
            serde_json::from_slice(bytes).map_err(|source| DocumentError::Shape { kind, source })?;
        match (self.version_of)(&versions) {
            Some(found) if found == u64::from(known) => Ok(()),
            Some(found) => Err(DocumentError::Version { kind, found, known }),
            None => Err(DocumentError::OtherKind { kind, is: versions.kind() }),
        }
    }
}

/// The versions that documents of Portolan bear, each under a name of its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with a version")]
pub(crate) struct Versions {
    pub(crate) plan_file_version: Option<u64>,
    pub(crate) plan_version: Option<u64>,
    pub(crate) report_version: Option<u64>,
}

impl Versions {
    /// What the document is, for somebody who took it for another.
    fn kind(&self) -> &'static str {
        match self {
            Self { plan_file_version: Some(_), .. } => "it is a plan file",
            Self { report_version: Some(_), .. } => "it is a report",
            Self { plan_version: Some(_), .. } => {
                "it is a plan as --dry-run --output json shows it; --plan-out FILE saves one"
            }
            _ => "it bears no version that Portolan writes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::one_line;

    const KIND: Kind = Kind { name: "report", version_of: |versions| versions.report_version, version: 1 };

    #[track_caller]
    fn refused(bytes: &[u8], expected: &str) {
        let error = KIND.read::<serde_json::Value>(bytes).unwrap_err();
        assert_eq!(one_line(&error), expected);
    }

    #[test]
    fn other_kinds_and_versions_are_named() {
        assert!(KIND.read::<serde_json::Value>(br#"{"new": [], "reportVersion": 1}"#).is_ok());
        refused(
            br#"{"reportVersion": 7}"#,
            "is a report of version 7, and this program reads version 1: use the Portolan that wrote it",
        );
        refused(b"{}", "is no report: it bears no version that Portolan writes");
        refused(br#"{"planFileVersion": 1}"#, "is no report: it is a plan file");
        refused(
            br#"{"planVersion": 1}"#,
            "is no report: it is a plan as --dry-run --output json shows it; --plan-out FILE saves one",
        );
    }

    #[test]
    fn what_is_no_json_of_that_shape() {
        refused(b"", "is no report: EOF while parsing a value at line 1 column 0");
        refused(
            b"[1]",
            "is no report: invalid length 1, expected an object with a version at line 1 column 3",
        );
        let twice = br#"{"reportVersion": 1, "reportVersion": 2}"#;
        refused(twice, "is no report: duplicate field `reportVersion` at line 1 column 36");
        let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
        assert!(KIND.read::<serde_json::Value>(&deep).is_err());
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let large = vec![b' '; DOCUMENT_LIMIT as usize + 1];
        refused(&large, "is larger than the 64 MiB that a report may have");
    }
}
