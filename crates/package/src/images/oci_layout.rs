//! OCI image layouts (OCI image specification, "Image Layout"): manifests are there and are kept byte for
//! byte.
//!
//! Read as `ctr image export`, `docker save` since version 25, skopeo (`oci-archive:`) and buildkit write
//! them. An image's name stands in the annotations of `index.json`: `io.containerd.image.name` in full, or
//! `org.opencontainers.image.ref.name`, which may be a tag alone.

mod blobs;

use portolan_oci::{Descriptor, Digest, Manifest, MediaType, Platform, Reference};

use self::blobs::Blobs;
use super::{Images, ImagesError, names};
use crate::image::{Image, ImageContent, ImageSource};
use crate::source::Stretch;
use crate::tree::Tree;

/// The list of images.
pub(super) const LIST: &str = "index.json";

/// The file that marks a layout.
pub(crate) const MARK: &str = "oci-layout";

/// containerd's annotation: the full name.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// The specification's annotation: a full name, or a tag alone.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The images of a layout, named or not.
#[derive(Debug, Default)]
pub(super) struct Layout {
    images: Vec<Found>,
    notes: Vec<String>,
}

/// An image of the list, with the digest under which the list names it.
#[derive(Debug)]
struct Found {
    digest: Digest,
    image: Image,
}

impl Layout {
    /// Whether there is no image, with a name or without.
    pub(super) fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The images that have this config for one of their platforms.
    pub(super) fn with_config(&mut self, config: &Digest) -> Vec<&mut Image> {
        let images = self.images.iter_mut().map(|found| &mut found.image);
        images.filter(|image| super::has_config(image, config)).collect()
    }

    /// The images that have names. One without is noted, unless none has a name: then it is an error.
    pub(super) fn named(mut self, tree: &Tree) -> Result<Images, ImagesError> {
        let list = tree.name_of(LIST);
        let (named, nameless): (Vec<_>, Vec<_>) =
            self.images.into_iter().partition(|found| !found.image.names.is_empty());
        if let (Some(first), true) = (nameless.first(), named.is_empty()) {
            return Err(ImagesError::Nameless { list, image: first.digest.to_string() });
        }
        let left_out =
            nameless.iter().map(|found| format!("{list}: {} has no name and is left out", found.digest));
        self.notes.extend(left_out);
        Ok(Images { images: named.into_iter().map(|found| found.image).collect(), notes: self.notes })
    }

    fn add(&mut self, digest: &Digest, names: &[Reference], contents: Vec<ImageContent>) {
        let found = contents
            .into_iter()
            .map(|content| Found { digest: digest.clone(), image: Image { names: names.to_vec(), content } });
        self.images.extend(found);
    }

    /// Adds names to an image that was listed before; false where it is new.
    fn add_names(&mut self, digest: &Digest, more: &[Reference]) -> bool {
        let mut known = false;
        for found in self.images.iter_mut().filter(|found| found.digest == *digest) {
            names::add(&mut found.image.names, more);
            known = true;
        }
        known
    }
}

/// Reads the list, and every manifest and config that it leads to.
pub(super) fn read(tree: &Tree, list: &Stretch) -> Result<Layout, ImagesError> {
    let blobs = Blobs::new(tree);
    let index = blobs.list(list)?;
    let mut layout = Layout::default();
    for descriptor in index.index().map(|index| index.manifests.as_slice()).unwrap_or_default() {
        let names = names_of(descriptor, list)?;
        if layout.add_names(&descriptor.digest, &names) {
            continue;
        }
        let contents = contents(&blobs, descriptor, &mut layout.notes)?;
        layout.add(&descriptor.digest, &names, contents);
    }
    Ok(layout)
}

/// The names that the annotations give, in full form.
fn names_of(descriptor: &Descriptor, list: &Stretch) -> Result<Vec<Reference>, ImagesError> {
    let containerd = descriptor.annotations.get(CONTAINERD_NAME);
    // A tag alone names no image.
    let full = descriptor.annotations.get(REF_NAME).filter(|name| name.contains(['/', ':', '@']));
    let Some(name) = containerd.or(full) else { return Ok(Vec::new()) };
    let parsed = name.parse().map_err(|source| ImagesError::Name {
        list: list.to_string(),
        name: name.clone(),
        source,
    })?;
    Ok(vec![parsed])
}

/// What the list names: an image, an index that is whole, or the whole children of one that isn't.
fn contents(
    blobs: &Blobs<'_>,
    descriptor: &Descriptor,
    notes: &mut Vec<String>,
) -> Result<Vec<ImageContent>, ImagesError> {
    let manifest = blobs.manifest(descriptor, LIST)?;
    let Some(index) = manifest.index() else {
        blobs.require(&manifest)?;
        return Ok(vec![single(blobs.source(descriptor, manifest)?)]);
    };
    let (whole, missing) = children(blobs, &index.manifests, &manifest)?;
    if missing.is_empty() {
        return Ok(vec![ImageContent::Index { children: whole, index: manifest }]);
    }
    let kept: Vec<_> = whole.into_iter().filter(|child| !is_attestation(&child.platform)).collect();
    if kept.is_empty() {
        return Err(ImagesError::EmptyIndex { entry: blobs.entry(&descriptor.digest) });
    }
    notes.push(partial_note(&blobs.entry(&descriptor.digest), &kept, &missing));
    Ok(kept.into_iter().map(single).collect())
}

fn single(source: ImageSource) -> ImageContent {
    ImageContent::Single(Box::new(source))
}

/// The children of an index of which every part is there, and those of which some part isn't.
fn children<'a>(
    blobs: &Blobs<'_>,
    descriptors: &'a [Descriptor],
    index: &Manifest,
) -> Result<(Vec<ImageSource>, Vec<&'a Descriptor>), ImagesError> {
    let (mut whole, mut missing) = (Vec::new(), Vec::new());
    for descriptor in descriptors {
        if descriptor.media_type.is_index() {
            return Err(ImagesError::NestedIndex { entry: blobs.entry(&descriptor.digest) });
        }
        match blobs.has(&descriptor.digest) {
            true => {
                let manifest = blobs.manifest(descriptor, &index.digest().to_string())?;
                match blobs.missing_part(&manifest) {
                    None => whole.push(blobs.source(descriptor, manifest)?),
                    Some(_) => missing.push(descriptor),
                }
            }
            false => missing.push(descriptor),
        }
    }
    Ok((whole, missing))
}

/// Attestations name the platform `unknown/unknown` (buildkit); apart from their index they mean nothing.
fn is_attestation(platform: &Platform) -> bool {
    platform.os == "unknown" && platform.architecture == "unknown"
}

fn partial_note(entry: &str, kept: &[ImageSource], missing: &[&Descriptor]) -> String {
    let kept: Vec<_> = kept.iter().map(|child| child.platform.to_string()).collect();
    let missing: Vec<_> = missing.iter().map(|descriptor| child_name(descriptor)).collect();
    format!(
        "{entry}: the image index is only partly in the archive: taken {}; not there {}",
        kept.join(", "),
        missing.join(", ")
    )
}

/// A child's platform, else its digest.
fn child_name(descriptor: &Descriptor) -> String {
    match &descriptor.platform {
        Some(platform) if !is_attestation(platform) => platform.to_string(),
        _ => descriptor.digest.to_string(),
    }
}

/// Whether configs of this type tell platform and layers of an image.
fn is_image_config(media_type: &MediaType) -> bool {
    *media_type == MediaType::OCI_CONFIG || *media_type == MediaType::DOCKER_CONFIG
}
