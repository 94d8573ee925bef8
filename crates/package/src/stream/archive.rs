//! An archive of images as it goes by: blobs are handed out, and what tells of them is kept.

use std::sync::Arc;

use bytes::Bytes;
use portolan_oci::Digest;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::flow::Flow;
use super::kept::Kept;
use super::passing::Handed;
use crate::blob::{BlobId, Encoding};
use crate::images::{self, CONFIG_LIMIT, Images, ImagesError, LAYOUT_MARK};
use crate::sniff::{self, HEAD, Kind};
use crate::source::{Passed, ReadError, Stretch};
use crate::tree::Tree;

/// How many bytes of lists, manifests, indexes and configs are kept of one archive. A thousand images have
/// some 20 MiB of them.
const DOCUMENTS_LIMIT: u64 = 32 << 20;

/// How large a document may be that is of unknown shape, and is kept all the same: configs of artifacts.
const EXTRA_LIMIT: u64 = 64 << 10;

/// How many bytes of such documents are kept of one archive; further ones are blobs.
const EXTRAS_LIMIT: u64 = 8 << 20;

/// What shows that a document is one that an image consists of, by the OCI image specification: manifests and
/// indexes have a schema version, configs a root file system and an architecture.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: Option<IgnoredAny>,
    rootfs: Option<IgnoredAny>,
    architecture: Option<IgnoredAny>,
}

/// What became of the files of one archive of images.
#[derive(Debug, Default)]
pub(super) struct Archive {
    kept: Kept,
    documents: u64,
    extras: u64,
}

impl Archive {
    /// Takes in a link between its files.
    pub(super) fn link(&mut self, path: &str, target: String) {
        self.kept.link(path, target);
    }

    /// Takes the file that comes next in; gives it where it is a blob. `name` is its path in the archive,
    /// `blobs` counts those that were handed out of the whole package.
    pub(super) fn file(
        &mut self,
        path: &str,
        name: &str,
        stretch: &Stretch,
        (flow, blobs): (&mut Flow, &mut u64),
    ) -> Result<Option<(BlobId, Handed)>, ReadError> {
        let head = flow.head(stretch, HEAD)?;
        let kind = sniff::kind_of(head);
        let is_json = head.trim_ascii_start().starts_with(b"{");
        let is_small = stretch.size() <= CONFIG_LIMIT;
        let mut bytes = None;
        if is_small && (is_list(name) || (kind == Kind::Other && is_json && !images::is_legacy(name))) {
            let document = flow.read_entry(stretch)?;
            if self.is_kept(name, &document) {
                self.kept.file(path, stretch.held(document));
                return Ok(None);
            }
            bytes = Some(document);
        }
        let handed = Handed::new(stretch, kind, claimed(name, kind), bytes);
        Ok(self.hand_out(path, handed, blobs))
    }

    /// All of it as files; `archive` is the tar that it lies in.
    pub(super) fn tree(&self, archive: &Stretch) -> Tree {
        self.kept.tree(archive)
    }

    /// Whether a document is to be kept; it counts as such from then on.
    fn is_kept(&mut self, name: &str, document: &[u8]) -> bool {
        let size = document.len() as u64;
        let (count, limit) = match is_list(name) || is_part_of_an_image(document) {
            true => (&mut self.documents, DOCUMENTS_LIMIT),
            false if size <= EXTRA_LIMIT => (&mut self.extras, EXTRAS_LIMIT),
            false => return false,
        };
        let fits = *count + size <= limit;
        if fits {
            *count += size;
        }
        fits
    }

    /// Gives the file as a blob, where it can be one; what it was is remembered in any case.
    fn hand_out(&mut self, path: &str, mut handed: Handed, blobs: &mut u64) -> Option<(BlobId, Handed)> {
        let can_be_layer = handed.digest.is_some() || matches!(handed.passed.kind, Kind::Gzip | Kind::Tar);
        let id = can_be_layer.then_some(BlobId(*blobs));
        *blobs += u64::from(can_be_layer);
        handed.passed.id = id;
        self.kept.file(path, handed.stretch.gone(handed.passed.clone()));
        id.map(|id| (id, handed))
    }
}

impl Handed {
    fn new(stretch: &Stretch, kind: Kind, digest: Option<Digest>, bytes: Option<Bytes>) -> Self {
        let encoding = match (kind, &digest) {
            (Kind::Tar, None) => Encoding::CompressToGzip,
            _ => Encoding::AsIs,
        };
        let passed = Passed { kind, id: None, encoding, diff_id: Arc::default() };
        Self { stretch: stretch.clone(), passed, digest, bytes }
    }
}

/// The digest of its bytes that an entry's name claims. An uncompressed layer has that of its bytes only in a
/// layout, where it is sent as it lies.
fn claimed(name: &str, kind: Kind) -> Option<Digest> {
    match kind {
        Kind::Tar if !name.starts_with("blobs/") => None,
        _ => images::layer_digest(name),
    }
}

fn is_list(name: &str) -> bool {
    images::LISTS.contains(&name) || name == LAYOUT_MARK
}

fn is_part_of_an_image(document: &[u8]) -> bool {
    serde_json::from_slice::<Shape>(document).is_ok_and(|shape| {
        shape.schema_version.is_some() || shape.rootfs.is_some() || shape.architecture.is_some()
    })
}

/// The images of an archive that went by.
///
/// # Errors
/// [`ImagesError`] as where it is read in place; and where a layer that was not told by its name was
/// another than the config states, or was handed out in a form that its image doesn't take.
pub(super) fn images(tree: &Tree) -> Result<Images, ImagesError> {
    let images = images::of_tree(tree)?;
    let sources = images.images.iter().flat_map(|image| image.content.sources());
    sources.flat_map(|source| &source.layers).try_for_each(|layer| layer.blob.check_passed())?;
    Ok(images)
}
