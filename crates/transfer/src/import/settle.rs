//! A bundle that went by: planned, its blobs mounted where they belong as they arrive, tagged, and its chart
//! uploaded.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering},
};

use portolan_oci::Reference;
use portolan_package::Bundle;

use super::{Import, account::Part, coming::Coming, held, muted::Muted};
use crate::{
    blobs::{BlobPlan, BlobTask, Content},
    event::Silent,
    execute::{Done, Run},
    plan::Plan,
    planning::{Foretold, Ground, answered},
    report::BrokenBundle,
    wanted::{Wanted, wanted},
};

impl Import<'_> {
    /// Deals with a bundle that went by. Its blobs may be on their way still: an image waits for its own alone.
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
        let (target, options, started, brought) = (self.target, self.options, self.started, &self.brought);
        let ground = Ground { package, target, options, started, brought };
        match answered(ground, wanted, Vec::new(), &foretold, &Silent).await {
            Ok(plan) => self.carry_out(&plan, &mut part).await,
            Err(refusal) => part.broken.push(BrokenBundle { source, error: refusal.to_string() }),
        }
        part
    }

    async fn carry_out(&self, plan: &Plan, part: &mut Part) {
        self.wrote.store(true, Ordering::Relaxed);
        let mut blobs = BlobPlan::of(&plan.images);
        blobs.tasks.iter_mut().for_each(|task| self.supply(task));
        let observer =
            Muted::new(self.observer, self.numbers.fetch_add(blobs.tasks.len(), Ordering::Relaxed));
        let run = Run {
            plan,
            target: self.target,
            options: self.options,
            observer: &observer,
            closed: &self.closed,
            gate: self.gate.as_ref(),
            brought: &self.brought,
        };
        let Done { images, charts, totals } = run.carry_out(&blobs, &self.charts_turn).await;
        let repositories = plan.charts.iter().map(|chart| Arc::clone(&chart.repository));
        part.charts = repositories.zip(charts).collect();
        part.images = images;
        part.totals = totals;
        part.notes.extend(plan.notes.iter().cloned());
        blobs.tasks.iter().for_each(|task| self.account_for(task, part));
    }

    /// Has a blob that went by come from where it turns out to be.
    fn supply(&self, task: &mut BlobTask) {
        let Content::Stored(blob) = &task.content else { return };
        let Some(key) = blob.passed().and_then(|id| self.ledger.key_of(id)) else { return };
        task.content = Content::Coming(Coming::new(&self.ledger, key, &self.target.registry, blob.entry()));
    }

    /// Notes what a blob cost beside what its images tell, and whether another pass is to bring it.
    fn account_for(&self, task: &BlobTask, part: &mut Part) {
        let Content::Coming(coming) = &task.content else { return };
        match coming.sent_elsewhere() {
            0 => {}
            bytes => part.count(task.images[0], bytes),
        }
        if coming.is_missed() && self.package.can_be_read_again() {
            part.again.insert(coming.key().clone(), task.repositories[0].clone());
        }
    }

    /// Leaves a bundle out whose images would take the place of others that this package brought before.
    fn take_out_colliding(&self, source: &str, wanted: &mut Wanted) {
        if let Err(error) = held(&self.claims).claim(source, &wanted.images) {
            let broken = BrokenBundle { source: source.to_owned(), error };
            *wanted = Wanted { broken: vec![broken], ..Wanted::default() };
        }
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
