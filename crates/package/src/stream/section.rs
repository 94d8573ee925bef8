//! A folder of a tar that is one thing as a whole, while its files go by.

use portolan_chart::{CHART_LIMIT, FILE_LIMIT};

use super::archive::Archive;
use super::claim::{Claim, Kind};
use super::flow::Flow;
use super::kept::Kept;
use super::passing::Handed;
use crate::blob::BlobId;
use crate::bundle::{CHART_FOLDER, HINTS, HINTS_LIMIT, IMAGES};
use crate::images::{self, Images};
use crate::package::PackageError;
use crate::source::{ReadError, Stretch};
use crate::tar_index::Entry;
use crate::tree::Tree;

/// A folder, and what is known of it by now.
#[derive(Debug)]
pub(super) struct Section {
    /// Its path with a slash at the end; empty for the tar's own root.
    pub(super) root: String,
    /// Whether it cannot turn out to be something else.
    pub(super) firm: bool,
    /// Whether it was said that its images come.
    pub(super) announced: bool,
    /// What was gathered.
    pub(super) content: Content,
}

/// What such a folder is.
#[derive(Debug)]
pub(super) enum Content {
    /// A bundle.
    Bundle(Parts),
    /// An archive of images.
    Images(Archive),
}

/// The parts of a bundle.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Hints and chart.
    pub(super) kept: Kept,
    /// The entry of `images.tar` with all that it lies in, and what it held.
    pub(super) images: Option<(String, Result<Images, PackageError>)>,
    chart_size: u64,
}

/// What comes of a file of a section.
pub(super) enum Taken {
    /// Nothing more.
    Whole,
    /// A blob.
    Blob(BlobId, Handed),
    /// The images of a bundle begin.
    Images(Stretch),
    /// The images of a bundle are those that a link leads to.
    Linked,
}

impl Section {
    /// The folder that a file claims.
    pub(super) fn new(claim: Claim<'_>) -> Self {
        let content = match claim.kind {
            Kind::Images => Content::Images(Archive::default()),
            Kind::Bundle | Kind::Chart => Content::Bundle(Parts::default()),
        };
        Self { root: claim.root.to_owned(), firm: claim.firm, announced: false, content }
    }

    /// A whole tar that is the images of a bundle.
    pub(super) fn of_images() -> Self {
        let content = Content::Images(Archive::default());
        Self { root: String::new(), firm: true, announced: true, content }
    }

    /// Whether the file at a path that makes this claim is one of it.
    pub(super) fn agrees(&self, claim: Claim<'_>) -> bool {
        let same_kind = matches!(
            (&self.content, claim.kind),
            (Content::Bundle(_), Kind::Bundle) | (Content::Images(_), Kind::Images)
        );
        claim.root == self.root && same_kind
    }

    /// Takes in what the bundle's `images.tar` held.
    pub(super) fn set_images(&mut self, entry: String, images: Result<Images, PackageError>) {
        if let Content::Bundle(parts) = &mut self.content {
            parts.images = Some((entry, images));
        }
    }

    /// What was kept, as files of the tar `archive`.
    pub(super) fn tree(&self, archive: &Stretch) -> Tree {
        match &self.content {
            Content::Bundle(parts) => parts.kept.tree(archive),
            Content::Images(images) => images.tree(archive),
        }
    }

    /// Takes the entry that comes next, and lies below the root, in.
    pub(super) fn take(
        &mut self,
        path: &str,
        entry: &Entry,
        (flow, blobs): (&mut Flow, &mut u64),
    ) -> Result<Taken, ReadError> {
        let name = &path[self.root.len()..];
        match (&mut self.content, entry) {
            (_, Entry::Folder) => Ok(Taken::Whole),
            (Content::Bundle(_), Entry::File(file)) if name == IMAGES => Ok(Taken::Images(file.clone())),
            (Content::Bundle(parts), Entry::File(file)) => parts.file(path, name, file, flow),
            (Content::Bundle(_), Entry::Link(_)) if name == IMAGES => Ok(Taken::Linked),
            (Content::Bundle(parts), Entry::Link(target)) => {
                parts.kept.link(path, target.clone());
                Ok(Taken::Whole)
            }
            (Content::Images(archive), Entry::File(file)) => {
                let handed = archive.file(path, name, file, (flow, blobs))?;
                Ok(handed.map_or(Taken::Whole, |(id, handed)| Taken::Blob(id, handed)))
            }
            (Content::Images(archive), Entry::Link(target)) => {
                archive.link(path, target.clone());
                Ok(Taken::Whole)
            }
        }
    }

    /// Whether the list of images that just went by shows that this is an archive of them.
    pub(super) fn is_listed(&self, name: &str, archive: &Stretch) -> bool {
        images::LISTS.contains(&name) && images::is_unpacked(&self.tree(archive), &self.root)
    }
}

impl Parts {
    /// Keeps the hints and the chart's files as far as they are taken in place too; of what is larger is
    /// known how large it is, and reading it says so.
    fn file(&mut self, path: &str, name: &str, file: &Stretch, flow: &mut Flow) -> Result<Taken, ReadError> {
        let limit = match name {
            HINTS => HINTS_LIMIT,
            name if name.starts_with(CHART_FOLDER) => FILE_LIMIT.min(CHART_LIMIT - self.chart_size),
            _ => return Ok(Taken::Whole),
        };
        if file.size() > limit {
            self.kept.file(path, file.clone());
            return Ok(Taken::Whole);
        }
        if name != HINTS {
            self.chart_size += file.size();
        }
        self.kept.file(path, file.held(flow.read_entry(file)?));
        Ok(Taken::Whole)
    }
}
