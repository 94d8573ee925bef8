//! Which blobs ended, and which images are whole by that.

use portolan_oci::{Repository, SizedDigest};
use portolan_package::ImageSource;

use crate::{
    blobs::{BlobKey, BlobPlan},
    carry::Carried,
    event::BlobOutcome,
    lack::{Lack, whole},
    plan::PlannedImage,
    report::Totals,
};

/// How far the blobs and images of a run are.
pub(super) struct Progress<'a> {
    blobs: &'a BlobPlan,
    images: &'a [PlannedImage],
    /// By task: what became of it, once it ended.
    carried: Vec<Option<Carried>>,
    /// By image: how many blobs it still waits for.
    waiting: Vec<usize>,
    totals: Totals,
}

/// What an image is made of, once all its blobs ended.
pub(super) struct Parts {
    /// By member of the image: its layers, lowest first; else why one of its blobs is not there.
    pub(super) layers: Result<Vec<Vec<SizedDigest>>, Lack>,
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
    pub(super) fn record(&mut self, at: usize, carried: Carried) -> Vec<usize> {
        self.totals.bytes_sent += carried.sent();
        self.totals.blobs_uploaded += carried.count(BlobOutcome::Uploaded);
        self.totals.blobs_mounted += carried.count(BlobOutcome::Mounted);
        self.totals.blobs_existed += carried.count(BlobOutcome::Existed);
        self.carried[at] = Some(carried);
        let mut whole = Vec::new();
        for image in &self.blobs.tasks[at].images {
            self.waiting[*image] -= 1;
            if self.waiting[*image] == 0 {
                whole.push(*image);
            }
        }
        whole
    }

    /// The parts of an image that waits for nothing more.
    pub(super) fn parts_of(&self, image: usize) -> Parts {
        let PlannedImage { content, target, .. } = &self.images[image];
        let sources = content.content.sources().iter();
        Parts {
            layers: whole(sources.map(|source| self.layers(source, &target.repository))),
            sent: self.sent_for(image),
        }
    }

    /// The layers of one member; an error where one of its blobs, its config included, is not there.
    fn layers(&self, source: &ImageSource, repository: &Repository) -> Result<Vec<SizedDigest>, Lack> {
        let config = [BlobKey::Known(source.config_digest.clone())];
        let keys = config.into_iter().chain(source.layers.iter().map(BlobKey::of));
        let mut blobs = whole(keys.map(|key| self.blob(&key, repository)))?;
        Ok(blobs.split_off(1))
    }

    fn blob(&self, key: &BlobKey, repository: &Repository) -> Result<SizedDigest, Lack> {
        let at = self.blobs.by_key[key];
        let carried = self.carried[at].as_ref().expect("because every blob of this image ended");
        let mut places = self.blobs.tasks[at].repositories.iter().zip(&carried.places);
        let (_, place) = places.find(|(it, _)| *it == repository).expect("because this image wants it there");
        place.clone()?;
        Ok(carried.blob.clone().expect("because the digest of a blob that came somewhere is known"))
    }

    fn sent_for(&self, image: usize) -> u64 {
        let counts = |at: &usize| self.blobs.tasks[*at].images.first() == Some(&image);
        (0..self.carried.len())
            .filter(counts)
            .filter_map(|at| self.carried[at].as_ref())
            .map(Carried::sent)
            .sum()
    }
}
