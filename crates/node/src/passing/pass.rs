//! One pass: blobs are kept while they go by, and images are named once they are whole, while the next go by.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use portolan_oci::Digest;
use portolan_package::{BlobId, Bundle, Package, stream::PackageStream};
use portolan_transfer::{BrokenBundle, package_images};

use super::{
    Passage, Passed, PassingError,
    ledger::Ledger,
    reader::{self, Passing, Told},
};
use crate::{
    error::RuntimeError,
    event::Event,
    execute::{carry, one_line},
    plan::{NodePlan, all_names, plan},
    report::{Found, NodeFailure, NodeResult},
    runtime::EarlyBlob,
    survey::Survey,
};

/// How many blobs are on their way at once: while one is verified, the next is read.
const BLOBS_AT_ONCE: usize = 4;

type Keeping<'a> = Pin<Box<dyn Future<Output = (BlobId, Result<Digest, RuntimeError>)> + Send + 'a>>;
type Carrying<'a> = Pin<Box<dyn Future<Output = NodeResult> + Send + 'a>>;

/// A pass under way.
struct Pass<'a> {
    passage: Passage<'a>,
    keeping: FuturesUnordered<Keeping<'a>>,
    carrying: FuturesUnordered<Carrying<'a>>,
    ledger: Ledger,
    /// Bytes of blobs that were sent before their image was known.
    sent: Arc<AtomicU64>,
    passed: Passed,
}

/// Takes all of `stream`.
pub(super) async fn run(
    stream: PackageStream,
    passage: Passage<'_>,
    survey: Survey,
) -> Result<Passed, PassingError> {
    let mut told = reader::start(stream, &passage.options.stop);
    let mut pass = Pass::new(passage, survey);
    loop {
        let has_room = pass.keeping.len() < BLOBS_AT_ONCE && pass.passed.node.failure.is_none();
        tokio::select! {
            message = told.recv(), if has_room => match message {
                Some(message) => pass.take(message).await?,
                None => break,
            },
            Some(kept) = pass.keeping.next() => pass.note(kept),
            Some(result) = pass.carrying.next() => pass.join(result),
            else => break,
        }
    }
    // Where the node failed, the reader is told by this that nobody listens.
    drop(told);
    pass.end().await
}

impl<'a> Pass<'a> {
    fn new(passage: Passage<'a>, survey: Survey) -> Self {
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
        let passed = Passed { node, broken: Vec::new(), notes: Vec::new() };
        let (keeping, carrying) = (FuturesUnordered::new(), FuturesUnordered::new());
        Self { passage, keeping, carrying, ledger: Ledger::new(survey.blobs), sent: Arc::default(), passed }
    }

    async fn take(&mut self, told: Told) -> Result<(), PassingError> {
        match told {
            Told::Blob(blob) => self.keeping.push(Box::pin(keep(self.passage, blob, Arc::clone(&self.sent)))),
            Told::Bundle(bundle) => self.bundle(bundle).await?,
            Told::Broken(broken) => {
                let source = broken.origin.to_string();
                let error = one_line(&broken.error).replacen(&format!("{source}: "), "", 1);
                self.passed.broken.push(BrokenBundle { source, error });
            }
            Told::End(end) => self.passed.notes.extend(end.notes),
            Told::Failed(source) => self.broke_off(source)?,
        }
        Ok(())
    }

    /// What breaks off before any image was whole is an error; later it is what the rest lacks.
    fn broke_off(&mut self, source: portolan_package::stream::StreamError) -> Result<(), PassingError> {
        if self.passed.node.images.is_empty() && self.carrying.is_empty() {
            return Err(PassingError::Package { source });
        }
        let error = one_line(&source);
        self.passed.broken.push(BrokenBundle { source: "the rest of the package".to_owned(), error });
        Ok(())
    }

    /// Begins to name the images of a bundle, once all its blobs are there.
    async fn bundle(&mut self, bundle: Bundle) -> Result<(), PassingError> {
        while !self.keeping.is_empty() {
            tokio::select! {
                Some(kept) = self.keeping.next() => self.note(kept),
                Some(result) = self.carrying.next() => self.join(result),
            }
        }
        let Passage { choice, options, runtime, node, observer, .. } = self.passage;
        let package = Package { bundles: vec![bundle], ..Package::default() };
        let images = package_images(&package, choice);
        let survey = runtime.survey(&all_names(&images, options)).await?;
        let mut plan = plan((node, &runtime.address()), &images, survey, options);
        self.passed.broken.extend(images.broken);
        self.ledger.settle(&mut plan);
        observer.event(Event::Planned { plan: &plan });
        self.carrying.push(Box::pin(carried(self.passage, plan)));
        Ok(())
    }

    fn note(&mut self, (id, kept): (BlobId, Result<Digest, RuntimeError>)) {
        if let Err(error) = &kept
            && error.is_of_the_node()
        {
            self.passed.node.failure.get_or_insert_with(|| NodeFailure { error: one_line(error) });
        }
        self.ledger.note(id, kept);
    }

    fn join(&mut self, result: NodeResult) {
        let NodeResult { failure, images, notes, bytes_sent, .. } = result;
        let node = &mut self.passed.node;
        node.bytes_sent += bytes_sent;
        node.failure = node.failure.take().or(failure);
        node.images.extend(images);
        node.notes.extend(notes);
    }

    async fn end(mut self) -> Result<Passed, PassingError> {
        while let Some(result) = self.carrying.next().await {
            self.join(result);
        }
        self.passed.node.bytes_sent += self.sent.load(Ordering::Relaxed);
        let stopped = self.passage.options.stop.is_requested() || self.passed.node.failure.is_some();
        if stopped {
            let note = "the package was not read to its end: images that came later are not listed";
            self.passed.notes.push(note.to_owned());
        }
        Ok(self.passed)
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
    let Passing { id, digest, size, bytes } = blob;
    let early = EarlyBlob { digest: digest.as_ref(), size, bytes, sent: &told };
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
