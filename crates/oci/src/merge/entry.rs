//! The entries of an image index, each with its own text and with what it is there for.

use std::collections::HashSet;

use super::{MergeError, Side};
use crate::{Descriptor, Digest, Platform, json_spans};

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) descriptor: Descriptor,
    pub(super) role: Role,
    /// The entry as its document has it.
    pub(super) text: String,
    /// The white space that stands before it there; nothing where it comes from elsewhere.
    pub(super) lead: Option<String>,
    /// Whether its document was the manifest of a single image, which has no descriptor of its own.
    is_single: bool,
}

/// What an entry is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It runs on that platform, in the one spelling that all of its kind have.
    Runs(Platform),
    /// It speaks of another entry of that digest: an attestation.
    SpeaksOf(Digest),
    /// It is told from others by its digest alone.
    Other,
}

impl Entry {
    pub(super) fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    pub(super) fn platform(&self) -> Option<&Platform> {
        self.descriptor.platform.as_ref()
    }

    /// Whether it is one of those, or speaks of one.
    pub(super) fn is_of(&self, digests: &HashSet<Digest>) -> bool {
        let spoken_of = match &self.role {
            Role::SpeaksOf(subject) => digests.contains(subject),
            Role::Runs(_) | Role::Other => false,
        };
        spoken_of || digests.contains(self.digest())
    }

    /// Whether it names what a single manifest is, which says less of itself than an entry may.
    pub(super) fn is_same(&self, single: &Self) -> bool {
        single.is_single && self.digest() == single.digest()
    }
}

/// The entries of a document; the manifest of a single image is its own one entry.
pub(super) fn of(side: Side<'_>) -> Result<Vec<Entry>, MergeError> {
    match side.manifest.index() {
        Some(index) => listed(side, &index.manifests),
        None => single(side).map(|entry| vec![entry]),
    }
}

fn single(side: Side<'_>) -> Result<Entry, MergeError> {
    let no_platform = || MergeError::NoPlatform { digest: side.manifest.digest().clone() };
    let platform = side.platform.ok_or_else(no_platform)?;
    let descriptor = Descriptor { platform: Some(platform.clone()), ..side.manifest.descriptor() };
    let text = serde_json::to_string(&descriptor).expect("because a descriptor is plain text and numbers");
    Ok(Entry { role: role(&descriptor), descriptor, text, lead: None, is_single: true })
}

fn listed(side: Side<'_>, descriptors: &[Descriptor]) -> Result<Vec<Entry>, MergeError> {
    let no_list = || MergeError::NoList { digest: side.manifest.digest().clone() };
    let text = text_of(side.manifest.bytes()).ok_or_else(no_list)?;
    let spans = spans(text).ok_or_else(no_list)?;
    if spans.len() != descriptors.len() {
        return Err(no_list());
    }
    let entries = spans.into_iter().zip(descriptors).map(|(span, descriptor)| Entry {
        role: role(descriptor),
        descriptor: descriptor.clone(),
        lead: Some(white_before(&text[..span.start]).to_owned()),
        text: text[span].to_owned(),
        is_single: false,
    });
    Ok(entries.collect())
}

/// The text of a document that a JSON reader has taken.
pub(super) fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn spans(text: &str) -> Option<Vec<std::ops::Range<usize>>> {
    match json_spans::members(text)?.into_iter().find(|member| member.name == "manifests") {
        Some(list) => json_spans::elements(text, &list.value),
        None => Some(Vec::new()),
    }
}

fn white_before(text: &str) -> &str {
    let trimmed = text.trim_end_matches([' ', '\t', '\r', '\n']);
    &text[trimmed.len()..]
}

fn role(descriptor: &Descriptor) -> Role {
    match (descriptor.speaks_of(), descriptor.runs_on()) {
        (Some(subject), _) => Role::SpeaksOf(subject),
        (None, Some(platform)) => Role::Runs(platform.comparable()),
        (None, None) => Role::Other,
    }
}
