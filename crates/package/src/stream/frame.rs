//! One of the tars that lie in one another, and how far it went by.

use std::collections::BTreeMap;

use super::charts::Charts;
use super::claim::{Claim, Kind};
use super::section::Section;
use crate::package::place::Place;
use crate::source::Stretch;
use crate::tar_index::Walk;

/// What a tar is to the one around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is the package itself, or lies in it as a file that may be something of a package.
    Candidate,
    /// It holds the images of the bundle that it lies in.
    Images,
}

/// A tar that is being read.
pub(super) struct Frame {
    pub(super) walk: Walk,
    pub(super) role: Role,
    /// Where its entries lie.
    pub(super) place: Place,
    /// The folder of it that is being read and is one thing as a whole.
    pub(super) section: Option<Section>,
    /// Chart archives in it.
    pub(super) charts: Charts,
    /// How much had been found when it began.
    pub(super) found_before: u64,
    /// Those that are over, by their paths.
    done: BTreeMap<String, Done>,
}

/// A folder that was one thing as a whole, and is over.
struct Done {
    /// Whether everything below belonged to it.
    is_whole: bool,
    /// As what it was told: a further file of that matters.
    told: Option<Kind>,
}

/// What an entry behind the end of its folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// The first that should have come before.
    Torn,
    /// Of no consequence any more.
    Ignored,
}

impl Frame {
    pub(super) fn new(archive: Stretch, role: Role, place: Place, found_before: u64) -> Self {
        let section = (role == Role::Images).then(Section::of_images);
        Self {
            walk: Walk::new(archive),
            role,
            place,
            section,
            charts: Charts::default(),
            found_before,
            done: BTreeMap::new(),
        }
    }

    /// The stretch that the tar takes.
    pub(super) fn archive(&self) -> &Stretch {
        self.walk.archive()
    }

    /// The open section, where the path lies in it.
    pub(super) fn section_of(&mut self, path: &str) -> Option<&mut Section> {
        self.section.as_mut().filter(|section| path.starts_with(&section.root))
    }

    /// Remembers that a folder is over, and that all below is its own and of no consequence.
    pub(super) fn pass_over(&mut self, root: &str) {
        self.done.insert(root.to_owned(), Done { is_whole: true, told: None });
    }

    /// Remembers that a folder is over and was told as what it is; `is_whole` where everything below belongs
    /// to it.
    pub(super) fn finished(&mut self, root: &str, kind: Kind, is_whole: bool) {
        self.done.insert(root.to_owned(), Done { is_whole, told: Some(kind) });
    }

    /// What the entry at the path is, if a folder around it is over; `claim` is what it says itself.
    pub(super) fn late(&mut self, path: &str, claim: Option<Claim<'_>>) -> Option<Late> {
        let claimed = claim.and_then(|claim| {
            let done = self.done.get_mut(claim.root)?;
            done.told.is_some_and(|kind| kind == claim.kind).then_some(done)
        });
        if let Some(done) = claimed {
            // Told once; what else comes of it is passed over.
            *done = Done { is_whole: true, told: None };
            return Some(Late::Torn);
        }
        let folders = path.match_indices('/').map(|(at, _)| &path[..=at]);
        let mut around = std::iter::once("").chain(folders);
        let is_over = |root| self.done.get(root).is_some_and(|done| done.is_whole);
        around.any(is_over).then_some(Late::Ignored)
    }
}
