//! Two images of a package that would land on one target with different content, for one platform.
//!
//! Neither is right by itself, so every bundle that takes part is left out, and the others go on. Images for
//! other platforms don't collide: the tag becomes an image index of both.

use std::collections::{BTreeSet, HashMap};

use portolan_oci::Reference;

use super::{WantedImage, bundle::Prepared};
use crate::{content::Share, report::BrokenBundle};

/// An image, what it takes of its target, and the number of its bundle.
struct Claim<'a> {
    image: &'a WantedImage,
    share: Share,
    bundle: usize,
}

/// Moves the bundles whose images collide from `prepared` to `broken`.
pub(super) fn take_out(prepared: &mut Vec<Prepared>, broken: &mut Vec<BrokenBundle>) {
    let colliding = colliding(prepared);
    let indexes: BTreeSet<usize> = colliding.iter().map(|(index, _)| *index).collect();
    for index in &indexes {
        broken.extend(colliding.iter().find(|(at, _)| at == index).map(|(_, line)| line.clone()));
    }
    let mut at = 0..;
    prepared.retain(|_| at.next().is_none_or(|index| !indexes.contains(&index)));
}

/// Numbers of the bundles that collide with another one, each with the reason; some more than once.
fn colliding(prepared: &[Prepared]) -> Vec<(usize, BrokenBundle)> {
    let mut claims: HashMap<&Reference, Vec<Claim<'_>>> = HashMap::new();
    let mut colliding = Vec::new();
    for (bundle, image) in images(prepared) {
        let claim = Claim { image, share: Share::of(&image.content), bundle };
        let earlier = claims.entry(&image.target).or_default();
        for other in earlier.iter().filter(|other| other.share.collides_with(&claim.share)) {
            colliding.push((bundle, explain(prepared, &claim, other)));
            colliding.push((other.bundle, explain(prepared, other, &claim)));
        }
        if earlier.iter().all(|other| other.share != claim.share) {
            earlier.push(claim);
        }
    }
    colliding
}

fn images(prepared: &[Prepared]) -> impl Iterator<Item = (usize, &WantedImage)> {
    let bundles = prepared.iter().enumerate();
    bundles.flat_map(|(at, bundle)| bundle.images.iter().map(move |image| (at, image)))
}

fn explain(prepared: &[Prepared], claim: &Claim<'_>, other: &Claim<'_>) -> BrokenBundle {
    let error = format!(
        "the images {} and {} (of {}) would both become {} with different content: set target.containerPrefixRepository or containerPrefixRegistry, which keep the whole repository, instead of containerRepository",
        claim.image.source, other.image.source, prepared[other.bundle].source, claim.image.target
    );
    BrokenBundle { source: prepared[claim.bundle].source.clone(), error }
}
