//! What became of the blobs that went by, and which ones are known to be somewhere.

use std::{collections::HashMap, sync::Mutex};

use portolan_oci::{Digest, Repository, SizedDigest};
use portolan_package::BlobId;
use tokio::sync::Notify;

use super::held;
use crate::event::BlobOutcome;

/// What makes two blobs of a stream the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    /// The digest that its name claims.
    Digest(Digest),
    /// Its place in the stream, where only its bytes tell the digest.
    Place(BlobId),
}

/// A blob that is in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) blob: SizedDigest,
    pub(super) repository: Repository,
    pub(super) outcome: BlobOutcome,
}

/// What became of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is on its way.
    Underway,
    /// It arrived.
    There(Arrival),
    /// It went by, and is not there.
    Lost(Loss),
}

/// Why a blob is nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Loss {
    /// In words, where it was tried.
    pub(super) why: Option<String>,
    /// Whether it would end so in another pass too.
    pub(super) is_final: bool,
}

/// Where a blob is, for whoever needs it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// This run brought it there, or saw it there.
    Arrived(Arrival),
    /// A tag names it there, which the registry may have lost it all the same.
    Named(Repository),
    /// Nobody knows.
    Nowhere(Loss),
}

/// All blobs of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    state: Mutex<State>,
    /// Tells whoever waits that some blob's way ended.
    ended: Notify,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<BlobId, Key>,
    fates: HashMap<Key, Fate>,
    named: HashMap<Digest, Repository>,
}

impl Ledger {
    /// Notes by what key the blob is known that has this number, whenever the package is read.
    pub(super) fn enter(&self, id: BlobId, key: &Key) {
        held(&self.state).keys.insert(id, key.clone());
    }

    /// The key of a blob that went by.
    pub(super) fn key_of(&self, id: BlobId) -> Option<Key> {
        held(&self.state).keys.get(&id).cloned()
    }

    /// Notes that a tag of `repository` names the blob.
    pub(super) fn name(&self, digest: &Digest, repository: &Repository) {
        held(&self.state).named.entry(digest.clone()).or_insert_with(|| repository.clone());
    }

    /// Whether the blob is to be sent now: it is neither there nor on its way. Then it is on its way.
    pub(super) fn claim(&self, key: &Key) -> bool {
        let mut state = held(&self.state);
        let is_named = matches!(key, Key::Digest(digest) if state.named.contains_key(digest));
        let is_settled = matches!(state.fates.get(key), Some(Fate::Underway | Fate::There(_)));
        if is_named || is_settled {
            return false;
        }
        state.fates.insert(key.clone(), Fate::Underway);
        true
    }

    /// The blob is on its way, whatever was thought of it before.
    pub(super) fn begin_again(&self, key: &Key) {
        held(&self.state).fates.insert(key.clone(), Fate::Underway);
    }

    /// Notes how a blob's way ended.
    pub(super) fn settle(&self, key: Key, fate: Fate) {
        held(&self.state).fates.insert(key, fate);
        self.ended.notify_waiters();
    }

    /// Waits until a blob is on its way no more.
    pub(super) async fn ended(&self, key: &Key) {
        loop {
            let ended = self.ended.notified();
            if !self.is_underway(key) {
                return;
            }
            ended.await;
        }
    }

    pub(super) fn is_underway(&self, key: &Key) -> bool {
        held(&self.state).fates.get(key) == Some(&Fate::Underway)
    }

    /// Where the blob is. Bytes that were sent for it are told once; after that it existed.
    pub(super) fn stand(&self, key: &Key) -> Stand {
        let mut state = held(&self.state);
        let loss = match state.fates.get_mut(key) {
            Some(Fate::There(arrival)) => {
                let told = arrival.clone();
                arrival.outcome = BlobOutcome::Existed;
                return Stand::Arrived(told);
            }
            Some(Fate::Lost(loss)) => loss.clone(),
            Some(Fate::Underway) | None => Loss::default(),
        };
        match key {
            Key::Digest(digest) if state.named.contains_key(digest) => {
                Stand::Named(state.named[digest].clone())
            }
            _ => Stand::Nowhere(loss),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    fn repository() -> Repository {
        "a/b".parse().unwrap()
    }

    #[test]
    fn a_blob_is_sent_once() {
        let ledger = Ledger::default();
        let digest = Digest::sha256(b"x");
        let key = Key::Digest(digest.clone());
        assert!(ledger.claim(&key));
        assert!(!ledger.claim(&key));
        let loss = Loss { why: Some("cut".to_owned()), is_final: false };
        ledger.settle(key.clone(), Fate::Lost(loss.clone()));
        assert_eq!(ledger.stand(&key), Stand::Nowhere(loss));
        assert!(ledger.claim(&key));
        let blob = SizedDigest { digest, size: 1 };
        let arrival = Arrival { blob, repository: repository(), outcome: BlobOutcome::Uploaded };
        ledger.settle(key.clone(), Fate::There(arrival.clone()));
        assert!(!ledger.claim(&key));
        assert_eq!(ledger.stand(&key), Stand::Arrived(arrival.clone()));
        let existed = Arrival { outcome: BlobOutcome::Existed, ..arrival };
        assert_eq!(ledger.stand(&key), Stand::Arrived(existed));
    }

    #[tokio::test]
    async fn whoever_waits_for_a_blob_hears_of_its_end() {
        let ledger = Ledger::default();
        let (key, other) = (Key::Digest(Digest::sha256(b"x")), Key::Digest(Digest::sha256(b"y")));
        ledger.ended(&key).await;
        assert!(ledger.claim(&key) && ledger.claim(&other));
        let mut waiting = pin!(ledger.ended(&key));
        assert!(poll!(waiting.as_mut()).is_pending());
        ledger.settle(other, Fate::Lost(Loss::default()));
        assert!(poll!(waiting.as_mut()).is_pending());
        ledger.settle(key.clone(), Fate::Lost(Loss::default()));
        assert!(poll!(waiting.as_mut()).is_ready());
    }

    #[test]
    fn what_a_tag_names_is_not_sent() {
        let ledger = Ledger::default();
        let digest = Digest::sha256(b"x");
        ledger.name(&digest, &repository());
        assert!(!ledger.claim(&Key::Digest(digest.clone())));
        assert_eq!(ledger.stand(&Key::Digest(digest)), Stand::Named(repository()));
    }
}
