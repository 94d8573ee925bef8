//! What a run has brought so far, by where it went: several images and charts of a package may go to one place.
//!
//! Images under one tag, each for platforms of its own, are written one after the other. The later ones are
//! merged into what the earlier ones brought, whatever `--on-existing` says: that is about what was there before
//! the run. A chart that comes to a place where another bundle's chart came before is compared with that.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use portolan_oci::Reference;
use tokio::sync::OwnedMutexGuard;

use crate::{
    held::held,
    options::{Existing, ExistingPolicy},
    plan::{ImageAction, PlannedImage},
};

/// What the run has of a tag, the most last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Tag {
    /// Nothing that it knows of.
    #[default]
    Nothing,
    /// The tag had one of its images.
    Found,
    /// The tag names what it wrote.
    Written,
}

/// All that a run has brought.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    tags: Mutex<HashMap<Reference, Arc<tokio::sync::Mutex<Tag>>>>,
    /// Targets of charts that were uploaded.
    charts: Mutex<HashSet<String>>,
}

/// The right to ask about a tag and to write it, until it is dropped.
pub(crate) struct Turn(OwnedMutexGuard<Tag>);

impl Brought {
    /// What a plan of these images has seen to be there, before anything of it is carried out.
    pub(crate) fn of(images: &[PlannedImage]) -> Self {
        let mut tags: HashMap<Reference, Tag> = HashMap::new();
        for image in images {
            let tag = tags.entry(image.target.clone()).or_default();
            *tag = seen(&image.action).max(*tag);
        }
        let shared = |(target, tag)| (target, Arc::new(tokio::sync::Mutex::new(tag)));
        Self { tags: Mutex::new(tags.into_iter().map(shared).collect()), charts: Mutex::default() }
    }

    /// Waits until nobody else of this run deals with the tag.
    pub(crate) async fn turn(&self, target: &Reference) -> Turn {
        let tag = Arc::clone(held(&self.tags).entry(target.clone()).or_default());
        Turn(tag.lock_owned().await)
    }

    /// Notes that a chart was uploaded.
    pub(crate) fn uploaded(&self, target: &str) {
        held(&self.charts).insert(target.to_owned());
    }

    /// Whether a chart was uploaded there, so that what was known of the place before is out of date.
    pub(crate) fn has_chart(&self, target: &str) -> bool {
        held(&self.charts).contains(target)
    }
}

impl Turn {
    /// What becomes of what the tag names by now, `asked` being what becomes of what others brought there.
    pub(crate) fn existing(&self, asked: Existing) -> Existing {
        let is_ours = match asked.policy {
            ExistingPolicy::Merge => false,
            ExistingPolicy::Replace => *self.0 != Tag::Nothing,
            ExistingPolicy::Keep | ExistingPolicy::Error => self.is_written(),
        };
        if is_ours { Existing { policy: ExistingPolicy::Merge, ..asked } } else { asked }
    }

    /// Whether this run wrote the tag, so that what was known of it before is out of date.
    pub(crate) fn is_written(&self) -> bool {
        *self.0 == Tag::Written
    }

    /// Notes what was seen of an image under the tag.
    pub(crate) fn saw(&mut self, action: &ImageAction) {
        *self.0 = seen(action).max(*self.0);
    }

    /// Notes what was done to have the tag name an image.
    pub(crate) fn did(&mut self, action: &ImageAction) {
        let tag = match action {
            ImageAction::Push | ImageAction::Merge { .. } | ImageAction::Replace { .. } => Tag::Written,
            ImageAction::Exists | ImageAction::Mend { .. } | ImageAction::Keep { .. } => seen(action),
        };
        *self.0 = tag.max(*self.0);
    }
}

/// What the run has of a tag where that is to be done with one of its images.
fn seen(action: &ImageAction) -> Tag {
    match action {
        ImageAction::Exists | ImageAction::Mend { .. } => Tag::Found,
        ImageAction::Push
        | ImageAction::Merge { .. }
        | ImageAction::Replace { .. }
        | ImageAction::Keep { .. } => Tag::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use portolan_oci::Digest;

    use super::*;

    fn replace() -> ImageAction {
        ImageAction::Replace { found: Digest::sha256(b""), holds: String::new() }
    }

    #[tokio::test]
    async fn what_this_run_brought_is_merged_into() {
        use ExistingPolicy::{Error, Keep, Merge, Replace};
        let check = async |saw: Option<ImageAction>, did: Option<ImageAction>, expected: [_; 4]| {
            let brought = Brought::default();
            let target = "r.example/a:1".parse().unwrap();
            let mut turn = brought.turn(&target).await;
            saw.iter().for_each(|action| turn.saw(action));
            did.iter().for_each(|action| turn.did(action));
            drop(turn);
            let turn = brought.turn(&target).await;
            let policies = [Merge, Keep, Replace, Error].map(|policy| {
                let overwrite = Existing { policy, overwrite: true, drop_lost: false };
                let existing = turn.existing(overwrite);
                assert!(existing.overwrite && !existing.drop_lost);
                existing.policy
            });
            assert_eq!(policies, expected, "{saw:?} {did:?}");
        };
        let as_asked = [Merge, Keep, Replace, Error];
        check(None, None, as_asked).await;
        // What a plan is about to do was not done yet.
        check(Some(ImageAction::Push), None, as_asked).await;
        check(Some(replace()), None, as_asked).await;
        let kept = ImageAction::Keep { found: Digest::sha256(b""), holds: String::new() };
        check(None, Some(kept), as_asked).await;
        // The tag has one of ours, and somebody else brought it there.
        check(Some(ImageAction::Exists), None, [Merge, Keep, Merge, Error]).await;
        check(None, Some(ImageAction::Mend { lacks: Vec::new() }), [Merge, Keep, Merge, Error]).await;
        check(None, Some(ImageAction::Push), [Merge; 4]).await;
        check(Some(ImageAction::Exists), Some(replace()), [Merge; 4]).await;
    }
}
