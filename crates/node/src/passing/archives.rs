//! Archives for a runtime that takes whole images alone: one for each archive of the package, made while that
//! goes by. Layers come first, as they come; configs and the list of images follow once these are known.
//!
//! Of a file it is known beforehand what is to be sent, since it was looked through. A layer that is not what
//! its image states ends the archive; the images beside it are sent once more without that one.

mod account;
mod making;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use portolan_package::{BlobId, Bundle, Package, stream::PackageStream};
use portolan_transfer::{BrokenBundle, PackageImages, package_images};
use tokio::sync::mpsc;

use account::not_alone;
use making::Making;

use super::{
    Passage, Passed, PassingError, look_through,
    reader::{self, Passing, Told},
};
use crate::{
    archive::{header, padding},
    event::Event,
    execute::{carry, one_line, result},
    feed::{Feed, feed},
    plan::{LoadAction, NodePlan, PlannedLoad, all_names, plan},
    report::NodeResult,
    survey::Survey,
};

/// How often a file is read at the most, to send what a broken archive kept from being loaded.
const PASSES: usize = 4;

/// What one pass over the package sends.
enum Wanted {
    /// Everything that comes: what it is shows afterwards.
    Everything,
    /// The layers of these images.
    Known { images: Vec<PlannedLoad>, layers: HashSet<BlobId> },
}

/// A pass over the package.
struct Pass<'a> {
    passage: Passage<'a>,
    told: mpsc::Receiver<Told>,
    wanted: Wanted,
    node: NodeResult,
    broken: Vec<BrokenBundle>,
    notes: Vec<String>,
    /// Images that an archive did not bring, though nothing is wrong with them.
    left: Vec<PlannedLoad>,
}

/// Loads a package on a runtime that takes archives.
pub(super) async fn run(
    stream: PackageStream,
    passage: Passage<'_>,
    survey: Survey,
) -> Result<Passed, PassingError> {
    match passage.again {
        Some(again) => of_file(stream, again, passage).await,
        None => {
            let nothing = PackageImages::default();
            let empty = plan((passage.node, &passage.runtime.address()), &nothing, survey, passage.options);
            let mut pass = Pass::new(stream, passage, Wanted::Everything, result(&empty, Vec::new()));
            pass.run().await?;
            let left = std::mem::take(&mut pass.left);
            pass.node.images.extend(left.iter().map(not_alone));
            Ok(pass.into_passed())
        }
    }
}

async fn of_file(
    stream: PackageStream,
    again: &(dyn Fn() -> Result<PackageStream, portolan_package::stream::StreamError> + Sync),
    passage: Passage<'_>,
) -> Result<Passed, PassingError> {
    let choice = passage.choice.clone();
    let looked = tokio::task::spawn_blocking(move || look_through(stream, &choice)).await;
    let images = looked.expect("because looking through a package does not panic")?;
    let survey = passage.runtime.survey(&all_names(&images, passage.options)).await?;
    let address = passage.runtime.address();
    let mut all = plan((passage.node, &address), &images, survey, passage.options);
    passage.observer.event(Event::Planned { plan: &all });
    let (mut open, rest) = std::mem::take(&mut all.images).into_iter().partition(sends_layers);
    all.images = rest;
    let node = carry(&all, passage.runtime, passage.options, passage.observer).await;
    let mut passed = Passed { node, broken: images.broken, notes: images.notes };
    for _ in 0..PASSES {
        if Vec::is_empty(&open) || passed.node.failure.is_some() {
            break;
        }
        let layers = open.iter().flat_map(|image| lacking(image, &all)).collect();
        let wanted = Wanted::Known { images: open, layers };
        let mut pass = Pass::new(again()?, passage, wanted, passed.node);
        pass.run().await?;
        open = std::mem::take(&mut pass.left);
        passed.node = pass.node;
    }
    passed.node.images.extend(open.iter().map(not_alone));
    Ok(passed)
}

fn sends_layers(image: &PlannedLoad) -> bool {
    image.action == LoadAction::Load
}

/// The layers of an image that the node lacked when it was asked.
fn lacking(planned: &PlannedLoad, plan: &NodePlan) -> Vec<BlobId> {
    let Some(image) = &planned.image else { return Vec::new() };
    let lacks = plan.survey.lacks(image);
    let layers = image.layers.iter().zip(lacks).filter(|(_, lacks)| *lacks);
    layers.filter_map(|(layer, _)| layer.passed).collect()
}

