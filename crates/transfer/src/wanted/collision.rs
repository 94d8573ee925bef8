//! Two images of a package that would land on one target with different content.
//!
//! Neither is right by itself, so every bundle that takes part is left out, and the others go on.

use std::collections::{BTreeSet, HashMap};

use portolan_oci::Reference;

use super::{WantedImage, bundle::Prepared};
use crate::{content::Identity, report::BrokenBundle};

/// Moves the bundles whose images collide from `prepared` to `broken`.
pub(super) fn take_out(prepared: &mut Vec<Prepared>, broken: &mut Vec<BrokenBundle>) {
    let mut first_at: HashMap<&Reference, (usize, &WantedImage)> = HashMap::new();
    let mut colliding: Vec<(usize, BrokenBundle)> = Vec::new();
    for (index, bundle) in prepared.iter().enumerate() {
        for image in &bundle.images {
            let (other, earlier) = *first_at.entry(&image.target).or_insert((index, image));
            if Identity::of(&earlier.content) != Identity::of(&image.content) {
                colliding.push((index, explain(bundle, image, earlier, &prepared[other])));
                colliding.push((other, explain(&prepared[other], earlier, image, bundle)));
            }
        }
    }
    let indexes: BTreeSet<usize> = colliding.iter().map(|(index, _)| *index).collect();
    for index in &indexes {
        broken.extend(colliding.iter().find(|(at, _)| at == index).map(|(_, line)| line.clone()));
    }
    let mut at = 0..;
    prepared.retain(|_| at.next().is_none_or(|index| !indexes.contains(&index)));
}

fn explain(
    bundle: &Prepared,
    image: &WantedImage,
    other: &WantedImage,
    other_bundle: &Prepared,
) -> BrokenBundle {
    let error = format!(
        "the images {} and {} (of {}) would both become {} with different content: set target.containerPrefixRepository or containerPrefixRegistry, which keep the whole repository, instead of containerRepository",
        image.source, other.source, other_bundle.source, image.target
    );
    BrokenBundle { source: bundle.source.clone(), error }
}
