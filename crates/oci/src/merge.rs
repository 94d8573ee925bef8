//! Merging: adding platforms to what a tag already points to, so that no push takes another's away
//! (design decision 2; rules.md, "Merging").
//!
//! Pure: what the tag names and what is to go there come in, the document that holds both comes out.

mod document;
mod entry;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use document::{Members, extended, fresh};
use entry::{Entry, Role};

use crate::{Digest, Manifest, Platform};

/// A manifest or image index, with what only its configuration tells.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The document.
    pub manifest: &'a Manifest,
    /// What the image runs on, where the document is the manifest of a single one.
    pub platform: Option<&'a Platform>,
}

/// What becomes of a platform that both sides have with different content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clashing {
    /// What the tag names stays, and is told.
    Keep,
    /// Ours takes the place of that platform's entry, and of no other.
    Replace,
}

/// What a tag is to name, and how that came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The document.
    pub document: Merged,
    /// Platforms that the tag gains.
    pub added: Vec<Platform>,
    /// Platforms whose content is another one now.
    pub replaced: Vec<Clash>,
    /// Platforms that ours has with other content, and that stayed as they were.
    pub kept: Vec<Clash>,
}

/// The document that a tag is to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// What it names already: nothing of ours lacks there.
    Found,
    /// Ours as it is: what was found is all in it.
    Ours,
    /// A document made of both.
    Made(Manifest),
}

/// One platform with two contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The platform, as ours spells it.
    pub platform: Platform,
    /// Digest of the manifest that was found.
    pub found: Digest,
    /// Digest of the manifest that is ours.
    pub ours: Digest,
}

/// Why two documents can't be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// An image of no known platform can't be told from others: an artifact, or a damaged one.
    #[error("manifest {digest} names no platform, so it can't stand beside others under one tag")]
    NoPlatform {
        /// Digest of the manifest.
        digest: Digest,
    },
    /// The merged document is larger than registries take.
    #[error(
        "merged image index would have {size} bytes, more than the {} that registries take",
        crate::MANIFEST_LIMIT
    )]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// The document that was found has no list of manifests that could be extended.
    #[error("image index {digest} can't be extended: its list of manifests was not found in it")]
    NoList {
        /// Digest of the image index.
        digest: Digest,
    },
}

/// Merges `ours` into what was `found` under a tag.
///
/// Everything found stays as it is, byte for byte: its order, annotations, attestations, unknown members and
/// kind of document. Attestations (entries that refer to another one by its digest, as BuildKit writes them)
/// go with the entry they speak of. Entries whose digest is in `dropped` are left out, as lost.
///
/// Docker manifests alone make a Docker manifest list; everything else makes an OCI image index.
///
/// # Errors
/// [`MergeError`] where a single manifest has no platform, or the result can't be written.
pub fn merge(
    found: Side<'_>,
    ours: Side<'_>,
    clashing: Clashing,
    dropped: &HashSet<Digest>,
) -> Result<Merge, MergeError> {
    let mut there = entry::of(found)?;
    let count = there.len();
    there.retain(|entry| !entry.is_of(dropped));
    let mut result = Merging { has_changed: there.len() != count, ..Merging::of(there) };
    let own = entry::of(ours)?;
    result.take_platforms(&own, clashing);
    result.take_the_rest(&own);
    let document = result.document(found, ours, &own)?;
    Ok(Merge { document, added: result.added, replaced: result.replaced, kept: result.kept })
}

/// A merge under way.
struct Merging {
    /// What the tag is to have.
    entries: Vec<Entry>,
    /// All that was found.
    found: Vec<(Role, Digest)>,
    has_changed: bool,
    added: Vec<Platform>,
    replaced: Vec<Clash>,
    kept: Vec<Clash>,
}

impl Merging {
    fn of(entries: Vec<Entry>) -> Self {
        let found = entries.iter().map(|entry| (entry.role.clone(), entry.digest().clone())).collect();
        Self { entries, found, has_changed: false, added: vec![], replaced: vec![], kept: vec![] }
    }

