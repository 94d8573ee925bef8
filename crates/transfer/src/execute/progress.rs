//! Which blobs ended, and which images are whole by that.

use portolan_oci::SizedDigest;
use portolan_package::ImageSource;
use portolan_registry::RegistryError;

use crate::{
    blobs::{BlobKey, BlobPlan},
    carry::Carried,
    event::BlobOutcome,
    failure::one_line,
    plan::PlannedImage,
    report::Totals,
};

/// How far the blobs and images of a run are.
pub(super) struct Progress<'a> {
    blobs: &'a BlobPlan,
    images: &'a [PlannedImage],
    /// By task: what became of it, once it ended.
    carried: Vec<Option<Result<Carried, String>>>,
    /// By image: how many blobs it still waits for.
    waiting: Vec<usize>,
    totals: Totals,
}

/// What an image is made of, once all its blobs ended.
pub(super) struct Parts {
    /// By member of the image: its layers, lowest first; else why one of its blobs is not there.
    pub(super) layers: Result<Vec<Vec<SizedDigest>>, String>,
    /// Bytes that were sent for it, without the blobs that count for an earlier image.
    pub(super) sent: u64,
}

impl<'a> Progress<'a> {
    pub(super) fn new(blobs: &'a BlobPlan, images: &'a [PlannedImage]) -> Self {
        let mut waiting = vec![0; images.len()];
        for image in blobs.tasks.iter().flat_map(|task| &task.images) {
            waiting[*image] += 1;
        }
        let carried = vec![None; blobs.tasks.len()];
        Self { blobs, images, carried, waiting, totals: Totals::default() }
    }

    /// Sums over all blobs so far.
    pub(super) fn totals(self) -> Totals {
        self.totals
    }

    /// Notes what became of a blob, and gives the images that wait for nothing more.
    pub(super) fn record(&mut self, at: usize, result: Result<Carried, RegistryError>) -> Vec<usize> {
        if let Ok(carried) = &result {
            self.count(carried);
        }
        self.carried[at] = Some(result.map_err(|error| one_line(&error)));
        let mut whole = Vec::new();
        for image in &self.blobs.tasks[at].images {
            self.waiting[*image] -= 1;
            if self.waiting[*image] == 0 {
                whole.push(*image);
            }
        }
        whole
    }

    fn count(&mut self, carried: &Carried) {
        self.totals.bytes_sent += carried.sent;
        match carried.outcome {
            BlobOutcome::Uploaded => self.totals.blobs_uploaded += 1,
            BlobOutcome::Mounted => self.totals.blobs_mounted += 1,
            BlobOutcome::Existed => self.totals.blobs_existed += 1,
            BlobOutcome::Failed => {}
        }
    }

    /// The parts of an image that waits for nothing more.
    pub(super) fn parts_of(&self, image: usize) -> Parts {
        let sources = self.images[image].content.content.sources();
        Parts {
            layers: sources.iter().map(|source| self.layers(source)).collect(),
            sent: self.sent_for(image),
        }
    }

    /// The layers of one member; an error where one of its blobs, its config included, is not there.
    fn layers(&self, source: &ImageSource) -> Result<Vec<SizedDigest>, String> {
        self.blob(&BlobKey::Known(source.config_digest.clone()))?;
        source.layers.iter().map(|layer| self.blob(&BlobKey::of(layer))).collect()
    }

    fn blob(&self, key: &BlobKey) -> Result<SizedDigest, String> {
        let task = self.blobs.by_key[key];
        let carried = self.carried[task].as_ref().expect("because every blob of this image ended");
        carried.as_ref().map(|carried| carried.blob.clone()).map_err(Clone::clone)
    }

    fn sent_for(&self, image: usize) -> u64 {
        let counts = |at: &usize| self.blobs.tasks[*at].images.first() == Some(&image);
        (0..self.carried.len()).filter(counts).map(|at| self.sent(at)).sum()
    }

    fn sent(&self, task: usize) -> u64 {
        self.carried[task]
            .as_ref()
            .and_then(|carried| carried.as_ref().ok())
            .map_or(0, |carried| carried.sent)
    }
}
