//! A release as Helm stores it: the secrets `sh.helm.release.v1.NAME.vREVISION`, one for each revision.

mod decode;
mod mark;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use decode::decode;
pub use decode::{DecodeError, RELEASE_LIMIT};
pub(crate) use mark::with_status;

/// What a revision of a release is, as Helm wrote it down.
#[derive(Clone, Debug, Deserialize)]
pub struct StoredRelease {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub namespace: String,
    /// The revision's number.
    pub version: u32,
    /// State and times.
    pub info: Info,
    /// The chart that it was made of.
    pub chart: StoredChart,
    /// The user's own overrides; never what the chart has by default.
    #[serde(default, deserialize_with = "null_as_default")]
    pub config: Map<String, Value>,
    /// Every object, as YAML documents, without hooks.
    #[serde(default)]
    pub manifest: String,
    /// Objects that are made at certain times.
    #[serde(default, deserialize_with = "null_as_default")]
    pub hooks: Vec<Hook>,
    /// How Helm 4 applied it: `ssa` or `csa`; empty where an older Helm wrote it.
    #[serde(default)]
    pub apply_method: String,
}

/// State and times of a revision.
#[derive(Clone, Debug, Deserialize)]
pub struct Info {
    /// When the release was first installed, as RFC 3339 has it.
    #[serde(default)]
    pub first_deployed: String,
    /// When this revision was made.
    #[serde(default)]
    pub last_deployed: String,
    /// In a sentence, what became of it.
    #[serde(default)]
    pub description: String,
    /// What became of it.
    pub status: Status,
    /// What the chart tells its user.
    #[serde(default)]
    pub notes: String,
}

/// The chart of a revision. Helm keeps no sub-charts in it, but for their values.
#[derive(Clone, Debug, Deserialize)]
pub struct StoredChart {
    /// `Chart.yaml`.
    pub metadata: ChartMetadata,
    /// The values by default, those of sub-charts included where the chart declares them.
    #[serde(default, deserialize_with = "null_as_default")]
    pub values: Map<String, Value>,
    /// Its files but for templates and values; those of `crds/` among them.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) files: Vec<StoredFile>,
}

/// A file of a chart, in base64.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StoredFile {
    /// Its path in the chart.
    pub(crate) name: String,
    #[serde(default, deserialize_with = "null_as_default")]
    data: String,
}

impl StoredFile {
    /// Its text; nothing where it is none.
    pub(crate) fn text(&self) -> Option<String> {
        String::from_utf8(STANDARD.decode(&self.data).ok()?).ok()
    }
}

/// What matters here of a `Chart.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartMetadata {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The version of what it installs.
    #[serde(default, deserialize_with = "null_as_default")]
    pub app_version: String,
    /// Its sub-charts, as they are declared.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) dependencies: Vec<Value>,
}

/// An object that is made at certain times.
#[derive(Clone, Debug, Deserialize)]
pub struct Hook {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its kind.
    #[serde(default)]
    pub kind: String,
    /// The object, as YAML.
    #[serde(default)]
    pub manifest: String,
    /// When it is made: `pre-upgrade`, …
    #[serde(default, deserialize_with = "null_as_default")]
    pub events: Vec<String>,
}

/// What became of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is the one that runs.
    Deployed,
    /// Another one followed it.
    Superseded,
    /// It failed.
    Failed,
    /// The release was taken away.
    Uninstalled,
    /// It is being taken away.
    Uninstalling,
    /// It is being installed, or whoever did so died.
    PendingInstall,
    /// It is being upgraded to, or whoever did so died.
    PendingUpgrade,
    /// It is being rolled back to, or whoever did so died.
    PendingRollback,
    /// A state that Helm doesn't know, or one that this program doesn't.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Whether somebody is at work on it, or died there: Helm refuses anything but a rollback.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }

    /// As Helm writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalled => "uninstalled",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Go writes what is empty as `null`.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
