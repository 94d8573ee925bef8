//! Carries a merge out: blobs, manifests by digest, what speaks of them, and the tag last.

use portolan_oci::{Digest, Locator, Manifest, Reference, Tag};
use portolan_registry::RegistryError;

use super::{MergeOptions, MergePlan, MergeTarget, carrying::carry};
use crate::{
    event::{Event, Observer},
    execute::tag::{TagError, Tagging, Written},
    failure::one_line,
    lack::Lack,
    options::{Existing, ExistingPolicy},
    outcome::outcome,
    plan::ImageAction,
    refusal::Closed,
    report::{ImageOutcome, ImageResult, Report, Totals},
    verify::Verifier,
};

/// Carries out `plan`. What fails is in the report; the tag is as it was then.
///
/// The one image of the report has the first source as its source.
pub async fn execute_merge(
    plan: &MergePlan,
    target: &MergeTarget,
    options: &MergeOptions,
    observer: &dyn Observer,
) -> Report {
    let run = Run { plan, target, options, closed: Closed::default() };
    let (totals, merged) = run.carried_out(observer).await;
    let mut image = match merged {
        Ok(image) => image,
        Err(lack) => run.lacking(lack),
    };
    image.bytes_sent = totals.bytes_sent;
    observer.event(Event::ImageFinished { result: &image });
    let mut notes = [plan.notes.clone(), run.closed.lines()].concat();
    if !plan.companions.is_empty() && image.action.is_there() {
        notes.push(format!("{} that speak of it were brought along", plan.companions.len()));
    }
    let report = Report { images: vec![image], notes, totals, ..Report::new() };
    let report = report.lasting(plan.started.elapsed());
    observer.event(Event::Finished { report: &report });
    report
}

struct Run<'a> {
    plan: &'a MergePlan,
    target: &'a MergeTarget,
    options: &'a MergeOptions,
    closed: Closed,
}

impl Run<'_> {
    async fn carried_out(&self, observer: &dyn Observer) -> (Totals, Result<ImageResult, Lack>) {
        let (totals, brought) = carry(self.plan, self.target, self.options, observer, &self.closed).await;
        let merged = match brought {
            Ok(()) => self.written().await.map_err(|error| self.lack(&error)),
            Err(lack) => Err(lack),
        };
        (totals, merged)
    }

    async fn written(&self) -> Result<ImageResult, TagError> {
        for manifest in &self.plan.gathered.manifests {
            self.put(manifest).await?;
        }
        for (tag, list) in &self.plan.beside.lists {
            self.beside(tag, list, Existing::default()).await?;
        }
        for (tag, manifest) in &self.plan.beside.tags {
            let keep = Existing { policy: ExistingPolicy::Keep, ..Existing::default() };
            self.beside(tag, manifest, keep).await?;
        }
        if matches!(self.plan.action, ImageAction::Keep { .. }) {
            return Ok(self.line(self.plan.action.clone(), None));
        }
        let together = &self.plan.together;
        let platform = together.platform.as_ref();
        let (registry, name) = (&self.target.registry, &self.target.name);
        let tagging =
            Tagging::of_document(registry, name, self.options.existing, &together.manifest, platform);
        let tagging = tagging.mending(&self.plan.action);
        let Written { digest, action, .. } = tagging.settled(&self.options.stop).await?;
        let line = self.line(action, Some(digest));
        if line.action == ImageOutcome::Mended {
            return Ok(self.looked_at(line, &tagging).await?);
        }
        Ok(line)
    }

    /// `line`, or what the tag lacks all the same: parts of other platforms, which no source has.
    async fn looked_at(
        &self,
        line: ImageResult,
        tagging: &Tagging<'_>,
    ) -> Result<ImageResult, RegistryError> {
        let verifier = Verifier::new(&self.target.registry);
        let ImageAction::Mend { lacks } = verifier.probe(&tagging.question()).await?.action else {
            return Ok(line);
        };
        let lacks: Vec<String> = lacks.iter().map(ToString::to_string).collect();
        let error = format!("what the tag names lacks {}, which no source has", lacks.join(", "));
        Ok(ImageResult { action: ImageOutcome::Failed, error: Some(error), ..line })
    }

    async fn put(&self, manifest: &Manifest) -> Result<(), TagError> {
        let by_digest = Locator::Digest(manifest.digest().clone());
        let repository = &self.target.name.repository;
        self.target.registry.put_manifest(repository, &by_digest, manifest).await?;
        Ok(())
    }

    /// Has a tag beside the target's name what speaks of ours.
    async fn beside(&self, tag: &Tag, manifest: &Manifest, existing: Existing) -> Result<(), TagError> {
        let name: Reference = self.target.name.with_tag(tag.clone());
        let tagging = Tagging::of_document(&self.target.registry, &name, existing, manifest, None);
        tagging.settled(&self.options.stop).await.map(drop)
    }

    fn lack(&self, error: &TagError) -> Lack {
        match error {
            TagError::Registry(error) => {
                self.closed.note(error, &self.target.name.repository, &self.options.stop)
            }
            other => Lack::Failed(one_line(other)),
        }
    }

    fn line(&self, action: ImageAction, digest: Option<Digest>) -> ImageResult {
        let (action, found, changes) = outcome(action);
        ImageResult {
            source: self.plan.sources[0].name.clone(),
            target: self.plan.target.clone(),
            digest: digest.or_else(|| Some(self.plan.digest.clone())),
            platforms: self.plan.platforms.clone(),
            action,
            verified: false,
            bytes_sent: 0,
            found,
            changes,
            error: None,
        }
    }

    fn lacking(&self, lack: Lack) -> ImageResult {
        let (action, error) = match lack {
            Lack::Failed(error) => (ImageOutcome::Failed, Some(error)),
            Lack::Interrupted { error } => (ImageOutcome::Interrupted, error),
        };
        ImageResult { action, error, ..self.line(ImageAction::Exists, None) }
    }
}
