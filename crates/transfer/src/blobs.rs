//! Which blobs a plan sends: each unique blob once, with every repository that wants it.
//!
//! Pure: the same plan always gives the same tasks in the same order, which is that of the package,
//! so that it is read front to back.

use std::{collections::HashMap, io, sync::Arc};

use portolan_oci::{Digest, Repository};
use portolan_package::{Blob, ImageSource, Layer};
use portolan_registry::{BlobSource, InMemory, RemoteBlob, SharedPieces};

use crate::{
    event::BlobOutcome,
    import::Coming,
    passed::Passed,
    plan::{ImageAction, PlannedImage},
};

/// One unique blob and where it is wanted.
#[derive(Clone, Debug)]
pub(crate) struct BlobTask {
    pub(crate) content: Content,
    /// As the package claims it; `None` where it is derived on the way.
    pub(crate) digest: Option<Digest>,
    /// As stored in the package, in bytes.
    pub(crate) size: u64,
    /// Where it is to be, each once; the first one receives its bytes.
    pub(crate) repositories: Vec<Repository>,
    /// Repositories that hold it already, because an image there has it.
    pub(crate) lenders: Vec<Repository>,
    /// The repository that it was brought into before, as it went by, and how.
    pub(crate) arrived: Option<(Repository, BlobOutcome)>,
    /// Indexes of the images that wait for it; its bytes count for the first one.
    pub(crate) images: Vec<usize>,
}

impl BlobTask {
    /// For people: the entry its bytes are read from.
    pub(crate) fn entry(&self) -> String {
        self.content.describe()
    }
}

/// Where the bytes of a blob are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// In the package.
    Stored(Blob),
    /// In memory: a config, which planning has read.
    Held(InMemory),
    /// It goes by, and where it is shows once its way ended.
    Coming(Coming),
    /// It went by, and is had back from where it was brought to.
    Passed(Passed),
    /// In another registry, or in another repository of the same.
    Remote(RemoteBlob),
}

impl BlobSource for Content {
    fn open(&self) -> io::Result<Box<dyn io::Read + Send>> {
        match self {
            Self::Stored(blob) => blob.open(),
            Self::Held(memory) => memory.open(),
            Self::Coming(coming) => Err(coming.unopened()),
            Self::Passed(passed) => passed.open(),
            Self::Remote(blob) => blob.open(),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Stored(blob) => blob.entry(),
            Self::Held(memory) => memory.describe(),
            Self::Coming(coming) => coming.entry().to_owned(),
            Self::Passed(passed) => passed.describe(),
            Self::Remote(blob) => blob.describe(),
        }
    }

    fn open_pieces(&self) -> io::Result<Option<SharedPieces>> {
        match self {
            Self::Held(memory) => memory.open_pieces(),
            Self::Stored(_) | Self::Coming(_) | Self::Passed(_) | Self::Remote(_) => Ok(None),
        }
    }
}

/// What makes two blobs of a package the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BlobKey {
    /// Their digest.
    Known(Digest),
    /// The digest of the uncompressed layer, where the compressed one is derived.
    Uncompressed(Digest),
    /// Their place in the package, where nothing else is known.
    Entry(String),
}

impl BlobKey {
    /// The key of a layer.
    pub(crate) fn of(layer: &Layer) -> Self {
        match (layer.blob.digest(), &layer.diff_id) {
            (Some(digest), _) => Self::Known(digest.clone()),
            (None, Some(diff_id)) => Self::Uncompressed(diff_id.clone()),
            (None, None) => Self::Entry(layer.blob.entry()),
        }
    }
}

/// All blob tasks of a plan, and how to find the one of a blob.
#[derive(Debug, Default)]
pub(crate) struct BlobPlan {
    pub(crate) tasks: Vec<BlobTask>,
    pub(crate) by_key: HashMap<BlobKey, usize>,
}

impl BlobPlan {
    /// The tasks of every image that is to be pushed or mended.
    pub(crate) fn of(images: &[PlannedImage]) -> Self {
        let mut plan = Self::default();
        for (index, image) in images.iter().enumerate().filter(|(_, image)| image.action.sends()) {
            for source in image.content.content.sources() {
                plan.add_source(index, &image.target.repository, source);
            }
        }
        plan.note_lenders(images);
        plan
    }

    /// Bytes of all unique blobs.
    pub(crate) fn bytes(&self) -> u64 {
        self.tasks.iter().map(|task| task.size).sum()
    }

    /// The numbers of the tasks in the order in which they are begun: those that wait for a blob to arrive last, so
    /// that they keep nobody waiting.
    pub(crate) fn turns(&self) -> Vec<usize> {
        let is_awaited =
            |at: &usize| matches!(&self.tasks[*at].content, Content::Coming(coming) if coming.is_underway());
        let (awaited, mut turns): (Vec<usize>, Vec<usize>) = (0..self.tasks.len()).partition(is_awaited);
        turns.extend(awaited);
        turns
    }

    fn add_source(&mut self, image: usize, repository: &Repository, source: &ImageSource) {
        for layer in &source.layers {
            let digest = layer.blob.digest().cloned();
            let content = Content::Stored(layer.blob.clone());
            self.add(BlobKey::of(layer), image, repository, (content, digest, layer.blob.stored_size()));
        }
        let digest = source.config_digest.clone();
        let memory = InMemory::new(vec![source.config.clone()], format!("the config {digest}"));
        let content = Content::Held(memory);
        let size = source.config.len() as u64;
        self.add(BlobKey::Known(digest.clone()), image, repository, (content, Some(digest), size));
    }

    fn add(
        &mut self,
        key: BlobKey,
        image: usize,
        repository: &Repository,
        (content, digest, size): (Content, Option<Digest>, u64),
    ) {
        let at = *self.by_key.entry(key).or_insert_with(|| {
            let (repositories, lenders, images) = (Vec::new(), Vec::new(), Vec::new());
            let arrived = None;
            self.tasks.push(BlobTask { content, digest, size, repositories, lenders, arrived, images });
            self.tasks.len() - 1
        });
        let task = &mut self.tasks[at];
        push_new(&mut task.repositories, repository);
        push_new(&mut task.images, &image);
    }

    fn note_lenders(&mut self, images: &[PlannedImage]) {
        for image in images.iter().filter(|image| image.action == ImageAction::Exists) {
            for source in image.content.content.sources() {
                let config = BlobKey::Known(source.config_digest.clone());
                for key in source.layers.iter().map(BlobKey::of).chain([config]) {
                    if let Some(at) = self.by_key.get(&key) {
                        push_new(&mut self.tasks[*at].lenders, &image.target.repository);
                    }
                }
            }
        }
    }
}

/// Adds a value that the list doesn't hold yet.
pub(crate) fn push_new<T: Clone + PartialEq>(list: &mut Vec<T>, value: &T) {
    if !list.contains(value) {
        list.push(value.clone());
    }
}

/// The task's content as the registry client takes it.
pub(crate) fn shared(content: &Content) -> Arc<dyn BlobSource> {
    Arc::new(content.clone())
}
