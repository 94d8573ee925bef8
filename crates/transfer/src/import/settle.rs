//! A bundle that is whole: planned, its blobs mounted where they belong, tagged, and its chart uploaded.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use portolan_oci::{Reference, Repository};
use portolan_package::{Blob, Bundle};

use super::{
    Import,
    account::Part,
    held,
    ledger::{Arrival, Key, Stand},
    muted::Muted,
};
use crate::{
    blobs::{BlobPlan, BlobTask, Content},
    content::Identity,
    event::{BlobOutcome, Silent},
    execute::{Done, Run},
    passed::Passed,
    plan::Plan,
    planning::{Foretold, Ground, answered},
    report::BrokenBundle,
    wanted::{Wanted, wanted},
};

/// Blobs that went by and were wanted, and whether each was nowhere then.
type Missed = Vec<(Key, Repository, Arc<AtomicBool>)>;

impl Import<'_> {
    /// Deals with a bundle all of whose blobs have ended their way, well or not.
    pub(super) async fn settle(&self, ordinal: usize, bundle: Bundle) -> Part {
        let source = bundle.origin.to_string();
        let package = self.package_of(bundle);
        let mut wanted = wanted(&self.inputs(&package));
        let mut part = Part::new(ordinal, &wanted);
        if let Some(left) = &self.options.only {
            left.take_part(&package, &mut wanted);
        }
        self.take_out_colliding(&source, &mut wanted);
        self.mark_repeated(&mut wanted);
        part.broken = std::mem::take(&mut wanted.broken);
        let foretold = self.foretold_of(&wanted);
        let ground = Ground { package, target: self.target, options: self.options, started: self.started };
        match answered(ground, wanted, Vec::new(), &foretold, &Silent).await {
            Ok(plan) => self.carry_out(&plan, &mut part).await,
            Err(refusal) => part.broken.push(BrokenBundle { source, error: refusal.to_string() }),
        }
        part
    }

    async fn carry_out(&self, plan: &Plan, part: &mut Part) {
        self.wrote.store(true, Ordering::Relaxed);
        let mut blobs = BlobPlan::of(&plan.images);
        let missed = self.supply(&mut blobs);
        let elsewhere = sent_elsewhere(&blobs);
        let observer =
            Muted::new(self.observer, self.numbers.fetch_add(blobs.tasks.len(), Ordering::Relaxed));
        let run = Run {
            plan,
            target: self.target,
            options: self.options,
            observer: &observer,
            closed: &self.closed,
            gate: self.gate.as_ref(),
        };
        let Done { images, charts, totals } = run.carry_out(&blobs, &self.charts_turn).await;
        let repositories = plan.charts.iter().map(|chart| Arc::clone(&chart.repository));
        part.charts = repositories.zip(charts).collect();
        part.images = images;
        part.totals = totals;
        elsewhere.into_iter().for_each(|(image, bytes)| part.count(image, bytes));
        part.notes.extend(plan.notes.iter().cloned());
        part.again = missed
            .into_iter()
            .filter(|(_, _, missed)| missed.load(Ordering::Relaxed))
            .map(|(key, repository, _)| (key, repository))
            .collect();
    }

    /// Has every blob that went by come from where it is, and gives those that another pass could bring.
    fn supply(&self, blobs: &mut BlobPlan) -> Missed {
        let mut missed = Missed::new();
        for task in &mut blobs.tasks {
            let Content::Stored(blob) = &task.content else { continue };
            let blob = blob.clone();
            if let Some((key, is_missed)) = self.supply_one(task, &blob) {
                missed.push((key, task.repositories[0].clone(), is_missed));
            }
        }
        missed
    }

    fn supply_one(&self, task: &mut BlobTask, blob: &Blob) -> Option<(Key, Arc<AtomicBool>)> {
        let key = self.ledger.key_of(blob.passed()?)?;
        let missed = Arc::new(AtomicBool::new(false));
        let mut passed = Passed {
            registry: self.target.registry.clone(),
            place: None,
            why: None,
            entry: blob.entry(),
            missed: Arc::clone(&missed),
        };
        let mut can_come_again = self.package.can_be_read_again();
        match self.ledger.stand(&key) {
            Stand::Arrived(Arrival { blob, repository, outcome }) => {
                passed.place = Some((repository.clone(), blob.digest.clone()));
                (task.digest, task.size) = (Some(blob.digest), blob.size);
                task.lenders.insert(0, repository.clone());
                task.arrived = Some((repository, outcome));
            }
            Stand::Named(repository) => {
                passed.place = task.digest.clone().map(|digest| (repository.clone(), digest));
                task.lenders.insert(0, repository);
            }
            Stand::Nowhere(loss) => {
                can_come_again &= !loss.is_final;
                passed.why = loss.why;
            }
        }
        task.content = Content::Passed(passed);
        can_come_again.then_some((key, missed))
    }

    /// Leaves a bundle out whose images would take the place of others that this package brought before.
    fn take_out_colliding(&self, source: &str, wanted: &mut Wanted) {
        let mut targets = held(&self.targets);
        let collision = wanted.images.iter().find_map(|image| {
            let (identity, other) = targets.get(&image.target)?;
            (*identity != Identity::of(&image.content)).then(|| (image, other.clone()))
        });
        let Some((image, other)) = collision else {
            let images = wanted.images.iter();
            let named =
                images.map(|image| (image.target.clone(), (Identity::of(&image.content), source.to_owned())));
            targets.extend(named);
            return;
        };
        let error = format!(
            "the image {} would become {}, where this package has brought other content before (of {other}); have each go to a place of its own",
            image.source, image.target
        );
        let broken = BrokenBundle { source: source.to_owned(), error };
        *wanted = Wanted { broken: vec![broken], ..Wanted::default() };
    }

    /// Has charts compared only once their turn comes, where a bundle before this one brings the same.
    fn mark_repeated(&self, wanted: &mut Wanted) {
        let mut targets = held(&self.chart_targets);
        for chart in &mut wanted.charts {
            chart.repeats |= !targets.insert(chart.target());
        }
    }

    /// What the tags of these images were seen to name; a later pass asks them again.
    fn foretold_of(&self, wanted: &Wanted) -> Foretold {
        let targets: HashSet<&Reference> = wanted.images.iter().map(|image| &image.target).collect();
        let mut foretold = held(&self.foretold);
        targets.into_iter().filter_map(|target| foretold.remove_entry(target)).collect()
    }
}

/// Bytes that were sent for blobs as they went by, into a repository that is none of theirs; each with the
/// number of the image that they count for. The others are counted where they were sent to.
fn sent_elsewhere(blobs: &BlobPlan) -> Vec<(usize, u64)> {
    let elsewhere = |task: &&BlobTask| {
        let sent = task.arrived.as_ref().filter(|(_, outcome)| *outcome == BlobOutcome::Uploaded);
        sent.is_some_and(|(repository, _)| !task.repositories.contains(repository))
    };
    blobs.tasks.iter().filter(elsewhere).map(|task| (task.images[0], task.size)).collect()
}

/// The blobs that a bundle waits for: those of its layers that are still on their way.
pub(super) fn underway(import: &Import<'_>, bundle: &Bundle) -> BTreeSet<Key> {
    let sources = bundle.images.iter().flat_map(|image| image.content.sources());
    let ids = sources.flat_map(|source| &source.layers).filter_map(|layer| layer.blob.passed());
    let keys = ids.filter_map(|id| import.ledger.key_of(id));
    keys.filter(|key| import.ledger.is_underway(key)).collect()
}
