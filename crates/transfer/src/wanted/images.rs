//! The images of a package under the names that relocation gives them, for whoever brings them elsewhere
//! than into a registry: no chart is packed, and nobody is asked.

use std::sync::Arc;

use portolan_chart::{Chart, Rules, hint_images};
use portolan_oci::Reference;
use portolan_package::{Bundle, Image, Package};
use portolan_registry::Stop;

use super::{
    WantedImage,
    bundle::{Naming, PrepareError, aim, all_images, carried, find, hints_of},
    lost,
};
use crate::{
    content::Identity,
    options::{ImagePolicy, Selection},
    report::BrokenBundle,
};

/// Which images are taken, and how they are named.
#[derive(Clone, Debug, Default)]
pub struct ImageChoice {
    /// Where relocation puts them.
    pub rules: Rules,
    /// Which charts' images.
    pub selection: Selection,
    /// Once requested, the bundles that were not read yet are left out.
    pub stop: Stop,
}

/// The images of a package, each under each of its names.
#[derive(Debug, Default)]
pub struct PackageImages {
    /// In the package's order. One name can stand here twice, where two bundles bring it.
    pub images: Vec<NamedImage>,
    /// Bundles whose images can't be named.
    pub broken: Vec<BrokenBundle>,
    /// What a reader should know though nothing is wrong.
    pub notes: Vec<String>,
}

/// An image and one name that it is to have.
#[derive(Clone, Debug)]
pub struct NamedImage {
    /// File and entry of the bundle that brings it.
    pub bundle: String,
    /// Its name in the package, in full form.
    pub source: Reference,
    /// The name that charts give it after relocation.
    pub target: Reference,
    /// What the name stands for.
    pub content: Arc<Image>,
}

/// Works out the names of all images that `choice` takes of `package`: those that archives give them, and
/// those by digest where a chart names the digest, or will after relocation.
pub fn package_images(package: &Package, choice: &ImageChoice) -> PackageImages {
    let broken = package.broken.iter().map(|broken| lost(&broken.origin, &broken.error)).collect();
    let mut found = PackageImages { images: Vec::new(), broken, notes: package.notes.clone() };
    let naming = Naming { package, rules: &choice.rules, only_registry: None };
    for (index, bundle) in package.bundles.iter().enumerate() {
        if choice.stop.is_requested() {
            break;
        }
        match of_bundle(naming, index, &choice.selection) {
            Ok(images) => found.images.extend(images.into_iter().map(|image| named(bundle, image))),
            Err(error) => found.broken.push(lost(&bundle.origin, &error)),
        }
    }
    found
}

fn named(bundle: &Bundle, image: WantedImage) -> NamedImage {
    let WantedImage { source, target, content, .. } = image;
    NamedImage { bundle: bundle.origin.to_string(), source, target, content }
}

/// The images of one bundle; none where its chart was not chosen, or without its images.
fn of_bundle(
    naming: Naming<'_>,
    index: usize,
    selection: &Selection,
) -> Result<Vec<WantedImage>, PrepareError> {
    let bundle = &naming.package.bundles[index];
    let Some(chart) = bundle.chart().map_err(|source| PrepareError::Bundle { source })? else {
        return carried(naming, index);
    };
    match selection.choose(chart.name(), &chart.version().to_string()) {
        Some(ImagePolicy::Relocate) => of_chart(naming, index, &chart),
        Some(ImagePolicy::RewriteOnly | ImagePolicy::Leave) | None => Ok(Vec::new()),
    }
}

/// All images of a chart. One that relocation pins gets its name by digest, as far as the digest is known
/// without compressing anything.
fn of_chart(naming: Naming<'_>, index: usize, chart: &Chart) -> Result<Vec<WantedImage>, PrepareError> {
    let bundle = &naming.package.bundles[index];
    let hints = hints_of(bundle, chart)?;
    let named =
        hint_images(chart, &hints, naming.rules).map_err(|source| PrepareError::Relocate { source })?;
    let mut images = all_images(naming, index, &named)?;
    for hint in named.iter().filter(|hint| hint.pin_digest) {
        let Some(image) = find(bundle, &hint.source) else { continue };
        if let Some(digest) = Identity::of(image).digest().cloned() {
            let pinned = Reference { tag: None, digest: Some(digest), ..hint.source.clone() };
            images.push(aim(naming, index, &pinned, &Arc::new(image.clone()))?);
        }
    }
    Ok(images)
}
