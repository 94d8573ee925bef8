//! The images of one archive, whoever wrote it.
//!
//! An archive may be a docker archive (`manifest.json`), an OCI layout (`index.json`), or both at once, as
//! `docker save` has written it since version 25. Where both are there the layout wins, since it holds the
//! original manifests, and the names of both are joined (formats.md, section 1).

mod docker_archive;
mod error;
mod names;
mod oci_layout;

use portolan_oci::Digest;

use crate::image::Image;
use crate::source::Stretch;
use crate::tree::Tree;

pub(crate) use docker_archive::{CONFIG_LIMIT, NAMES, is_legacy};
pub use error::ImagesError;
pub(crate) use names::layer_digest;
pub(crate) use oci_layout::MARK as LAYOUT_MARK;

/// What an archive of images holds.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// The images, in the order of the archive's own lists.
    pub images: Vec<Image>,
    /// What was left out, for people.
    pub notes: Vec<String>,
}

/// Reads the lists, manifests and configs of the archive that takes all of `archive`; layers are not read.
pub fn open(archive: &Stretch) -> Result<Images, ImagesError> {
    of_tree(&Tree::of_tar(archive)?)
}

/// The files that list images, in one kind of archive or the other.
pub(crate) const LISTS: [&str; 2] = [docker_archive::LIST, oci_layout::LIST];

/// Whether the files of a tar are those of an archive of images.
pub(crate) fn is_archive(tree: &Tree) -> bool {
    tree.has(docker_archive::LIST) || is_layout(tree, "")
}

/// Whether the folder `root` (with a slash at its end) is an unpacked archive of images; other things than
/// docker archives have a `manifest.json`, so there its content decides.
pub(crate) fn is_unpacked(tree: &Tree, root: &str) -> bool {
    let docker = || tree.get(&format!("{root}{}", docker_archive::LIST)).map(docker_archive::read);
    is_layout(tree, root) || matches!(docker(), Some(Ok(listed)) if !listed.is_empty())
}

fn is_layout(tree: &Tree, root: &str) -> bool {
    [oci_layout::MARK, oci_layout::LIST].iter().all(|name| tree.has(&format!("{root}{name}")))
}

/// As [`open`], for files that were found already.
pub(crate) fn of_tree(tree: &Tree) -> Result<Images, ImagesError> {
    let layout = tree.get(oci_layout::LIST).map(|list| oci_layout::read(tree, list)).transpose()?;
    let docker = tree.get(docker_archive::LIST).map(docker_archive::read).transpose()?;
    match (layout, docker) {
        (None, None) => Err(ImagesError::NoList { archive: tree.name() }),
        (Some(layout), None) => layout.named(tree),
        (None, Some(docker)) => docker_images(tree, &docker),
        (Some(layout), Some(docker)) => join(tree, layout, &docker),
    }
}

fn docker_images(tree: &Tree, entries: &[docker_archive::Listed]) -> Result<Images, ImagesError> {
    let images = entries.iter().map(|entry| entry.image(tree)).collect::<Result<_, _>>()?;
    Ok(Images { images, notes: Vec::new() })
}

/// The layout's images with the names of both lists; and such of `manifest.json` as the layout doesn't know.
fn join(
    tree: &Tree,
    mut layout: oci_layout::Layout,
    docker: &[docker_archive::Listed],
) -> Result<Images, ImagesError> {
    let mut others = Vec::new();
    for listed in docker {
        let names = listed.names(tree)?;
        match layout.with_config(&listed.config_digest(tree)?) {
            found if found.is_empty() => others.push(listed.image(tree)?),
            found => found.into_iter().for_each(|image| names::add(&mut image.names, &names)),
        }
    }
    let mut images = match layout.is_empty() && !others.is_empty() {
        true => Images::default(),
        false => layout.named(tree)?,
    };
    images.images.extend(others);
    Ok(images)
}

/// Whether the image has this config for one of its platforms.
fn has_config(image: &Image, digest: &Digest) -> bool {
    image.content.sources().iter().any(|source| source.config_digest == *digest)
}
