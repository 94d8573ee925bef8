//! The blocking half: reads the package once, and tells all nodes of the pass what goes by.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use portolan_oci::{Algorithm, Digest, Hasher};
use portolan_package::{
    BlobId, Broken, Bundle, Package,
    stream::{PackageStream, PassingBlob, Step, StreamError},
};
use portolan_registry::{BlobSource, Stop};
use portolan_transfer::{BrokenBundle, ImageChoice, PackageImages, package_images};
use tokio::sync::mpsc;

use crate::{
    execute::one_line,
    feed::Cut,
    window::{BlobIndex, Claim, NodeIndex, SharedBlob, Window},
};

/// What the reader tells, in the order of the package. It falls silent at the end, or where the package
/// breaks off.
pub(super) enum Told {
    Blob(Passing),
    /// The images of an archive that went by just now.
    Images(Arc<PackageImages>),
    /// An archive went by that can't be understood.
    Broken,
}

/// A blob that goes by.
pub(super) struct Passing {
    pub(super) id: BlobId,
    /// Its digest, where its name states one.
    pub(super) digest: Option<Digest>,
    pub(super) size: u64,
    pub(super) bytes: Arc<dyn BlobSource>,
    /// Its digest, once all of it went by; nothing where runtimes find that out by themselves.
    pub(super) found: Arc<OnceLock<Digest>>,
    /// Dropped, this node wants no more of it.
    pub(super) claim: Claim,
}

/// A node that listens.
pub(super) struct Listener {
    pub(super) node: NodeIndex,
    /// Without a bound: a message is a few lines, and bytes are in the window.
    pub(super) told: mpsc::UnboundedSender<Told>,
}

/// What concerns no node by itself.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(super) broken: Vec<BrokenBundle>,
    pub(super) notes: Vec<String>,
    /// Where the package broke off.
    pub(super) failed: Option<StreamError>,
}

/// Reads the package for these nodes.
pub(super) struct Reader {
    pub(super) listeners: Vec<Listener>,
    pub(super) window: Arc<Window>,
    pub(super) choice: ImageChoice,
    pub(super) stop: Stop,
    /// Whether digests are derived here, once for all nodes.
    pub(super) hashes: bool,
    /// Where broken bundles and notes are told, unless an earlier pass did so.
    pub(super) heard: Option<Arc<Mutex<Heard>>>,
    /// Where it is told that the package broke off.
    pub(super) failed: Arc<Mutex<Heard>>,
}

impl Reader {
    /// Blocking.
    pub(super) fn run(mut self, mut stream: PackageStream) {
        while !self.stop.is_requested() && !self.listeners.is_empty() {
            match stream.step() {
                Ok(None) => return,
                Ok(Some(step)) => self.take(step),
                Err(error) => {
                    lock(&self.failed).failed.get_or_insert(error);
                    return;
                }
            }
        }
    }

    fn take(&mut self, step: Step<'_>) {
        match step {
            // Which names they are to have is asked when all is known of them.
            Step::Images(_) => {}
            Step::Blob(blob) => self.pass(blob),
            Step::Bundle(bundle) => self.name(bundle),
            Step::Broken(broken) => {
                self.note(|heard| heard.broken.push(lost(&broken)));
                self.tell(|_| Told::Broken);
            }
            Step::End(end) => self.note(|heard| heard.notes.extend(end.notes)),
        }
    }

    fn note(&self, what: impl FnOnce(&mut Heard)) {
        if let Some(heard) = &self.heard {
            what(&mut lock(heard));
        }
    }

    /// Whoever doesn't listen any more is forgotten.
    fn tell(&mut self, what: impl Fn(NodeIndex) -> Told) {
        self.listeners.retain(|listener| listener.told.send(what(listener.node)).is_ok());
    }

    /// Charts are let go of here: what is told of a bundle is small.
    fn name(&mut self, bundle: Bundle) {
        let package = Package { bundles: vec![bundle], ..Package::default() };
        let images = Arc::new(package_images(&package, &self.choice));
        self.note(|heard| heard.broken.extend(images.broken.iter().cloned()));
        self.tell(|_| Told::Images(Arc::clone(&images)));
    }

    /// Puts a blob into the window, until its end or until nobody wants any more of it.
    fn pass(&mut self, blob: PassingBlob<'_>) {
        let nodes: Vec<NodeIndex> = self.listeners.iter().map(|listener| listener.node).collect();
        let (id, digest, size) = (blob.id(), blob.digest().cloned(), blob.stored_size());
        let index = self.window.pass(blob.entry(), size, &nodes);
        let found = Arc::new(OnceLock::new());
        let window = Arc::clone(&self.window);
        self.tell(|node| {
            Told::Blob(Passing {
                id,
                digest: digest.clone(),
                size,
                bytes: Arc::new(SharedBlob::new(&window, node, index, size)),
                found: Arc::clone(&found),
                claim: Claim::new(&window, node, index),
            })
        });
        let sum = Sum { hasher: self.hashes.then(|| Hasher::new(Algorithm::Sha256)), left: size, found };
        self.put_all(blob, index, sum);
    }

    fn put_all(&self, blob: PassingBlob<'_>, index: BlobIndex, mut sum: Sum) {
        sum.add(&Bytes::new());
        for piece in Cut::new(blob.open_stored()) {
            match piece {
                Ok(piece) => {
                    // Before the node has the last piece, since it asks for the sum then.
                    sum.add(&piece);
                    if !self.window.put(index, &piece) {
                        return;
                    }
                }
                Err(error) => return self.window.break_off(index, &error),
            }
        }
        if sum.left > 0 {
            self.window.break_off(index, &std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The digest of a blob while it goes by.
struct Sum {
    /// Nothing once it was derived.
    hasher: Option<Hasher>,
    left: u64,
    found: Arc<OnceLock<Digest>>,
}

impl Sum {
    fn add(&mut self, piece: &Bytes) {
        self.left = self.left.saturating_sub(piece.len() as u64);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(piece);
        }
        if self.left == 0
            && let Some(hasher) = self.hasher.take()
        {
            self.found.get_or_init(|| hasher.finish());
        }
    }
}

fn lost(broken: &Broken) -> BrokenBundle {
    let source = broken.origin.to_string();
    let error = one_line(&broken.error).replacen(&format!("{source}: "), "", 1);
    BrokenBundle { source, error }
}

pub(super) fn lock(heard: &Mutex<Heard>) -> std::sync::MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
