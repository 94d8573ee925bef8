//! One version of one chart in a chart index.

use std::{cmp::Ordering, collections::BTreeMap, time::SystemTime};

use portolan_chart::ChartVersion;
use portolan_oci::{Algorithm, Digest};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use url::Url;

use super::timestamp;

/// One version of one chart: the chart's metadata and where its archive lies.
///
/// Every field is kept as it was read; the methods give those that Portolan acts on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Entry(Map<String, Value>);

/// What a new entry is made of.
#[derive(Debug)]
pub struct NewEntry<'a> {
    /// The chart's metadata, as JSON of its `Chart.yaml`.
    pub metadata: &'a Map<String, Value>,
    /// Name of the archive beside the index, or its URL.
    pub url: &'a str,
    /// Digest of the archive; SHA-256, since the index says no algorithm.
    pub digest: &'a Digest,
    /// When the archive came into the repository.
    pub created: SystemTime,
}

impl Entry {
    /// An entry for an archive that is not in the index yet.
    pub fn new(new: &NewEntry<'_>) -> Self {
        let mut fields = new.metadata.clone();
        fields.insert("urls".into(), vec![new.url].into());
        fields.insert("digest".into(), new.digest.hex().into());
        fields.insert("created".into(), timestamp(new.created).into());
        Self(fields)
    }

    /// The chart's version as written, empty where the entry has none.
    pub fn version(&self) -> String {
        match self.0.get("version") {
            Some(Value::String(text)) => text.clone(),
            // An unquoted `version: 1.2` is a number to YAML.
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// SHA-256 of the archive; none where the index has none, or none that is one.
    pub fn digest(&self) -> Option<Digest> {
        let text = self.0.get("digest")?.as_str()?;
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        Digest::from_hex(Algorithm::Sha256, hex).ok()
    }

    /// When the archive came into the repository, as written.
    pub fn created(&self) -> Option<&str> {
        self.0.get("created")?.as_str()
    }

    /// Where the archive is: absolute, or relative to the repository's URL.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let list = self.0.get("urls").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The URLs made absolute; `repository` is the repository's own URL, without `index.yaml`.
    pub fn resolved_urls(&self, repository: &Url) -> Vec<Url> {
        let mut base = repository.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", repository.path()));
        }
        self.urls().filter_map(|url| base.join(url).ok()).collect()
    }

    /// Whether one of the URLs ends in that file name; `+` may stand as `%2B`.
    pub fn names_file(&self, file_name: &str) -> bool {
        self.file_names().any(|name| name == file_name)
    }

    /// The file names that the URLs end in, `%2B` made `+`.
    pub fn file_names(&self) -> impl Iterator<Item = String> {
        self.urls().map(|url| {
            let last = url.rsplit('/').next().unwrap_or(url);
            last.replace("%2B", "+").replace("%2b", "+")
        })
    }

    /// Order of an index: higher versions first, those that are no versions last.
    pub(super) fn newest_first(&self, other: &Self) -> Ordering {
        let parsed = |entry: &Self| entry.version().parse::<ChartVersion>().ok();
        parsed(other).cmp(&parsed(self)).then_with(|| other.version().cmp(&self.version()))
    }

    pub(super) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// `entries:` may be empty (`null`), and so may a chart's list of versions.
pub(super) fn by_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Vec<Entry>>, D::Error> {
    let entries: Option<BTreeMap<String, Option<Vec<Entry>>>> = Option::deserialize(deserializer)?;
    let filled = |(name, versions): (String, Option<Vec<Entry>>)| (name, versions.unwrap_or_default());
    Ok(entries.unwrap_or_default().into_iter().map(filled).collect())
}
