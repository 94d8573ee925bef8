//! Locks by digest: what gives a content its name and what takes it away exclude each other.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portolan_oci::Digest;

/// As many locks as two hex digits have values, so that those of two contents seldom coincide.
const STRIPES: usize = 256;

/// A lock for every digest, each shared by one in 256 of them.
#[derive(Debug)]
pub(super) struct Stripes(Vec<Mutex<()>>);

impl Stripes {
    pub(super) fn new() -> Self {
        Self(std::iter::repeat_with(Mutex::default).take(STRIPES).collect())
    }

    /// Waits until nobody else has these contents in hand: always in one order, so that no two wait
    /// for each other.
    pub(super) fn hold_all<'a>(&self, digests: impl Iterator<Item = &'a Digest>) -> Vec<MutexGuard<'_, ()>> {
        let stripes: BTreeSet<usize> = digests.map(stripe).collect();
        stripes.into_iter().map(|stripe| self.lock(stripe)).collect()
    }

    fn lock(&self, stripe: usize) -> MutexGuard<'_, ()> {
        // Nothing lies behind the lock that a panic could leave half done.
        self.0[stripe].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stripe(digest: &Digest) -> usize {
    usize::from_str_radix(&digest.hex()[..2], 16).expect("because a digest has more than two hex digits")
}