impl<'a> Pass<'a> {
    fn new(stream: PackageStream, passage: Passage<'a>, wanted: Wanted, node: NodeResult) -> Self {
        let told = reader::start(stream, &passage.options.stop);
        Self { passage, told, wanted, node, broken: Vec::new(), notes: Vec::new(), left: Vec::new() }
    }

    fn into_passed(self) -> Passed {
        Passed { node: self.node, broken: self.broken, notes: self.notes }
    }

    async fn run(&mut self) -> Result<(), PassingError> {
        while self.node.failure.is_none() {
            match self.told.recv().await {
                None => break,
                Some(Told::Blob(blob)) if self.wants(&blob) => self.archive(blob).await?,
                Some(Told::Blob(_)) => {}
                Some(other) => self.without_archive(other).await?,
            }
        }
        // What no archive of this pass held is not in the package any more.
        if let Wanted::Known { images, .. } = &mut self.wanted {
            self.left.append(images);
        }
        Ok(())
    }

    fn wants(&self, blob: &Passing) -> bool {
        match &self.wanted {
            Wanted::Everything => true,
            Wanted::Known { layers, .. } => layers.contains(&blob.id),
        }
    }

    /// Has an archive loaded that begins with this layer.
    async fn archive(&mut self, first: Passing) -> Result<(), PassingError> {
        let (sink, feed) = Feed::open();
        let runtime = self.passage.runtime;
        let making = Making { sink, entries: HashMap::new() };
        let (loaded, made) = tokio::join!(runtime.load_archive(feed), self.make(making, first));
        let (images, last) = made?;
        self.account(images, loaded).await?;
        match last {
            Some(Told::Bundle(_)) | None => Ok(()),
            Some(other) => self.without_archive(other).await,
        }
    }

    /// Sends layers until the bundle is known, then the rest; gives the images that it held, and what ended it.
    async fn make(
        &mut self,
        mut making: Making,
        first: Passing,
    ) -> Result<(Vec<PlannedLoad>, Option<Told>), PassingError> {
        let mut next = Some(Told::Blob(first));
        while let Some(Told::Blob(blob)) = next {
            if self.wants(&blob) {
                self.layer(&mut making, blob).await;
            }
            next = self.told.recv().await;
        }
        let images = match &mut next {
            Some(Told::Bundle(bundle)) => self.held(&making, bundle).await?,
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
    async fn held(&mut self, making: &Making, bundle: &Bundle) -> Result<Vec<PlannedLoad>, PassingError> {
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
            Wanted::Everything => self.of_bundle(bundle.clone()).await,
        }
    }

    /// What is to be loaded of a bundle that was not known before; the lines of the rest are written.
    async fn of_bundle(&mut self, bundle: Bundle) -> Result<Vec<PlannedLoad>, PassingError> {
        let Passage { choice, options, runtime, node, observer, .. } = self.passage;
        let package = Package { bundles: vec![bundle], ..Package::default() };
        let images = package_images(&package, choice);
        let survey = runtime.survey(&all_names(&images, options)).await?;
        let mut plan = plan((node, &runtime.address()), &images, survey, options);
        observer.event(Event::Planned { plan: &plan });
        self.broken.extend(images.broken);
        let (loads, rest) = std::mem::take(&mut plan.images).into_iter().partition(sends_layers);
        plan.images = rest;
        self.node.images.extend(carry(&plan, runtime, options, observer).await.images);
        Ok(loads)
    }

    async fn without_archive(&mut self, told: Told) -> Result<(), PassingError> {
        match told {
            Told::Bundle(bundle) if matches!(self.wanted, Wanted::Everything) => {
                let loads = self.of_bundle(bundle).await?;
                self.left.extend(loads);
            }
            Told::Broken(broken) if matches!(self.wanted, Wanted::Everything) => {
                let (source, error) = (broken.origin.to_string(), one_line(&broken.error));
                self.broken.push(BrokenBundle { source, error });
            }
            Told::End(end) => self.notes.extend(end.notes),
            Told::Failed(source) if self.node.images.is_empty() => return Err(source.into()),
            Told::Failed(source) => {
                let (source, error) = ("the rest of the package".to_owned(), one_line(&source));
                self.broken.push(BrokenBundle { source, error });
            }
            Told::Bundle(_) | Told::Broken(_) | Told::Blob(_) => {}
        }
        Ok(())
    }
}
