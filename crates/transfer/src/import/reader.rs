//! The blocking half: reads the package, passes over what nobody wants, and hands the rest on in chunks.

use std::{collections::BTreeMap, sync::Arc};

use portolan_oci::{Digest, Repository};
use portolan_package::{
    Broken, Bundle, Encoding,
    stream::{PackageStream, PassingBlob, Step, StreamEnd, StreamError},
};
use portolan_registry::Stop;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use super::{
    Again,
    ledger::{Key, Ledger},
    pour::{Piece, Pour},
    room::{Room, Segment},
};

/// What may be told ahead.
const TOLD_AHEAD: usize = 4;

/// What the reader tells, in the order of the package.
pub(super) enum Told {
    /// Images come of this bundle; their blobs are read once it is known what to do with them.
    Images(Bundle, oneshot::Sender<Directions>),
    /// A blob is on its way.
    Blob(Passing),
    Bundle(Bundle),
    Broken(Broken),
    End(StreamEnd),
    Failed(StreamError),
}

/// What is to be done with the blobs of a bundle.
#[derive(Clone, Debug, Default)]
pub(super) struct Directions {
    /// Where those go that are nowhere yet; nothing where that is not known, or none of them is wanted.
    pub(super) repository: Option<Repository>,
}

/// A blob that goes by.
pub(super) struct Passing {
    pub(super) key: Key,
    pub(super) digest: Option<Digest>,
    /// In the package once that is unpacked, in bytes.
    pub(super) size: u64,
    pub(super) entry: String,
    pub(super) repository: Repository,
    pub(super) pieces: mpsc::UnboundedReceiver<Piece>,
}

/// Which blobs a pass is for.
pub(super) enum Wants {
    /// All that nobody has.
    Everything,
    /// These, each into that repository.
    These(BTreeMap<Key, Repository>),
}

impl Wants {
    /// None at all: the package is looked through.
    pub(super) fn nothing() -> Self {
        Self::These(BTreeMap::new())
    }

    pub(super) fn of(again: &Again) -> Self {
        let blobs = again.values().flatten();
        Self::These(blobs.map(|(key, repository)| (key.clone(), repository.clone())).collect())
    }
}

/// A package being read.
struct Reader {
    stream: PackageStream,
    hands: Hands,
}

/// What a reader works with.
struct Hands {
    wants: Wants,
    ledger: Arc<Ledger>,
    room: Arc<Room>,
    told: mpsc::Sender<Told>,
    stop: Stop,
    runtime: Handle,
    directions: Directions,
}

/// Nobody listens any more, or the run was interrupted.
struct Over;

/// Reads `stream` on a thread of its own; gives what that tells.
pub(super) fn start(
    stream: PackageStream,
    wants: Wants,
    ledger: Arc<Ledger>,
    room: Arc<Room>,
    stop: &Stop,
) -> mpsc::Receiver<Told> {
    let (told, messages) = mpsc::channel(TOLD_AHEAD);
    let (stop, runtime, directions) = (stop.clone(), Handle::current(), Directions::default());
    let hands = Hands { wants, ledger, room, told, stop, runtime, directions };
    tokio::task::spawn_blocking(|| Reader { stream, hands }.run());
    messages
}

impl Reader {
    /// Reads to the end, or until nobody listens any more.
    fn run(mut self) {
        while !self.hands.stop.is_requested() {
            let went = match self.stream.step() {
                Ok(None) => return,
                Ok(Some(step)) => self.hands.take(step),
                Err(error) => self.hands.tell(Told::Failed(error)).and(Err(Over)),
            };
            if went.is_err() {
                return;
            }
        }
    }
}

impl Hands {
    fn take(&mut self, step: Step<'_>) -> Result<(), Over> {
        match step {
            Step::Images(bundle) => self.ask(bundle),
            Step::Blob(blob) => self.blob(blob),
            Step::Bundle(bundle) => self.tell(Told::Bundle(bundle)),
            Step::Broken(broken) => self.tell(Told::Broken(broken)),
            Step::End(end) => self.tell(Told::End(end)),
        }
    }

    fn tell(&self, told: Told) -> Result<(), Over> {
        self.told.blocking_send(told).map_err(|_| Over)
    }

    /// Waits until it is known what to do with the images that come.
    fn ask(&mut self, bundle: Bundle) -> Result<(), Over> {
        if matches!(self.wants, Wants::These(_)) {
            return Ok(());
        }
        let (reply, directions) = oneshot::channel();
        self.tell(Told::Images(bundle, reply))?;
        self.directions = directions.blocking_recv().map_err(|_| Over)?;
        Ok(())
    }

    fn blob(&mut self, blob: PassingBlob<'_>) -> Result<(), Over> {
        let digest = blob.digest().cloned();
        let key = digest.clone().map_or(Key::Place(blob.id()), Key::Digest);
        self.ledger.enter(blob.id(), &key);
        let Some(repository) = self.destination(&key) else { return Ok(()) };
        let (hand_on, pieces) = mpsc::unbounded_channel();
        let (size, entry) = (blob.stored_size(), blob.entry());
        let exact = (blob.encoding() == Encoding::AsIs).then_some(size);
        let passing = Passing { key, digest: digest.clone(), size, entry: entry.clone(), repository, pieces };
        self.tell(Told::Blob(passing))?;
        let mut input = blob.open();
        self.pour(Pour::new(input.as_mut(), exact, digest, entry), &hand_on)
    }

    /// Where a blob is to be sent; nothing where it isn't.
    fn destination(&mut self, key: &Key) -> Option<Repository> {
        match &mut self.wants {
            Wants::Everything => {
                let repository = self.directions.repository.as_ref()?;
                self.ledger.claim(key).then(|| repository.clone())
            }
            Wants::These(blobs) => {
                let repository = blobs.remove(key)?;
                self.ledger.begin_again(key);
                Some(repository)
            }
        }
    }

    /// Hands a blob on in chunks, until its end or until nobody takes any more.
    fn pour(&self, mut pour: Pour<'_>, hand_on: &mpsc::UnboundedSender<Piece>) -> Result<(), Over> {
        while !hand_on.is_closed() {
            let piece = pour.chunk(|| self.segment())?;
            let goes_on = matches!(piece, Piece::Onward(_));
            if hand_on.send(piece).is_err() || !goes_on {
                break;
            }
        }
        Ok(())
    }

    fn segment(&self) -> Result<Segment, Over> {
        self.runtime.block_on(async {
            tokio::select! {
                segment = self.room.segment() => Ok(segment),
                () = self.stop.requested() => Err(Over),
            }
        })
    }
}
