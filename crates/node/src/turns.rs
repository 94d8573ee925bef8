//! Which layers a runtime has, and whose turn it is: images that share layers which lack are sent one after
//! the other, so that the second goes without them.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use portolan_oci::Digest;
use tokio::sync::Notify;

/// Layers that are there, by chain ID (Docker) or digest (containerd), and those that are being brought.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    chains: Mutex<Chains>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Chains {
    there: HashSet<Digest>,
    coming: HashSet<Digest>,
}

/// One image's turn; over when it is dropped.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    /// By layer, lowest first: its chain, and whether it lacks.
    chains: Vec<(Digest, bool)>,
}

impl Turns {
    /// Notes chains that are there.
    pub(crate) fn note(&self, chains: impl IntoIterator<Item = Digest>) {
        self.lock().there.extend(chains);
    }

    /// Whether a chain is there.
    pub(crate) fn has(&self, chain: &Digest) -> bool {
        self.lock().there.contains(chain)
    }

    /// Waits until nobody brings any of these chains.
    pub(crate) async fn take(&self, chains: &[Digest]) -> Turn<'_> {
        loop {
            // Made before the look, so that no end is missed.
            let ended = self.ended.notified();
            if let Some(turn) = self.try_take(chains) {
                return turn;
            }
            ended.await;
        }
    }

    fn try_take(&self, chains: &[Digest]) -> Option<Turn<'_>> {
        let mut state = self.lock();
        if chains.iter().any(|chain| state.coming.contains(chain)) {
            return None;
        }
        let chains: Vec<(Digest, bool)> =
            chains.iter().map(|chain| (chain.clone(), !state.there.contains(chain))).collect();
        state.coming.extend(chains.iter().filter(|(_, lacks)| *lacks).map(|(chain, _)| chain.clone()));
        Some(Turn { turns: self, chains })
    }

    fn lock(&self) -> MutexGuard<'_, Chains> {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// By layer, lowest first: whether it has to be sent.
    pub(crate) fn lacks(&self) -> Vec<bool> {
        self.chains.iter().map(|(_, lacks)| *lacks).collect()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        for (chain, _) in self.chains.iter().filter(|(_, lacks)| *lacks) {
            state.coming.remove(chain);
        }
        drop(state);
        self.turns.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_two_share_is_sent_once() {
        let (turns, a, b) = (Turns::default(), Digest::sha256(b"a"), Digest::sha256(b"b"));
        let first = turns.take(std::slice::from_ref(&a)).await;
        assert_eq!(first.lacks(), [true]);
        assert!(turns.try_take(&[a.clone(), b.clone()]).is_none());
        turns.note([a.clone()]);
        drop(first);
        assert_eq!(turns.take(&[a, b]).await.lacks(), [false, true]);
    }
}
