//! Writing merged documents: one that is there is extended in its own text, a new one has no more than it needs.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::MergeError;
use super::entry::{Entry, Role, text_of};
use crate::json_spans::{self, Member};
use crate::{MANIFEST_LIMIT, Manifest, MediaType};

/// What an image index says beside its entries.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut members: Map<String, Value> = serde_json::from_slice(manifest.bytes()).unwrap_or_default();
        for own in ["schemaVersion", "mediaType", "manifests"] {
            members.remove(own);
        }
        Self(members)
    }

    /// Whether another one says all of it too.
    pub(super) fn are_in(&self, other: &Self) -> bool {
        self.0.iter().all(|(name, value)| other.0.get(name) == Some(value))
    }
}

/// An image index of nothing but `entries`, in the order of their platforms: whichever of them came first,
/// the document is the same.
pub(super) fn fresh(entries: &[Entry]) -> Result<Manifest, MergeError> {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    // What runs nowhere keeps its order behind the others.
    entries.sort_by_key(|entry| match &entry.role {
        Role::Runs(platform) => (0, platform.to_string()),
        Role::SpeaksOf(_) | Role::Other => (1, String::new()),
    });
    let media_type = kind(entries.iter().copied());
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    let list = texts.join(",");
    parsed(format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{list}]}}"#), &media_type)
}

/// The document `found` with `entries` in place of its own; every other byte stays.
pub(super) fn extended(found: &Manifest, entries: &[Entry]) -> Result<Manifest, MergeError> {
    let no_list = || MergeError::NoList { digest: found.digest().clone() };
    let text = text_of(found.bytes()).ok_or_else(no_list)?;
    let members = json_spans::members(text).ok_or_else(no_list)?;
    let list = members.iter().find(|member| member.name == "manifests").ok_or_else(no_list)?;
    let media_type = match *found.media_type() == MediaType::DOCKER_LIST {
        true => kind(entries.iter()),
        false => found.media_type().clone(),
    };
    let mut edits = vec![(list.value.clone(), written(text, list, entries))];
    if let Some(stated) = members.iter().find(|member| member.name == "mediaType") {
        edits.push((stated.value.clone(), format!("\"{media_type}\"")));
    }
    edits.sort_by_key(|(span, _)| span.start);
    let mut made = text.to_owned();
    for (span, value) in edits.into_iter().rev() {
        made.replace_range(span, &value);
    }
    parsed(made, &media_type)
}

/// Docker's parts alone make a Docker manifest list (rules.md, "Merging").
fn kind<'a>(mut entries: impl Iterator<Item = &'a Entry>) -> MediaType {
    let is_docker = |entry: &Entry| {
        [MediaType::DOCKER_MANIFEST, MediaType::DOCKER_LIST].contains(&entry.descriptor.media_type)
    };
    if entries.all(is_docker) { MediaType::DOCKER_LIST } else { MediaType::OCI_INDEX }
}

/// The list of entries; what is new stands in line with the last one that was there.
fn written(text: &str, list: &Member, entries: &[Entry]) -> String {
    let lead = entries.iter().filter_map(|entry| entry.lead.as_deref()).next_back().unwrap_or_default();
    let items =
        entries.iter().map(|entry| format!("{}{}", entry.lead.as_deref().unwrap_or(lead), entry.text));
    format!("[{}{}]", items.collect::<Vec<_>>().join(","), tail(&text[list.value.clone()]))
}

/// The white space before the closing bracket of a list.
fn tail(list: &str) -> &str {
    let inner = list.trim_end_matches(']');
    &inner[inner.trim_end().len()..]
}

fn parsed(text: String, media_type: &MediaType) -> Result<Manifest, MergeError> {
    let size = text.len();
    if size as u64 > MANIFEST_LIMIT {
        return Err(MergeError::TooLarge { size });
    }
    let parsed = Manifest::parse(Bytes::from(text), Some(media_type));
    Ok(parsed.expect("because entries of parsed documents make a document"))
}