    /// Takes the entries that run somewhere.
    fn take_platforms(&mut self, own: &[Entry], clashing: Clashing) {
        for entry in own {
            let Role::Runs(_) = &entry.role else { continue };
            if self.holds(entry.digest()) {
                continue;
            }
            let rivals = self.rivals(entry, own);
            match (rivals.first(), clashing) {
                (None, _) => {
                    self.added.extend(entry.platform().cloned());
                    self.push(entry.clone());
                }
                (Some(rival), Clashing::Keep) => self.kept.extend(clash(entry, rival)),
                (Some(_), Clashing::Replace) => self.replace(&rivals, entry),
            }
        }
    }

    /// Takes what speaks of an entry that is there now, and what neither runs nor speaks of any.
    fn take_the_rest(&mut self, own: &[Entry]) {
        for entry in own {
            let fits = match &entry.role {
                Role::Runs(_) => false,
                Role::SpeaksOf(subject) => self.holds(subject),
                Role::Other => true,
            };
            if fits && !self.holds(entry.digest()) {
                self.push(entry.clone());
            }
        }
    }

    /// What was found for the platform of `entry`, and is none of ours.
    fn rivals(&self, entry: &Entry, own: &[Entry]) -> Vec<Digest> {
        let is_ours = |digest: &Digest| own.iter().any(|own| own.digest() == digest);
        let found = self.found.iter().filter(|(role, _)| *role == entry.role);
        found.map(|(_, digest)| digest).filter(|digest| !is_ours(digest)).cloned().collect()
    }

    /// Puts `entry` where the first of `rivals` stands, and takes them out with all that speaks of them.
    fn replace(&mut self, rivals: &[Digest], entry: &Entry) {
        let is_rival = |other: &Entry| rivals.contains(other.digest());
        let place = self.entries.iter().position(is_rival);
        self.replaced.extend(rivals.first().and_then(|rival| clash(entry, rival)));
        let mut made = entry.clone();
        if let Some(old) = place.map(|place| &self.entries[place]) {
            made.lead.clone_from(&old.lead);
        }
        let place = place.unwrap_or(self.entries.len());
        self.entries.insert(place, made);
        let gone: HashSet<Digest> = rivals.iter().cloned().collect();
        self.entries.retain(|entry| !entry.is_of(&gone));
        self.has_changed = true;
    }

    fn push(&mut self, mut entry: Entry) {
        entry.lead = None;
        self.entries.push(entry);
        self.has_changed = true;
    }

    fn holds(&self, digest: &Digest) -> bool {
        self.entries.iter().any(|entry| entry.digest() == digest)
    }

    fn document(&self, found: Side<'_>, ours: Side<'_>, own: &[Entry]) -> Result<Merged, MergeError> {
        if !self.has_changed {
            return Ok(Merged::Found);
        }
        if self.is_all_in(found, ours, own) {
            return Ok(Merged::Ours);
        }
        match found.manifest.index() {
            Some(_) => extended(found.manifest, &self.entries).map(Merged::Made),
            None => fresh(&self.entries).map(Merged::Made),
        }
    }

    /// Whether ours says all that the merged document would say.
    fn is_all_in(&self, found: Side<'_>, ours: Side<'_>, own: &[Entry]) -> bool {
        let is_index = |side: Side<'_>| side.manifest.index().is_some();
        let says_more = is_index(found)
            && (!is_index(ours) || !Members::of(found.manifest).are_in(&Members::of(ours.manifest)));
        let is_in_ours =
            |entry: &Entry| own.iter().any(|own| own.descriptor == entry.descriptor || own.is_same(entry));
        !says_more && self.entries.iter().all(is_in_ours)
    }
}

fn clash(entry: &Entry, rival: &Digest) -> Option<Clash> {
    let platform = entry.platform()?.clone();
    Some(Clash { platform, found: rival.clone(), ours: entry.digest().clone() })
}
