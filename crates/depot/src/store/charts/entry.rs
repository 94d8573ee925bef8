//! One version of a chart.

use portolan_chart::{ChartVersion, VersionError};
use portolan_oci::Digest;
use serde_json::{Map, Value, json};

use super::order::newest_first;

/// One version of a chart, as the index has it.
#[derive(Debug, Clone)]
pub struct ChartEntry {
    pub(super) name: String,
    pub(super) version: ChartVersion,
    pub(super) digest: Digest,
    record: Map<String, Value>,
}

/// Where an entry stands among all of its chart repository: by name, of each the newest version first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Place {
    pub(super) name: String,
    /// See [`newest_first`].
    pub(super) among_versions: Vec<u8>,
}

impl ChartEntry {
    /// The entry for an archive whose `Chart.yaml` says `metadata`; `created` is RFC 3339.
    pub fn new(
        mut metadata: Map<String, Value>,
        version: ChartVersion,
        digest: Digest,
        created: &str,
    ) -> Self {
        let name = text(&metadata, "name").to_owned();
        metadata.insert("urls".to_owned(), json!([format!("charts/{name}-{version}.tgz")]));
        metadata.insert("created".to_owned(), json!(created));
        metadata.insert("digest".to_owned(), json!(digest.hex()));
        Self { name, version, digest, record: metadata }
    }

    /// The digest of its archive.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The entry of an archive as it was kept.
    pub(in crate::store) fn from_record(
        record: Map<String, Value>,
        digest: Digest,
    ) -> Result<Self, VersionError> {
        let version = text(&record, "version").parse()?;
        Ok(Self { name: text(&record, "name").to_owned(), version, digest, record })
    }

    pub(super) fn place(&self) -> Place {
        Place { name: self.name.clone(), among_versions: newest_first(&self.version) }
    }

    /// What the index says of it, as JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(&self.record).expect("because a JSON map can be written as JSON")
    }
}

fn text<'a>(record: &'a Map<String, Value>, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}
