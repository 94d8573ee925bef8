//! What was asked for lately, in memory: hot pulls need neither the database nor a file.
//!
//! Only what is there is remembered, never that something is missing. An entry is dropped before
//! the change that makes it untrue is committed, and cannot come back until that is over: whoever
//! read the old state meanwhile finds that the epoch has passed, and keeps nothing. So no answer
//! from here is older than one that the database gave before.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hashlink::LruCache;
use portolan_oci::{Digest, MediaType, Repository, Tag};

use crate::options::Visibility;

/// Bytes that all entries may take: some thousand manifests of common size.
const ROOM: usize = 4 * 1024 * 1024;

/// Largest entry; a few index-like giants must not drive everything else out.
const LARGEST: usize = 128 * 1024;

/// What an entry takes beside a manifest's bytes: names, digest, and the table's own.
const OVERHEAD: usize = 512;

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::store) enum Key {
    /// What a tag points to.
    Tag(Repository, Tag),
    /// A repository's manifest.
    Manifest(Repository, Digest),
    /// A repository's blob.
    Blob(Repository, Digest),
    /// A project, by its name.
    Project(Box<str>),
}

/// What is remembered of it.
#[derive(Debug, Clone)]
pub(in crate::store) enum Value {
    /// Of a tag: its manifest.
    Tag(Digest),
    /// Of a manifest: its media type and its bytes.
    Manifest(MediaType, Bytes),
    /// Of a blob: its length.
    Blob(u64),
    /// Of a project: its visibility, `None` where nobody made it.
    Project(Option<Visibility>),
}

impl Value {
    fn bytes(&self) -> usize {
        match self {
            Self::Manifest(_, bytes) => OVERHEAD + bytes.len(),
            Self::Tag(_) | Self::Blob(_) | Self::Project(_) => OVERHEAD,
        }
    }
}

/// What a transaction makes untrue.
#[derive(Debug, Default)]
pub(super) struct Stale {
    keys: HashSet<Key>,
    everything: bool,
}

impl Stale {
    pub(super) fn add(&mut self, key: Key) {
        self.keys.insert(key);
    }

    pub(super) fn add_everything(&mut self) {
        self.everything = true;
    }

    fn has(&self, key: &Key) -> bool {
        self.everything || self.keys.contains(key)
    }
}

/// The entries, those used last kept longest.
#[derive(Debug)]
pub(in crate::store) struct Cache(Mutex<State>);

#[derive(Debug)]
struct State {
    entries: LruCache<Key, Value>,
    bytes: usize,
    /// Counts the beginnings and ends of changes.
    epoch: u64,
    /// What the change under way makes untrue.
    held: Stale,
}

/// When a question was put to the database.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Asked(u64);

impl Cache {
    pub(super) fn new() -> Self {
        let entries = LruCache::new_unbounded();
        Self(Mutex::new(State { entries, bytes: 0, epoch: 0, held: Stale::default() }))
    }

    /// What is remembered of something.
    pub(in crate::store) fn get(&self, key: &Key) -> Option<Value> {
        self.lock().entries.get(key).cloned()
    }

    /// To be called before the database is asked about what will be kept.
    pub(in crate::store) fn asking(&self) -> Asked {
        Asked(self.lock().epoch)
    }

    /// Remembers an answer, unless a change came in between.
    pub(in crate::store) fn keep(&self, asked: Asked, key: Key, value: Value) {
        let mut state = self.lock();
        if state.epoch == asked.0 && !state.held.has(&key) && value.bytes() <= LARGEST {
            state.insert(key, value);
        }
    }

    /// Forgets what turned out to be untrue.
    pub(in crate::store) fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// Drops what is about to become untrue, and keeps it out until [`Self::end`].
    pub(super) fn begin(&self, stale: Stale) {
        let mut state = self.lock();
        state.epoch += 1;
        if stale.everything {
            state.entries.clear();
            state.bytes = 0;
        }
        stale.keys.iter().for_each(|key| state.remove(key));
        state.held = stale;
    }

    /// The change is committed, or will not be.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.epoch += 1;
        state.held = Stale::default();
    }

    /// Entries are whole whenever the lock is free.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn insert(&mut self, key: Key, value: Value) {
        self.bytes += value.bytes();
        if let Some(before) = self.entries.insert(key, value) {
            self.bytes -= before.bytes();
        }
        while self.bytes > ROOM {
            let Some((_, value)) = self.entries.remove_lru() else {
                break;
            };
            self.bytes -= value.bytes();
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(value) = self.entries.remove(key) {
            self.bytes -= value.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        Key::Blob("a".parse().unwrap(), Digest::sha256(&number.to_be_bytes()))
    }

    fn length(cache: &Cache, key: &Key) -> Option<u64> {
        cache.get(key).map(|value| match value {
            Value::Blob(length) => length,
            other => panic!("{other:?}"),
        })
    }

    fn stale(keys: &[Key]) -> Stale {
        Stale { keys: keys.iter().cloned().collect(), everything: false }
    }

    #[test]
    fn an_answer_is_kept_unless_something_changed_since_it_was_asked_for() {
        let cache = Cache::new();
        let (one, other) = (key(1), key(2));
        cache.keep(cache.asking(), one.clone(), Value::Blob(1));
        assert_eq!((length(&cache, &one), length(&cache, &other)), (Some(1), None));
        let before = cache.asking();
        cache.begin(stale(std::slice::from_ref(&one)));
        assert_eq!(length(&cache, &one), None, "dropped before it is untrue");
        cache.keep(before, one.clone(), Value::Blob(1));
        let during = cache.asking();
        cache.keep(during, one.clone(), Value::Blob(1));
        assert_eq!(length(&cache, &one), None, "held while the change is under way");
        cache.keep(during, other.clone(), Value::Blob(2));
        assert_eq!(length(&cache, &other), Some(2), "not concerned");
        cache.end();
        cache.keep(during, one.clone(), Value::Blob(1));
        assert_eq!(length(&cache, &one), None, "read before the change was done");
        cache.keep(cache.asking(), one.clone(), Value::Blob(3));
        assert_eq!(length(&cache, &one), Some(3));
    }

    #[test]
    fn a_change_can_make_everything_untrue() {
        let cache = Cache::new();
        cache.keep(cache.asking(), key(1), Value::Blob(1));
        cache.begin(Stale { everything: true, ..Stale::default() });
        cache.keep(cache.asking(), key(2), Value::Blob(2));
        cache.end();
        assert_eq!((length(&cache, &key(1)), length(&cache, &key(2))), (None, None));
        assert_eq!(cache.lock().bytes, 0);
    }

    #[test]
    fn what_was_used_last_stays_within_the_room() {
        let cache = Cache::new();
        let most = ROOM / OVERHEAD;
        for number in 0..=most {
            cache.keep(cache.asking(), key(number), Value::Blob(1));
            assert!(cache.get(&key(0)).is_some());
            assert!(cache.lock().bytes <= ROOM);
        }
        assert_eq!(length(&cache, &key(1)), None, "the one that was not used went");
        let large = Value::Manifest(MediaType::OCI_INDEX, vec![0; LARGEST].into());
        cache.keep(cache.asking(), key(1), large);
        assert!(cache.get(&key(1)).is_none(), "too large");
        let fits = Value::Manifest(MediaType::OCI_INDEX, vec![0; LARGEST - OVERHEAD].into());
        cache.keep(cache.asking(), key(1), fits);
        cache.forget(&key(1));
        let state = cache.lock();
        assert_eq!(state.bytes, state.entries.len() * OVERHEAD);
    }
}
