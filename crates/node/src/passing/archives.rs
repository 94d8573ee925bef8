//! Archives for a runtime that takes whole images alone: one for each archive of the package, made while that
//! goes by. Layers come first, as they come; configs and the list of images follow once these are known.
//!
//! Of a file it is known beforehand what is to be sent, since it was looked through. A layer that is not what
//! its image states ends the archive; the images beside it are sent once more without that one.

mod account;
mod making;
mod ways;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use portolan_package::BlobId;
use portolan_transfer::PackageImages;
use tokio::sync::mpsc;

use making::Making;
pub(super) use ways::run;
use ways::{line_of_left, sends_layers};

use super::{
    Member, Passage, ended,
    reader::{Passing, Told},
};
use crate::{
    archive::{header, padding},
    error::RuntimeError,
    event::Event,
    execute::carry,
    feed::{Feed, feed},
    plan::{PlannedLoad, all_names, plan},
    report::NodeResult,
    window::has_missed,
};

/// What one pass over the package sends.
enum Wanted {
    /// Everything that comes: what it is shows afterwards.
    Everything,
    /// The layers of these images.
    Known { images: Vec<PlannedLoad>, layers: HashSet<BlobId> },
}

/// A node, while the package goes by.
struct Pass<'a> {
    passage: Passage<'a>,
    told: mpsc::UnboundedReceiver<Told>,
    wanted: Wanted,
    node: NodeResult,
    /// Images that an archive did not bring, though nothing is wrong with them.
    left: Vec<PlannedLoad>,
    /// Whether something went by while the node was behind.
    was_late: bool,
}

impl Wanted {
    fn into_images(self) -> Vec<PlannedLoad> {
        match self {
            Self::Everything => Vec::new(),
            Self::Known { images, .. } => images,
        }
    }
}

impl<'a> Pass<'a> {
    /// Waits until a pass begins; gives back what was to be sent where none does.
    async fn begin(
        member: &Member,
        passage: Passage<'a>,
        wanted: Wanted,
        node: NodeResult,
    ) -> Result<Self, (Wanted, NodeResult)> {
        match member.pass().await {
            Some(told) => Ok(Self { passage, told, wanted, node, left: Vec::new(), was_late: false }),
            None => Err((wanted, node)),
        }
    }

    async fn run(&mut self) {
        if let Err(error) = self.take_all().await {
            ended(&mut self.node, &error);
        }
        // What no archive of this pass held is not in the package any more, or was not come to.
        if let Wanted::Known { images, .. } = &mut self.wanted {
            self.left.append(images);
        }
    }

    async fn take_all(&mut self) -> Result<(), RuntimeError> {
        while self.node.failure.is_none() {
            match self.told.recv().await {
                None => break,
                Some(Told::Blob(blob)) if self.wants(&blob) => self.archive(blob).await?,
                Some(other) => self.without_archive(other).await?,
            }
        }
        Ok(())
    }

    /// Writes the lines of what is left, where the package comes once.
    fn tell_left(&mut self) {
        let left = std::mem::take(&mut self.left);
        let lines = left.iter().map(|planned| line_of_left(self.passage, planned, self.was_late, false));
        self.node.images.extend(lines.collect::<Vec<_>>());
    }

    fn wants(&self, blob: &Passing) -> bool {
        match &self.wanted {
            Wanted::Everything => true,
            Wanted::Known { layers, .. } => layers.contains(&blob.id),
        }
    }

    /// Has an archive loaded that begins with this layer.
    async fn archive(&mut self, first: Passing) -> Result<(), RuntimeError> {
        let (sink, feed) = Feed::open();
        let runtime = self.passage.runtime;
        let making = Making { sink, entries: HashMap::new() };
        let (loaded, made) = tokio::join!(runtime.load_archive(feed), self.make(making, first));
        let (images, last) = made?;
        self.account(images, loaded).await?;
        match last {
            Some(Told::Images(_)) | None => Ok(()),
            Some(other) => self.without_archive(other).await,
        }
    }

    /// Sends layers until the bundle is known, then the rest; gives the images that it held, and what ended it.
    async fn make(
        &mut self,
        mut making: Making,
        first: Passing,
    ) -> Result<(Vec<PlannedLoad>, Option<Told>), RuntimeError> {
        let mut next = Some(Told::Blob(first));
        while let Some(Told::Blob(blob)) = next {
            if self.wants(&blob) {
                self.layer(&mut making, blob).await;
            }
            next = self.told.recv().await;
        }
        let images = match &next {
            Some(Told::Images(images)) => self.held(&making, images).await?,
            _ => Vec::new(),
        };
        making.finish(&images).await;
        Ok((images, next))
    }

    async fn layer(&mut self, making: &mut Making, blob: Passing) {
        let entry = format!("{}.tar", making.entries.len());
        making.send(header(&entry, blob.size)).await;
        let (mut pieces, node) = (feed(&blob.bytes, 0), self.passage.node);
        while let Some(piece) = pieces.next().await {
            self.was_late |= piece.as_ref().is_err_and(has_missed);
            let count = piece.as_ref().map_or(0, Bytes::len) as u64;
            if making.sink.send(piece).await.is_err() {
                return;
            }
            self.node.bytes_sent += count;
            self.passage.observer.event(Event::Sent { node, bytes: count });
        }
        making.send(padding(blob.size)).await;
        making.entries.insert(blob.id, entry);
    }

    /// The images that the archive holds.
    async fn held(&mut self, making: &Making, of: &PackageImages) -> Result<Vec<PlannedLoad>, RuntimeError> {
        match &mut self.wanted {
            Wanted::Known { images, layers } => {
                let has = |image: &PlannedLoad| {
                    let ids = image.image.iter().flat_map(|image| &image.layers);
                    let ids = ids.filter_map(|layer| layer.passed).filter(|id| layers.contains(id));
                    ids.clone().next().is_some() && ids.clone().all(|id| making.entries.contains_key(&id))
                };
                let (held, rest) = std::mem::take(images).into_iter().partition(has);
                *images = rest;
                Ok(held)
            }
            Wanted::Everything => self.of_archive(of).await,
        }
    }

    /// What is to be loaded of an archive that was not known before; the lines of the rest are written.
    async fn of_archive(&mut self, images: &PackageImages) -> Result<Vec<PlannedLoad>, RuntimeError> {
        let Passage { options, runtime, node, observer, .. } = self.passage;
        let survey = runtime.survey(&all_names(images, options)).await?;
        let mut plan = plan((node, &runtime.address()), images, survey, options);
        self.passage.narrow(&mut plan);
        observer.event(Event::Planned { plan: &plan });
        let (loads, rest) = std::mem::take(&mut plan.images).into_iter().partition(sends_layers);
        plan.images = rest;
        self.node.images.extend(carry(&plan, runtime, options, observer).await.images);
        Ok(loads)
    }

    async fn without_archive(&mut self, told: Told) -> Result<(), RuntimeError> {
        if let (Told::Images(images), Wanted::Everything) = (told, &self.wanted) {
            let loads = self.of_archive(&images).await?;
            self.left.extend(loads);
        }
        Ok(())
    }
}
