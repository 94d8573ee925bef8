//! Carries out what is planned for one node: several images at once, each with its line of the report.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use futures_util::{StreamExt, stream};

use crate::{
    error::RuntimeError,
    event::{Event, Observer},
    options::LoadOptions,
    plan::{LoadAction, NodePlan, PlannedLoad},
    report::{Found, LoadOutcome, LoadResult, NodeFailure, NodeResult},
    runtime::{Import, Runtime},
    survey::RuntimeKind,
};

/// Carries out `plan`. Whatever fails is a line of the result; what can go on goes on. Once
/// [`LoadOptions::stop`] is requested nothing new is begun.
pub async fn execute(
    plan: &NodePlan,
    runtime: &dyn Runtime,
    options: &LoadOptions,
    observer: &dyn Observer,
) -> NodeResult {
    observer.event(Event::Started { node: &plan.node, bytes: plan.bytes() });
    let mut result = carry(plan, runtime, options, observer).await;
    result.notes.extend(runtime.finish().await);
    observer.event(Event::NodeFinished { result: &result });
    result
}

/// Brings the images of `plan`, which may be one of several for its node.
pub(crate) async fn carry(
    plan: &NodePlan,
    runtime: &dyn Runtime,
    options: &LoadOptions,
    observer: &dyn Observer,
) -> NodeResult {
    let run = Run { plan, runtime, options, observer, ended: Mutex::new(None) };
    let images: Vec<_> = plan.images.iter().map(|image| run.image(image)).collect();
    let images: Vec<LoadResult> = stream::iter(images).buffered(options.jobs.max(1)).collect().await;
    NodeResult { failure: run.failure(), notes: plan.notes.clone(), ..result(plan, images) }
}

/// The result of a node whose images came to that.
pub(crate) fn result(plan: &NodePlan, images: Vec<LoadResult>) -> NodeResult {
    NodeResult {
        node: plan.node.clone(),
        address: plan.address.clone(),
        found: Some(Found::of(plan)),
        failure: None,
        bytes_sent: images.iter().map(|image| image.bytes_sent).sum(),
        images,
        notes: Vec::new(),
    }
}

/// One node's plan, while it is carried out.
struct Run<'a> {
    plan: &'a NodePlan,
    runtime: &'a dyn Runtime,
    options: &'a LoadOptions,
    observer: &'a dyn Observer,
    /// What ended the work on the node as a whole.
    ended: Mutex<Option<String>>,
}

impl Run<'_> {
    async fn image(&self, planned: &PlannedLoad) -> LoadResult {
        let result = match (&planned.action, &planned.image) {
            (LoadAction::Load | LoadAction::Name, Some(image)) => {
                let names: Vec<_> = planned.gives(self.plan.runtime).cloned().collect();
                let sent = AtomicU64::new(0);
                let told = |bytes| {
                    sent.fetch_add(bytes, Ordering::Relaxed);
                    self.observer.event(Event::Sent { node: &self.plan.node, bytes });
                };
                let import = Import {
                    image,
                    names: &names,
                    survey: &self.plan.survey,
                    pins: self.options.pins,
                    sent: &told,
                };
                let done = self.import(&import).await;
                LoadResult { bytes_sent: sent.load(Ordering::Relaxed), ..self.line(planned, done) }
            }
            _ => settled(planned),
        };
        if result.action != LoadOutcome::Interrupted {
            self.observer.event(Event::ImageFinished { node: &self.plan.node, result: &result });
        }
        result
    }

    async fn import(&self, import: &Import<'_>) -> Result<(), RuntimeError> {
        if self.options.stop.is_requested() || self.failure().is_some() {
            return Err(RuntimeError::Interrupted);
        }
        let done = self.runtime.import(import).await;
        if let Err(error) = &done
            && error.is_of_the_node()
        {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.get_or_insert_with(|| one_line(error));
        }
        done
    }

    /// The line of an image that was tried.
    fn line(&self, planned: &PlannedLoad, done: Result<(), RuntimeError>) -> LoadResult {
        match (done, self.failure()) {
            (Ok(()), _) => self.brought(planned),
            (Err(RuntimeError::Interrupted), None) => line(planned, LoadOutcome::Interrupted, None),
            (Err(RuntimeError::Interrupted), Some(failure)) => {
                let error = format!("not begun, because of the node: {}", failure.error);
                line(planned, LoadOutcome::Failed, Some(error))
            }
            (Err(error), _) => line(planned, LoadOutcome::Failed, Some(one_line(&error))),
        }
    }

    fn brought(&self, planned: &PlannedLoad) -> LoadResult {
        let by_digest = planned.names.iter().any(crate::names::NodeName::is_by_digest);
        if self.plan.runtime == RuntimeKind::Docker && by_digest {
            let error = RuntimeError::NameByDigest.to_string();
            return line(planned, LoadOutcome::Unnamed, Some(error));
        }
        match (&planned.action, planned.kept.is_empty()) {
            (_, false) => line(planned, LoadOutcome::Kept, None),
            (LoadAction::Name, true) => line(planned, LoadOutcome::Named, None),
            (_, true) => line(planned, LoadOutcome::Loaded, None),
        }
    }

    fn failure(&self) -> Option<NodeFailure> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone().map(|error| NodeFailure { error })
    }
}

/// The line of an image for which there is nothing to do.
fn settled(planned: &PlannedLoad) -> LoadResult {
    match (&planned.action, planned.kept.is_empty()) {
        (LoadAction::Refuse { error }, _) => line(planned, LoadOutcome::Failed, Some(error.clone())),
        (LoadAction::Keep, _) | (_, false) => line(planned, LoadOutcome::Kept, None),
        (_, true) => line(planned, LoadOutcome::Exists, None),
    }
}

pub(crate) fn line(planned: &PlannedLoad, action: LoadOutcome, error: Option<String>) -> LoadResult {
    LoadResult {
        source: planned.source.clone(),
        names: planned.names.clone(),
        digest: planned.digest.clone(),
        action,
        kept: planned.kept.clone(),
        bytes_sent: 0,
        error,
    }
}

/// An error and all its causes in one line.
pub(crate) fn one_line(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
