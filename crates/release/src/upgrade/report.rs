//! What an upgrade came to.

use std::fmt;
use std::path::PathBuf;

use portolan_chart::ObjectName;
use portolan_oci::Digest;
use portolan_transfer::Report;
use serde::Serialize;

use crate::advisories::Step;
use crate::backup::Backup;
use crate::journal::Ending;
use crate::lease::Leaves;
use crate::stored::Status;
use crate::verify::{Unready, Verified};

/// Version of the report's shape; raised when a member changes its meaning or goes away.
pub const REPORT_VERSION: u32 = 1;

/// What an upgrade came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeReport {
    /// [`REPORT_VERSION`] of the program that wrote it.
    pub report_version: u32,
    /// The release.
    pub release: String,
    /// Where it is.
    pub namespace: String,
    /// Whether that was made first; it stays where the upgrade fails. Of an upgrade that was taken back, whether it
    /// had to stay.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub makes_namespace: bool,
    /// The version that stood before; absent where the release was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version that was to come.
    pub to: String,
    /// Digest of the plan.
    pub plan_digest: Digest,
    /// How it ended.
    pub outcome: Outcome,
    /// What became of the images that were pushed first, for each package.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pushed: Vec<Report>,
    /// Whether there is no release of that name now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_absent: bool,
    /// The revision that stands now; absent where the cluster did not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The chart's version of that revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The state of that revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// Definitions that were applied, which stay whatever becomes of the release.
    pub definitions: Vec<String>,
    /// Nodes that got labels, which stay too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labelled: Vec<String>,
    /// Objects of its hooks that an upgrade which failed left behind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks_left: Vec<ObjectName>,
    /// How the objects are that stand now; absent where that could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// What advisories ask somebody to do now that the new version stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Step>,
    /// What was not ready of the new version when it was given up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given_up_on: Vec<Unready>,
    /// What went wrong, causes included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its lease, where that could not be removed at the end: which one, and when it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_left: Option<String>,
    /// Where the run is written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<PathBuf>,
}

/// How an upgrade ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The new version stands, and all of it is ready.
    Upgraded,
    /// The new version stands, and something of it is not ready.
    NotReady,
    /// The upgrade failed, and the old version stands as it did, or no release again where there was none.
    RolledBack,
    /// It failed before the release was touched.
    NotBegun,
    /// It failed, and the release is what `status` says.
    Failed,
    /// What a run that was broken off had done is taken back.
    Undone,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upgraded => "upgraded",
            Self::NotReady => "not-ready",
            Self::RolledBack => "rolled-back",
            Self::NotBegun => "not-begun",
            Self::Failed => "failed",
            Self::Undone => "undone",
        })
    }
}

impl Leaves for UpgradeReport {
    fn leaves(&mut self, lease: String) {
        self.lease_left = Some(lease);
    }
}

impl UpgradeReport {
    /// How the run's journal ends.
    pub(super) fn ending(&self) -> Ending {
        Ending { outcome: self.outcome.to_string(), left: self.left() }
    }

    /// What somebody still has to look after.
    pub fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        if self.outcome == Outcome::Failed {
            left.push(match (self.revision, self.status) {
                (Some(revision), Some(status)) => format!("the release is {status} at revision {revision}"),
                _ if self.is_absent => "the release is gone".to_owned(),
                _ => "what stands could not be asked".to_owned(),
            });
        }
        if self.outcome != Outcome::Upgraded && self.outcome != Outcome::NotReady {
            left.extend(
                self.definitions.iter().map(|name| format!("the definition {name} is of {}", self.to)),
            );
            left.extend(self.labelled.iter().map(|node| format!("the node {node} has its new labels")));
            left.extend(
                self.hooks_left
                    .iter()
                    .map(|hook| format!("{hook} is left of a hook, to be looked into and removed")),
            );
        }
        if self.outcome == Outcome::Undone && self.makes_namespace {
            left.push(format!("the namespace {} was made, and stays", self.namespace));
        }
        left.extend(self.verified.iter().flat_map(Verified::left));
        left.extend(self.lease_left.clone());
        left
    }
}
