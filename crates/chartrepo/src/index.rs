//! The chart index of a Helm repository: `index.yaml`.
//!
//! Format: Helm documentation, "The Chart Repository Guide", "The index file". An entry keeps every
//! field it was read with, known or not, so that a file written by another program loses nothing but
//! its comments. Writing is deterministic: names sorted, versions newest first, keys sorted as
//! `helm repo index` sorts them.

mod entry;
mod yaml;

use std::{
    collections::BTreeMap,
    io::{self, Read},
    time::SystemTime,
};

use portolan_chart::ChartVersion;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use entry::{Entry, NewEntry};

/// The largest chart index that is read, in bytes.
pub const INDEX_LIMIT: u64 = 256 * 1024 * 1024;

/// A chart index in memory.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ChartIndex {
    #[serde(default, deserialize_with = "entry::by_name")]
    entries: BTreeMap<String, Vec<Entry>>,
    /// `apiVersion`, `generated` and whatever else stands at the top.
    #[serde(flatten)]
    head: Map<String, Value>,
}

/// Why a text is no chart index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Reading failed.
    #[error("reading the chart index {origin}")]
    Read {
        /// File or URL.
        origin: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Larger than [`INDEX_LIMIT`].
    #[error("the chart index {origin} is larger than {} MiB", INDEX_LIMIT >> 20)]
    TooLarge {
        /// File or URL.
        origin: String,
    },
    /// A web page, as a ChartMuseum with tenants sends from its root.
    #[error("{origin} is a web page, not a chart index")]
    WebPage {
        /// File or URL.
        origin: String,
    },
    /// Not YAML, or not of an index's shape; the source says where.
    #[error("{origin} is no chart index")]
    Malformed {
        /// File or URL.
        origin: String,
        /// Line, column and what is wrong there.
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    /// Neither `apiVersion` nor `entries`: some other YAML file.
    #[error("{origin} has neither apiVersion nor entries, so it is no chart index")]
    OtherFile {
        /// File or URL.
        origin: String,
    },
}

impl ChartIndex {
    /// An index without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads an index of at most [`INDEX_LIMIT`] bytes; `origin` names it in errors.
    ///
    /// # Errors
    /// [`IndexError`] where the bytes end early, are too many, or are no chart index.
    pub fn read(origin: &str, reader: impl Read) -> Result<Self, IndexError> {
        let mut bytes = Vec::new();
        reader
            .take(INDEX_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| IndexError::Read { origin: origin.to_owned(), source })?;
        if bytes.len() as u64 > INDEX_LIMIT {
            return Err(IndexError::TooLarge { origin: origin.to_owned() });
        }
        Self::parse(origin, &bytes)
    }

    /// Parses the bytes of an index; `origin` names it in errors.
    ///
    /// # Errors
    /// [`IndexError`] where the bytes are no chart index.
    pub fn parse(origin: &str, bytes: &[u8]) -> Result<Self, IndexError> {
        if is_web_page(bytes) {
            return Err(IndexError::WebPage { origin: origin.to_owned() });
        }
        let index: Self = yaml::from_slice(bytes).map_err(|source| IndexError::Malformed {
            origin: origin.to_owned(),
            source: Box::new(source),
        })?;
        if index.entries.is_empty() && !index.head.contains_key("apiVersion") {
            return Err(IndexError::OtherFile { origin: origin.to_owned() });
        }
        Ok(index)
    }

    /// Chart names with their versions, newest first once [`Self::add`] has placed one.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &[Entry])> {
        self.entries.iter().map(|(name, versions)| (name.as_str(), versions.as_slice()))
    }

    /// Every entry of every chart.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }

    /// Whether the chart has an entry of that version.
    pub fn contains(&self, name: &str, version: &ChartVersion) -> bool {
        let version = version.to_string();
        self.entries.get(name).is_some_and(|versions| versions.iter().any(|entry| entry.version() == version))
    }

    /// Adds `entry`, in place of one of the same version, and sorts that chart's versions.
    pub fn add(&mut self, name: &str, entry: Entry) {
        let versions = self.entries.entry(name.to_owned()).or_default();
        versions.retain(|other| other.version() != entry.version());
        versions.push(entry);
        versions.sort_by(Entry::newest_first);
    }

    /// The index as YAML, with `generated` as the time it says it was made at.
    pub fn to_yaml(&self, generated: SystemTime) -> String {
        let mut top = self.head.clone();
        top.entry("apiVersion").or_insert_with(|| "v1".into());
        top.insert("generated".into(), timestamp(generated).into());
        top.insert("entries".into(), self.entries_as_value());
        yaml::to_string(&top)
    }

    fn entries_as_value(&self) -> Value {
        let list = |versions: &[Entry]| versions.iter().map(Entry::to_value).collect::<Value>();
        self.entries().map(|(name, versions)| (name.to_owned(), list(versions))).collect()
    }
}

/// Whether the bytes begin as HTML does, which YAML would partly take as text.
pub(crate) fn is_web_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'<')
}

/// RFC 3339 in UTC with whole seconds, as an index carries it.
fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests;
