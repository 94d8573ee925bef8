//! Passes over a package, which several nodes make together: a pass begins when all that go on want one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portolan_package::stream::{PackageStream, StreamError};
use portolan_registry::Stop;
use portolan_transfer::{ImageChoice, PackageImages};
use tokio::sync::{OnceCell, mpsc, oneshot};

use super::look_through;
use super::reader::{Heard, Listener, Reader, Told, lock};
use crate::window::{CAPACITY, NodeIndex, Tolerance, Window};

/// Begins to read a package once more.
pub type Again = Arc<dyn Fn() -> Result<PackageStream, StreamError> + Send + Sync>;

/// A package that goes by.
pub struct PassingPackage {
    /// Its first reading.
    pub stream: PackageStream,
    /// Begins another one, where it is a file.
    pub again: Option<Again>,
}

impl PassingPackage {
    /// For how long one of so many nodes may make the others wait.
    pub(super) fn tolerance(&self, nodes: usize) -> Tolerance {
        match (nodes, &self.again) {
            (1, _) => Tolerance::ALONE,
            (_, Some(_)) => Tolerance::PASSED_AGAIN,
            (_, None) => Tolerance::PASSES_ONCE,
        }
    }
}

/// The passes over a package.
pub(super) struct Passes {
    state: Mutex<State>,
    again: Option<Again>,
    choice: ImageChoice,
    stop: Stop,
    /// Whether digests are derived while it is read.
    hashes: bool,
    /// How many nodes there were at first.
    nodes: usize,
    /// For how long one of them may make the others wait.
    tolerance: Tolerance,
    looked: OnceCell<Option<Arc<PackageImages>>>,
    heard: Arc<Mutex<Heard>>,
}

struct State {
    first: Option<PackageStream>,
    /// Nodes that may want another pass.
    members: usize,
    waiting: Vec<(NodeIndex, oneshot::Sender<mpsc::UnboundedReceiver<Told>>)>,
    /// Whether broken bundles and notes were told.
    has_told: bool,
}

/// A node that takes part. Dropped, nobody waits for it any more.
pub(crate) struct Member {
    passes: Arc<Passes>,
    node: NodeIndex,
}

impl Passes {
    /// The passes of so many nodes, all of which are members from the start.
    pub(super) fn of(
        nodes: usize,
        package: PassingPackage,
        choice: &ImageChoice,
        stop: &Stop,
        hashes: bool,
        tolerance: Tolerance,
    ) -> (Arc<Self>, Vec<Member>) {
        let first = Some(package.stream);
        let passes = Arc::new(Self {
            state: Mutex::new(State { first, members: nodes, waiting: Vec::new(), has_told: false }),
            again: package.again,
            choice: choice.clone(),
            stop: stop.clone(),
            hashes,
            nodes,
            tolerance,
            looked: OnceCell::new(),
            heard: Arc::default(),
        });
        let member = |node| Member { passes: Arc::clone(&passes), node: NodeIndex(node) };
        let members = (0..nodes).map(member).collect();
        (passes, members)
    }

    /// What concerns no node by itself.
    pub(super) fn heard(&self) -> Heard {
        std::mem::take(&mut lock(&self.heard))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a pass, where all that go on wait for one.
    fn begin(&self, mut state: MutexGuard<'_, State>) {
        if state.waiting.is_empty() || state.waiting.len() < state.members {
            return;
        }
        let waiting = std::mem::take(&mut state.waiting);
        let Some(stream) = self.stream(&mut state) else { return };
        let mut listeners = Vec::new();
        for (node, wants) in waiting {
            let (told, messages) = mpsc::unbounded_channel();
            // Who doesn't wait any more gets no pass.
            if wants.send(messages).is_ok() {
                listeners.push(Listener { node, told });
            }
        }
        let reader = Reader {
            listeners,
            window: Arc::new(Window::new(self.nodes, CAPACITY, self.tolerance)),
            choice: self.choice.clone(),
            stop: self.stop.clone(),
            hashes: self.hashes,
            heard: (!std::mem::replace(&mut state.has_told, true)).then(|| Arc::clone(&self.heard)),
            failed: Arc::clone(&self.heard),
        };
        tokio::task::spawn_blocking(move || reader.run(stream));
    }

    fn stream(&self, state: &mut State) -> Option<PackageStream> {
        let opened = match (state.first.take(), &self.again) {
            (Some(first), _) => return Some(first),
            (None, Some(again)) => again(),
            (None, None) => return None,
        };
        opened.map_err(|error| lock(&self.heard).failed.get_or_insert(error).to_string()).ok()
    }

    async fn look(&self) -> Option<Arc<PackageImages>> {
        let again = Arc::clone(self.again.as_ref()?);
        let choice = self.choice.clone();
        let looked = tokio::task::spawn_blocking(move || look_through(again()?, &choice)).await;
        let looked = looked.expect("because looking through a package does not panic");
        self.lock().has_told |= looked.is_ok();
        let mut heard = lock(&self.heard);
        match looked {
            Ok(images) => {
                heard.broken.extend(images.broken.iter().cloned());
                heard.notes.extend(images.notes.iter().cloned());
                Some(Arc::new(images))
            }
            Err(error) => {
                heard.failed.get_or_insert(error);
                None
            }
        }
    }
}

impl Member {
    /// Whether the package can be read once more.
    pub(super) fn can_go_again(&self) -> bool {
        self.passes.again.is_some()
    }

    /// What a pass over the package tells; nothing where it can't be read once more.
    pub(super) async fn pass(&self) -> Option<mpsc::UnboundedReceiver<Told>> {
        let begun = self.want();
        begun.await.ok()
    }

    fn want(&self) -> oneshot::Receiver<mpsc::UnboundedReceiver<Told>> {
        let (wants, begun) = oneshot::channel();
        let mut state = self.passes.lock();
        state.waiting.push((self.node, wants));
        self.passes.begin(state);
        begun
    }

    /// The images of a package that can be read again, found out once for all nodes.
    pub(super) async fn images(&self) -> Option<Arc<PackageImages>> {
        self.passes.looked.get_or_init(|| self.passes.look()).await.clone()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.passes.lock();
        state.members -= 1;
        self.passes.begin(state);
    }
}
