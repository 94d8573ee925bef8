//! A node that takes blobs: they are kept while they go by, and images are named once they are whole, while the
//! next go by.

use std::{
    collections::HashSet,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use portolan_oci::Digest;
use portolan_package::BlobId;
use portolan_transfer::PackageImages;

use super::{
    Member, PASSES, Passage, ended,
    ledger::Ledger,
    reader::{Passing, Told},
};
use crate::{
    error::RuntimeError,
    event::Event,
    execute::carry,
    names::NodeName,
    plan::{NodePlan, all_names, plan},
    report::{Found, NodeResult},
    runtime::EarlyBlob,
    survey::Survey,
};

type Keeping<'a> = Pin<Box<dyn Future<Output = (BlobId, Result<Digest, RuntimeError>)> + Send + 'a>>;
type Carrying<'a> = Pin<Box<dyn Future<Output = NodeResult> + Send + 'a>>;

/// A node, while the package goes by.
struct Pass<'a> {
    passage: Passage<'a>,
    /// How many blobs are kept at once.
    at_once: usize,
    keeping: FuturesUnordered<Keeping<'a>>,
    carrying: FuturesUnordered<Carrying<'a>>,
    ledger: Ledger,
    /// Bytes of blobs that were sent before their image was known.
    sent: Arc<AtomicU64>,
    node: NodeResult,
    wanted: Wanted,
    /// Images of which something went by while the node was behind.
    missed: Option<NodePlan>,
}

/// What of a pass is taken.
enum Wanted {
    /// All of it: what it is shows afterwards.
    Everything,
    /// What was missed before.
    Missed(HashSet<BlobId>),
}

/// Takes all of the package, in as many passes as that takes.
pub(super) async fn run(member: &Member, passage: Passage<'_>, survey: Survey, at_once: usize) -> NodeResult {
    let mut pass = Pass::new(passage, survey, at_once);
    pass.listen(member).await;
    for _ in 1..PASSES {
        match pass.missed.take() {
            Some(plan) if member.can_go_again() && pass.goes_on() => pass.catch_up(member, plan).await,
            plan => {
                pass.missed = plan;
                break;
            }
        }
    }
    pass.end(member).await
}

impl<'a> Pass<'a> {
    fn new(passage: Passage<'a>, survey: Survey, at_once: usize) -> Self {
        let platform = passage.options.platform.clone().unwrap_or_else(|| survey.platform.clone());
        let (runtime, version) = (survey.kind, survey.version);
        let node = NodeResult {
            node: passage.node.to_owned(),
            address: passage.runtime.address(),
            found: Some(Found { runtime, version, platform }),
            failure: None,
            images: Vec::new(),
            bytes_sent: 0,
            notes: Vec::new(),
        };
        Self {
            passage,
            at_once,
            keeping: FuturesUnordered::new(),
            carrying: FuturesUnordered::new(),
            ledger: Ledger::new(survey.blobs),
            sent: Arc::default(),
            node,
            wanted: Wanted::Everything,
            missed: None,
        }
    }

    fn goes_on(&self) -> bool {
        self.node.failure.is_none() && !self.passage.options.stop.is_requested()
    }

    /// Takes what a pass over the package tells, until its end, or until the node fails.
    async fn listen(&mut self, member: &Member) {
        let Some(mut told) = member.pass().await else { return };
        loop {
            let has_room = self.keeping.len() < self.at_once && self.node.failure.is_none();
            tokio::select! {
                message = told.recv(), if has_room => match message {
                    Some(message) => self.take(message).await,
                    None => break,
                },
                Some(kept) = self.keeping.next() => self.note(kept),
                Some(result) = self.carrying.next() => self.join(result),
                else => break,
            }
        }
        // Where the node failed, the reader is told by this that nobody listens.
        drop(told);
        self.settle_blobs().await;
    }

    async fn take(&mut self, told: Told) {
        match (told, &self.wanted) {
            (Told::Blob(blob), Wanted::Missed(missed)) if !missed.contains(&blob.id) => {}
            (Told::Blob(blob), _) => {
                self.keeping.push(Box::pin(keep(self.passage, blob, Arc::clone(&self.sent))));
            }
            (Told::Images(images), Wanted::Everything) => {
                self.settle_blobs().await;
                self.images(&images).await;
            }
            (Told::Images(_), Wanted::Missed(_)) | (Told::Broken, _) => {}
        }
    }

