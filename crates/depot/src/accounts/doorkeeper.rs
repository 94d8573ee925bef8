//! All accounts in memory, and what is known of who came by.

use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use secrecy::SecretString;
use tokio::sync::Semaphore;

use super::directory::{Directory, Sources};
use super::htpasswd::HtpasswdError;
use super::name::UserName;
use super::password::{Password, PasswordHash};
use super::password_file::PasswordFile;
use super::remembered::Remembered;
use super::seal::Seal;
use crate::options::Options;
use crate::store::StoredAccount;

/// Knows everybody and lets them in (`sign_in`).
#[derive(Debug)]
pub(crate) struct Doorkeeper {
    directory: RwLock<Arc<Directory>>,
    /// What the directory is made of. Held while accounts change, so that no change is lost.
    sources: Mutex<Sources>,
    pub(super) has_file: bool,
    pub(super) seal: Seal,
    pub(super) remembered: Remembered,
    /// Lets one login be looked into at a time.
    pub(super) turn: Arc<Semaphore>,
    /// How many wait for that.
    pub(super) waiting: AtomicUsize,
    /// Held while a hash is computed.
    hashing: Mutex<()>,
    /// When the password file was last looked at, in milliseconds since `started`.
    pub(super) looked: AtomicU64,
    pub(super) started: Instant,
}

/// Accounts while they are being changed.
pub(super) struct Change<'a>(MutexGuard<'a, Sources>);

impl Change<'_> {
    /// Whether the depot's own accounts have one of that name.
    pub(super) fn has(&self, name: &UserName) -> bool {
        self.0.depot.iter().any(|account| account.name == *name)
    }

    /// Whether no account would be left without that one.
    pub(super) fn is_last(&self, name: &UserName) -> bool {
        let others = self.0.depot.len() > 1 || self.0.options.is_some() || self.0.file.is_some();
        self.has(name) && !others
    }
}

impl Doorkeeper {
    /// Takes the depot's accounts, that of the options, and those of the password file, which is
    /// refused where it is no such file. Blocks.
    pub(crate) fn new(depot: Vec<StoredAccount>, options: &Options) -> Result<Self, HtpasswdError> {
        let file = options.access.password_file.clone().map(PasswordFile::open).transpose()?;
        let doorkeeper = Self {
            directory: RwLock::default(),
            has_file: file.is_some(),
            sources: Mutex::new(Sources { options: options.account.clone(), depot, file }),
            seal: Seal::random(),
            remembered: Remembered::default(),
            turn: Arc::new(Semaphore::new(1)),
            waiting: AtomicUsize::new(0),
            hashing: Mutex::default(),
            looked: AtomicU64::new(0),
            started: Instant::now(),
        };
        doorkeeper.renew(&doorkeeper.change());
        Ok(doorkeeper)
    }

    /// All accounts as they are now.
    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nobody else changes accounts until that is dropped.
    pub(super) fn change(&self) -> Change<'_> {
        Change(self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the depot's accounts as they are after a change.
    pub(super) fn take(&self, mut change: Change<'_>, depot: Vec<StoredAccount>) {
        change.0.depot = depot;
        self.renew(&change);
    }

    /// Looks whether the password file changed. One that is not taken leaves its users as they were.
    pub(super) fn reread(&self) {
        let mut change = self.change();
        if change.0.file.as_mut().is_some_and(PasswordFile::reread) {
            self.renew(&change);
        }
    }

    /// The hash of a new password, to be stored. Blocks.
    pub(super) fn hash(&self, password: &Password) -> SecretString {
        self.alone(|| PasswordHash::make(password)).as_str().into()
    }

    /// Does work that takes as much memory as one hash.
    pub(super) fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        let _alone = self.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    fn renew(&self, change: &Change<'_>) {
        let generation = self.directory().generation + 1;
        let directory = Directory::new(&self.seal, &change.0, generation);
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(directory);
    }
}
