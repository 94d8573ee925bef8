//! Brings the blobs of a merge, several at once.

use futures_util::{StreamExt, stream};
use tokio::sync::Semaphore;

use super::{MergeOptions, MergeTarget, plan::MergePlan};
use crate::{
    carry::{Carriage, Carried},
    event::{BlobId, BlobOutcome, Event, Observer},
    lack::{Lack, whole},
    refusal::Closed,
    report::Totals,
};

/// Blobs that are asked about while others are sent.
const ASKED_AHEAD: usize = 8;

/// Brings every blob, or says what the worst of them lacks.
pub(super) async fn carry(
    plan: &MergePlan,
    target: &MergeTarget,
    options: &MergeOptions,
    observer: &dyn Observer,
    closed: &Closed,
) -> (Totals, Result<(), Lack>) {
    observer.event(Event::Started { bytes: plan.bytes });
    let jobs = options.jobs.max(1);
    let sending = &Semaphore::new(jobs);
    let carriage = Carriage { registry: &target.registry, observer, sending, stop: &options.stop, closed };
    let tasks = plan.gathered.tasks.iter().enumerate();
    let transfers = tasks.map(async |(at, task)| carriage.carry(task, BlobId(at)).await);
    let carried: Vec<Carried> = stream::iter(transfers).buffer_unordered(jobs + ASKED_AHEAD).collect().await;
    let count = |outcome| carried.iter().map(|one| one.count(outcome)).sum();
    let totals = Totals {
        bytes_sent: carried.iter().map(Carried::sent).sum(),
        blobs_uploaded: count(BlobOutcome::Uploaded),
        blobs_mounted: count(BlobOutcome::Mounted),
        blobs_existed: count(BlobOutcome::Existed),
        seconds: 0.0,
    };
    (totals, whole(carried.into_iter().flat_map(|one| one.places)).map(drop))
}
