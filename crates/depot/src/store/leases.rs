//! What clients were told is there must stay there for a while: a push counts on the answer.
//!
//! A client asks which blobs a repository has, sends the others, and then puts a manifest that
//! names them all. So whatever was asked for counts as touched, like what was sent, and is kept
//! from being collected for the grace time. And what is being collected at this very moment is
//! not told of as there: of an answer and a removal at once one comes first, and the other knows.
//!
//! Leases are in memory. A process that has just started knows of none, so while one serves,
//! nothing may count as untouched for longer than the process has run ([`Leases::served`]).

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use portolan_oci::{Digest, Repository};

/// How long a lease is remembered: the longest grace time that can be kept.
pub const LONGEST_GRACE: Duration = Duration::from_hours(24);

/// Leases that are kept before old ones are looked for.
const FEW: usize = 4096;

/// Which contents of which repositories were asked for, and when.
#[derive(Debug)]
pub struct Leases {
    start: Instant,
    /// Since when clients are answered.
    serving: OnceLock<Instant>,
    hasher: RandomState,
    state: Mutex<State>,
}

/// Names and digests would take a multiple of what their hashes do. Where two coincide, something
/// is kept longer.
#[derive(Debug)]
struct State {
    /// Seconds from the start to the last time.
    touched: HashMap<u64, u32>,
    condemned: HashSet<u64>,
    /// Length of `touched` at which old leases are dropped.
    full: usize,
}

/// Contents of repositories that are being removed. Until this is dropped, they are not told of as
/// there.
#[derive(Debug)]
pub struct Condemned<'a> {
    leases: &'a Leases,
    hashes: Vec<u64>,
    members: Vec<(Repository, Digest)>,
}

impl Leases {
    pub(super) fn new() -> Self {
        let state = State { touched: HashMap::new(), condemned: HashSet::new(), full: FEW };
        Self {
            start: Instant::now(),
            serving: OnceLock::new(),
            hasher: RandomState::new(),
            state: Mutex::new(state),
        }
    }

    /// Says that clients are answered from now on.
    pub(crate) fn serve(&self) {
        self.serving.get_or_init(Instant::now);
    }

    /// How long clients were answered by this process; `None` where it answers none.
    pub fn served(&self) -> Option<Duration> {
        self.serving.get().map(Instant::elapsed)
    }

    /// Notes that a client is about to be told of a content. `false` where it is being removed,
    /// and must not be told of.
    ///
    /// To be called before it is looked for.
    pub fn touch(&self, repository: &Repository, digest: &Digest) -> bool {
        let hash = self.hash(repository, digest);
        let mut state = self.lock();
        if state.condemned.contains(&hash) {
            return false;
        }
        let now = self.now();
        state.touched.insert(hash, now);
        if state.touched.len() > state.full {
            state.sweep(now);
        }
        true
    }

    /// Takes back a lease on what turned out not to be there, so that asking for what nobody has
    /// takes no memory.
    pub(super) fn release(&self, repository: &Repository, digest: &Digest) {
        let hash = self.hash(repository, digest);
        self.lock().touched.remove(&hash);
    }

    /// Marks those as being removed that nobody asked for within the grace time.
    pub fn condemn(&self, candidates: Vec<(Repository, Digest)>, grace: Duration) -> Condemned<'_> {
        let mut state = self.lock();
        let now = self.now();
        let mut condemned = Condemned { leases: self, hashes: Vec::new(), members: Vec::new() };
        for (repository, digest) in candidates {
            let hash = self.hash(&repository, &digest);
            if !state.is_leased(hash, now, grace) && state.condemned.insert(hash) {
                condemned.hashes.push(hash);
                condemned.members.push((repository, digest));
            }
        }
        condemned
    }

    fn hash(&self, repository: &Repository, digest: &Digest) -> u64 {
        self.hasher.hash_one((repository, digest))
    }

    fn now(&self) -> u32 {
        u32::try_from(self.start.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// The tables are whole whenever the lock is free.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Of two whole seconds that are a grace time apart, nearly another second may lack between the two
    /// moments: such a lease still counts. A grace time of nothing keeps nothing, not even what was asked
    /// for in this second.
    fn is_leased(&self, hash: u64, now: u32, grace: Duration) -> bool {
        let since = self.touched.get(&hash).map(|&at| u64::from(now.saturating_sub(at)));
        !grace.is_zero() && since.is_some_and(|since| Duration::from_secs(since) <= grace)
    }

    fn sweep(&mut self, now: u32) {
        self.touched.retain(|_, at| u64::from(now.saturating_sub(*at)) <= LONGEST_GRACE.as_secs());
        self.full = FEW.max(2 * self.touched.len());
    }
}

impl Condemned<'_> {
    /// What may be removed.
    pub fn members(&self) -> &[(Repository, Digest)] {
        &self.members
    }
}

impl Drop for Condemned<'_> {
    fn drop(&mut self) {
        let mut state = self.leases.lock();
        for hash in &self.hashes {
            state.condemned.remove(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn name(name: &str) -> Repository {
        name.parse().unwrap()
    }

    fn content(number: u32) -> Digest {
        Digest::sha256(&number.to_be_bytes())
    }

    #[test]
    fn what_was_asked_for_is_not_condemned_within_the_grace_time() {
        let leases = Leases::new();
        assert!(leases.touch(&name("a"), &content(1)));
        let candidates = vec![(name("a"), content(1)), (name("b"), content(1)), (name("a"), content(2))];
        let condemned = leases.condemn(candidates.clone(), HOUR);
        assert_eq!(condemned.members(), &candidates[1..], "each repository for itself");
        drop(condemned);
        assert_eq!(leases.condemn(candidates.clone(), Duration::ZERO).members(), candidates);
        leases.release(&name("a"), &content(1));
        assert_eq!(leases.condemn(candidates.clone(), HOUR).members(), candidates);
    }

    #[test]
    fn what_is_condemned_cannot_be_asked_for_until_that_is_over() {
        let leases = Leases::new();
        let condemned = leases.condemn(vec![(name("a"), content(1))], HOUR);
        assert!(!leases.touch(&name("a"), &content(1)));
        assert!(leases.touch(&name("b"), &content(1)));
        assert_eq!(leases.condemn(vec![(name("a"), content(1))], HOUR).members(), [], "by another already");
        drop(condemned);
        assert!(leases.touch(&name("a"), &content(1)));
    }

    #[test]
    fn leases_that_can_matter_to_nobody_are_dropped() {
        let leases = Leases::new();
        let day = u32::try_from(LONGEST_GRACE.as_secs()).unwrap();
        let mut state = leases.lock();
        state.touched.extend((0..10).map(|number| (number, u32::try_from(number).unwrap())));
        state.sweep(day + 5);
        assert_eq!((state.touched.len(), state.full), (5, FEW));
        drop(state);
        for number in 0..2 * u32::try_from(FEW).unwrap() {
            leases.touch(&name("a"), &content(number));
        }
        assert!(leases.lock().touched.len() >= 2 * FEW, "those of today stay");
    }
}
