//! The connections that read, each lent to one thread at a time.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::open;
use crate::store::error::StoreError;

/// Most connections at once: questions take microseconds, so more of them would only cost memory.
const MOST: usize = 4;

/// A few connections, opened as they are needed.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Connection>,
    open: usize,
}

/// A connection while somebody has it; dropping it gives it back, also in a panic.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Readers {
    /// Opens the first connection, so that what is wrong shows at once.
    pub(super) fn new(path: &Path) -> Result<Self, StoreError> {
        let first = open::readable(path).map_err(|source| StoreError::Database { action: "open", source })?;
        let pool = Mutex::new(Pool { idle: vec![first], open: 1 });
        Ok(Self { path: path.to_owned(), pool, returned: Condvar::new() })
    }

    /// Runs `ask` in one read transaction.
    pub(super) fn with<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let lent = self.lend()?;
        let connection = lent.connection.as_ref().expect("because only dropping takes it");
        let transaction = connection.unchecked_transaction()?;
        ask(&transaction)
    }

    fn lend(&self) -> rusqlite::Result<Lent<'_>> {
        let mut pool = self.lock();
        loop {
            if let Some(connection) = pool.idle.pop() {
                return Ok(Lent { readers: self, connection: Some(connection) });
            }
            if pool.open < MOST {
                pool.open += 1;
                drop(pool);
                return self.open_another();
            }
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Opens a connection that was counted already; where that fails, its place is free again.
    fn open_another(&self) -> rusqlite::Result<Lent<'_>> {
        let mut lent = Lent { readers: self, connection: None };
        lent.connection = Some(open::readable(&self.path)?);
        Ok(lent)
    }

    /// The pool is whole whenever the lock is free.
    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut pool = self.readers.lock();
        match mem::take(&mut self.connection) {
            Some(connection) => pool.idle.push(connection),
            None => pool.open -= 1,
        }
        self.readers.returned.notify_one();
    }
}