    /// Waits until it is known of all blobs what became of them.
    async fn settle_blobs(&mut self) {
        while !self.keeping.is_empty() {
            tokio::select! {
                Some(kept) = self.keeping.next() => self.note(kept),
                Some(result) = self.carrying.next() => self.join(result),
            }
        }
    }

    /// Begins to name the images of an archive, all of whose blobs went by.
    async fn images(&mut self, images: &PackageImages) {
        let Passage { options, runtime, node, .. } = self.passage;
        let Some(survey) = self.survey(&all_names(images, options)).await else { return };
        let mut plan = plan((node, &runtime.address()), images, survey, options);
        self.passage.narrow(&mut plan);
        self.begin(plan);
    }

    /// What the node has by now; nothing where that ended the work there.
    async fn survey(&mut self, names: &[NodeName]) -> Option<Survey> {
        let survey = self.passage.runtime.survey(names).await;
        survey.map_err(|error| ended(&mut self.node, &error)).ok()
    }

    /// Begins to carry out a plan, but for what was missed.
    fn begin(&mut self, mut plan: NodePlan) {
        let missed = self.ledger.settle(&mut plan);
        if !missed.is_empty() {
            let rest = self.missed.get_or_insert_with(|| NodePlan { images: Vec::new(), ..plan.clone() });
            rest.images.extend(missed);
        }
        self.passage.observer.event(Event::Planned { plan: &plan });
        self.carrying.push(Box::pin(carried(self.passage, plan)));
    }

    /// Takes in one more pass what was missed before.
    async fn catch_up(&mut self, member: &Member, mut plan: NodePlan) {
        let images = plan.images.iter().filter_map(|planned| planned.image.as_ref());
        self.wanted = Wanted::Missed(images.flat_map(|image| self.ledger.missed(image)).collect());
        self.listen(member).await;
        let names: Vec<NodeName> = plan.images.iter().flat_map(|planned| planned.names.clone()).collect();
        match self.survey(&names).await {
            Some(survey) => {
                plan.survey = survey;
                self.begin(plan);
            }
            None => self.missed = Some(plan),
        }
    }

    fn note(&mut self, (id, kept): (BlobId, Result<Digest, RuntimeError>)) {
        if let Err(error) = &kept
            && error.is_of_the_node()
        {
            ended(&mut self.node, error);
        }
        self.ledger.note(id, kept);
    }

    fn join(&mut self, result: NodeResult) {
        let NodeResult { failure, images, notes, bytes_sent, .. } = result;
        let node = &mut self.node;
        node.bytes_sent += bytes_sent;
        node.failure = node.failure.take().or(failure);
        node.images.extend(images);
        let new = notes.into_iter().filter(|note| !node.notes.contains(note)).collect::<Vec<_>>();
        node.notes.extend(new);
    }

    async fn end(mut self, member: &Member) -> NodeResult {
        while let Some(result) = self.carrying.next().await {
            self.join(result);
        }
        let missed = self.missed.iter().flat_map(|plan| &plan.images);
        let lines: Vec<_> =
            missed.map(|planned| self.passage.missed(planned, member.can_go_again())).collect();
        self.node.images.extend(lines);
        self.node.bytes_sent += self.sent.load(Ordering::Relaxed);
        self.node
    }
}

async fn keep(
    passage: Passage<'_>,
    blob: Passing,
    sent: Arc<AtomicU64>,
) -> (BlobId, Result<Digest, RuntimeError>) {
    let told = |bytes| {
        sent.fetch_add(bytes, Ordering::Relaxed);
        passage.observer.event(Event::Sent { node: passage.node, bytes });
    };
    // Let go of when the runtime has what it takes of the blob.
    let Passing { id, digest, size, bytes, found, claim: _claim } = blob;
    let early = EarlyBlob { digest: digest.as_ref(), size, bytes, found: &found, sent: &told };
    let kept = passage.runtime.keep(&early).await;
    (id, kept.and_then(|digest| digest.ok_or_else(takes_no_blobs)))
}

fn takes_no_blobs() -> RuntimeError {
    RuntimeError::Nonsense {
        runtime: "the runtime",
        doing: "keeping a blob".to_owned(),
        why: "it takes whole images alone".to_owned(),
    }
}

async fn carried(passage: Passage<'_>, plan: NodePlan) -> NodeResult {
    carry(&plan, passage.runtime, passage.options, passage.observer).await
}
