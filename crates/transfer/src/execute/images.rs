//! Sends the blobs of all images, several at once, and writes each tag as soon as its image is whole.

use std::pin::pin;

use futures_util::{StreamExt, stream, stream::FuturesUnordered};
use portolan_oci::SizedDigest;
use tokio::sync::Semaphore;

use super::{
    Run,
    progress::{Parts, Progress},
    tag::{TagError, Tagging, Written},
};
use crate::{
    blobs::BlobPlan,
    carry::Carriage,
    event::{BlobId, Event},
    failure::one_line,
    lack::Lack,
    outcome::outcome,
    plan::{ImageAction, PlannedImage},
    report::{ImageOutcome, ImageResult, Totals},
    verify::Verifier,
};

/// Blobs that are asked about while others are sent.
const ASKED_AHEAD: usize = 8;

impl Run<'_> {
    /// Brings every image of the plan where it belongs.
    pub(super) async fn images(&self, blobs: &BlobPlan) -> (Vec<ImageResult>, Totals) {
        let mut results: Vec<Option<ImageResult>> = self.plan.images.iter().map(settled).collect();
        for result in results.iter().flatten() {
            self.observer.event(Event::ImageFinished { result });
        }
        let totals = self.push(blobs, &mut results).await;
        let every =
            results.into_iter().map(|r| r.expect("because every image waits for its config at least"));
        (every.collect(), totals)
    }

    async fn push(&self, blobs: &BlobPlan, results: &mut [Option<ImageResult>]) -> Totals {
        let mut progress = Progress::new(blobs, &self.plan.images);
        let jobs = self.options.jobs.max(1);
        let sending = &Semaphore::new(jobs);
        let carriage = Carriage {
            registry: &self.target.registry,
            observer: self.observer,
            sending,
            stop: &self.options.stop,
            closed: self.closed,
        };
        let turns = blobs.turns().into_iter();
        let transfers = turns.map(async |at| (at, carriage.carry(&blobs.tasks[at], BlobId(at)).await));
        let mut transfers = pin!(stream::iter(transfers).buffer_unordered(jobs + ASKED_AHEAD));
        let verifier = &Verifier::new(&self.target.registry);
        let mut tagging = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some((at, carried)) = transfers.next() => {
                    for image in progress.record(at, carried) {
                        tagging.push(self.finish(image, progress.parts_of(image), verifier));
                    }
                }
                Some((image, result)) = tagging.next() => {
                    if result.action != ImageOutcome::Interrupted {
                        self.observer.event(Event::ImageFinished { result: &result });
                    }
                    results[image] = Some(result);
                }
                else => return progress.totals(),
            }
        }
    }

    /// Writes the tag of an image whose blobs all ended, well or not. An interruption doesn't keep it from
    /// one whose blobs are all there: the bytes have been sent, and a few small requests make them an image.
    async fn finish(&self, at: usize, parts: Parts, verifier: &Verifier<'_>) -> (usize, ImageResult) {
        let image = &self.plan.images[at];
        let released = match parts.layers {
            Ok(layers) => self.released().await.map(|()| layers),
            Err(lack) => Err(lack),
        };
        let result = match released {
            Ok(layers) => self.tag(image, &layers, verifier).await,
            Err(lack) => lacking(image, lack),
        };
        (at, ImageResult { bytes_sent: parts.sent, ..result })
    }
}

impl Run<'_> {
    /// Has the tag of an image name it, now that all its layers are there.
    async fn tag(
        &self,
        image: &PlannedImage,
        layers: &[Vec<SizedDigest>],
        verifier: &Verifier<'_>,
    ) -> ImageResult {
        match self.tagged(image, layers, verifier).await {
            Ok(result) => result,
            Err(error) => lacking(image, self.tag_lack(image, &error)),
        }
    }

    async fn tagged(
        &self,
        image: &PlannedImage,
        layers: &[Vec<SizedDigest>],
        verifier: &Verifier<'_>,
    ) -> Result<ImageResult, TagError> {
        let mut turn = self.brought.turn(&image.target).await;
        let existing = turn.existing(self.options.existing);
        let tagging = Tagging::begin(&self.target.registry, image, existing, layers).await?;
        let Written { digest, action, .. } = tagging.settled(&self.options.stop).await?;
        turn.did(&action);
        let result = ImageResult { digest: Some(digest), ..line(image, action) };
        Ok(self.read_back(verifier, &tagging, result).await)
    }

    fn tag_lack(&self, image: &PlannedImage, error: &TagError) -> Lack {
        match error {
            TagError::Registry(error) => {
                self.closed.note(error, &image.target.repository, &self.options.stop)
            }
            TagError::Lost { .. } | TagError::Contended | TagError::Merge { .. } => {
                Lack::Failed(one_line(error))
            }
        }
    }
}

/// The line of an image for which there is nothing to do; `None` where it is to be pushed or mended.
fn settled(image: &PlannedImage) -> Option<ImageResult> {
    if image.action.sends() {
        return None;
    }
    Some(ImageResult { verified: image.verified, ..line(image, image.action.clone()) })
}

/// The line of an image that is not there.
pub(super) fn lacking(image: &PlannedImage, lack: Lack) -> ImageResult {
    let (action, error) = match lack {
        Lack::Failed(error) => (ImageOutcome::Failed, Some(error)),
        Lack::Interrupted { error } => (ImageOutcome::Interrupted, error),
    };
    ImageResult { action, error, ..line(image, ImageAction::Exists) }
}

/// The line of an image that was dealt with so.
fn line(image: &PlannedImage, action: ImageAction) -> ImageResult {
    let (action, found, changes) = outcome(action);
    ImageResult {
        source: image.source.clone(),
        target: image.target.clone(),
        digest: image.digest.clone(),
        platforms: image.platforms.clone(),
        action,
        verified: false,
        bytes_sent: 0,
        found,
        changes,
        error: None,
    }
}
