//! Locks that a panic elsewhere takes nothing from.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the mutex guards. It is whole after every step, so whoever panicked while holding it left it so.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
